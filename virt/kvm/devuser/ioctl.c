// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: how an ioctl's structure comes in.
 */

#include <linux/uaccess.h>

#include "devuser_private.h"

/*
 * The structure begins with its size, as the caller knows it. There has been
 * one version of each so far; a later one gets its members zeroed here when the
 * caller does not know them.
 */
int devuser_get_arg(void *arg, size_t size, unsigned long uarg)
{
	void __user *from = (void __user *)uarg;
	u32 usize;

	if (get_user(usize, (u32 __user *)from))
		return -EFAULT;

	if (usize < size)
		return -EINVAL;

	if (usize > PAGE_SIZE)
		return -E2BIG;

	return copy_struct_from_user(arg, size, from, usize);
}
