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

/*
 * The structure is to be answered in: the caller's size has to hold the first
 * version of it, and what the caller knows beyond it has to be zero.
 */
int devuser_check_answer(size_t size, unsigned long uarg, u32 *usize)
{
	void __user *to = (void __user *)uarg;
	int r;

	if (get_user(*usize, (u32 __user *)to))
		return -EFAULT;

	if (*usize < size)
		return -EINVAL;

	if (*usize > PAGE_SIZE)
		return -E2BIG;

	r = check_zeroed_user(to + size, *usize - size);
	if (r <= 0)
		return r ?: -E2BIG;

	return 0;
}

/* Both descriptors' own. */
int devuser_ioctl_info(unsigned long uarg)
{
	struct kvm_dev_user_info info;
	u32 usize;
	int r;

	r = devuser_check_answer(sizeof(info), uarg, &usize);
	if (r)
		return r;

	devuser_info(&info);
	info.size = usize;

	return copy_to_user((void __user *)uarg, &info, sizeof(info)) ? -EFAULT : 0;
}
