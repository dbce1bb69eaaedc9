// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: how an ioctl's structure comes in, and goes out.
 *
 * It begins with its size, as the caller knows it. There has been one version of
 * each so far; a later one gets its members zeroed here when the caller does not
 * know them.
 */

#include <linux/uaccess.h>

#include "devuser_private.h"

static int devuser_get_size(u32 *usize, size_t size, unsigned long uarg)
{
	if (get_user(*usize, (u32 __user *)uarg))
		return -EFAULT;

	if (*usize < size)
		return -EINVAL;

	return *usize > PAGE_SIZE ? -E2BIG : 0;
}

int devuser_get_arg(void *arg, size_t size, unsigned long uarg)
{
	u32 usize;
	int r;

	r = devuser_get_size(&usize, size, uarg);

	return r ?: copy_struct_from_user(arg, size, (void __user *)uarg, usize);
}

/* What the caller knows beyond the answer has to be zero, and its size stays. */
int devuser_put_answer(void *answer, size_t size, unsigned long uarg)
{
	void __user *to = (void __user *)uarg;
	u32 *usize = answer;
	int r;

	r = devuser_get_size(usize, size, uarg);
	if (r)
		return r;

	r = check_zeroed_user(to + size, *usize - size);
	if (r <= 0)
		return r ?: -E2BIG;

	return copy_to_user(to, answer, size) ? -EFAULT : 0;
}

/* Both descriptors' own. */
int devuser_ioctl_info(unsigned long uarg)
{
	struct kvm_dev_user_info info;

	devuser_info(&info);

	return devuser_put_answer(&info, sizeof(info), uarg);
}
