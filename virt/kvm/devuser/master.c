// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the master descriptor.
 */

#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "devuser_private.h"

union devuser_master_arg {
	struct kvm_dev_user_slave slave;
	struct kvm_dev_user_pa_range pa_range;
	struct kvm_dev_user_timeout timeout;
	struct kvm_dev_user_eventfd eventfd;
	struct kvm_dev_user_quiet quiet;
	struct kvm_dev_user_abandon abandon;
	struct kvm_dev_user_spin spin;
	struct kvm_dev_user_revoke revoke;
};

static int devuser_master_slave_fd(struct devuser *d, union devuser_master_arg *arg)
{
	u32 flags = arg->slave.flags;

	if (flags & ~(KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY))
		return -EINVAL;

	if (flags == KVM_DEV_USER_SLAVE_REPLAY)
		return -EINVAL;

	return devuser_slave_create(d, flags);
}

static int devuser_master_pa_range(struct devuser *d, union devuser_master_arg *arg)
{
	return devuser_range_set(d, &arg->pa_range);
}

static int devuser_master_timeout(struct devuser *d, union devuser_master_arg *arg)
{
	if (arg->timeout.reserved)
		return -EINVAL;

	WRITE_ONCE(d->timeout_ns, arg->timeout.timeout_ns);
	WRITE_ONCE(d->busy_ns, arg->timeout.busy_ns);
	return 0;
}

static int devuser_master_eventfd(struct devuser *d, union devuser_master_arg *arg)
{
	struct eventfd_ctx *ctx = NULL;

	if (arg->eventfd.fd != -1) {
		ctx = eventfd_ctx_fdget(arg->eventfd.fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}

	spin_lock(&d->lock);
	swap(d->eventfd, ctx);
	if (d->state == KVM_DEV_USER_FAILED || d->state == KVM_DEV_USER_HELD)
		devuser_notify(d);
	spin_unlock(&d->lock);

	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

static bool devuser_is_quiet(struct devuser *d, u64 before_seq)
{
	u64 oldest;

	spin_lock(&d->lock);
	oldest = devuser_queue_oldest(d);
	spin_unlock(&d->lock);

	return !oldest || oldest >= before_seq;
}

static int devuser_master_quiet(struct devuser *d, union devuser_master_arg *arg)
{
	ktime_t timeout = KTIME_MAX;
	u64 before_seq = U64_MAX;
	int r;

	if (arg->quiet.flags & ~KVM_DEV_USER_QUIET_BARRIER)
		return -EINVAL;

	if (arg->quiet.flags & KVM_DEV_USER_QUIET_BARRIER) {
		spin_lock(&d->lock);
		before_seq = d->next_seq;
		spin_unlock(&d->lock);
	}

	if (arg->quiet.timeout_ns)
		timeout = ns_to_ktime(min_t(u64, arg->quiet.timeout_ns, KTIME_MAX));

	r = wait_event_interruptible_hrtimeout(d->quiet,
					       devuser_is_quiet(d, before_seq),
					       timeout);
	if (r == -ETIME)
		return -ETIMEDOUT;

	return r ? -EINTR : 0;
}

static int devuser_master_abandon(struct devuser *d, union devuser_master_arg *arg)
{
	if (arg->abandon.flags)
		return -EINVAL;

	spin_lock(&d->lock);
	WRITE_ONCE(d->abandons, d->abandons + 1);
	devuser_score_wake_all(d);
	spin_unlock(&d->lock);

	return 0;
}

static int devuser_master_spin(struct devuser *d, union devuser_master_arg *arg)
{
	if (arg->spin.reserved || arg->spin.vcpu_ns > DEVUSER_SPIN_MAX ||
	    arg->spin.slave_ns > DEVUSER_SPIN_MAX)
		return -EINVAL;

	WRITE_ONCE(d->vcpu_spin_ns, arg->spin.vcpu_ns);
	WRITE_ONCE(d->slave_spin_ns, arg->spin.slave_ns);
	return 0;
}

/* R18: when this returns, nothing that the slave has set serves a vCPU. */
static int devuser_master_revoke(struct devuser *d, union devuser_master_arg *arg)
{
	int r = 0;

	if (arg->revoke.flags)
		return -EINVAL;

	spin_lock(&d->lock);
	if (d->slave)
		devuser_lose_slave(d, KVM_DEV_USER_REASON_REVOKED);
	else
		r = -ENOENT;
	spin_unlock(&d->lock);

	/* The callbacks are inside it. */
	if (!r)
		synchronize_srcu_expedited(&d->kvm->srcu);

	return r;
}

static int devuser_master_status(struct devuser *d, unsigned long uarg)
{
	struct kvm_dev_user_status status;

	devuser_status(d, &status);

	return devuser_put_answer(&status, sizeof(status), uarg);
}

static const struct devuser_master_op {
	unsigned int ioctl;
	size_t size;
	int (*handle)(struct devuser *d, union devuser_master_arg *arg);
} devuser_master_ops[] = {
	{ KVM_DEV_USER_SLAVE_FD, sizeof(struct kvm_dev_user_slave),
	  devuser_master_slave_fd },
	{ KVM_DEV_USER_PA_RANGE, sizeof(struct kvm_dev_user_pa_range),
	  devuser_master_pa_range },
	{ KVM_DEV_USER_TIMEOUT, sizeof(struct kvm_dev_user_timeout),
	  devuser_master_timeout },
	{ KVM_DEV_USER_EVENTFD, sizeof(struct kvm_dev_user_eventfd),
	  devuser_master_eventfd },
	{ KVM_DEV_USER_QUIET, sizeof(struct kvm_dev_user_quiet),
	  devuser_master_quiet },
	{ KVM_DEV_USER_ABANDON, sizeof(struct kvm_dev_user_abandon),
	  devuser_master_abandon },
	{ KVM_DEV_USER_SPIN, sizeof(struct kvm_dev_user_spin),
	  devuser_master_spin },
	{ KVM_DEV_USER_REVOKE, sizeof(struct kvm_dev_user_revoke),
	  devuser_master_revoke },
};

long devuser_master_ioctl(struct kvm_device *dev, unsigned int ioctl,
			  unsigned long uarg)
{
	const struct devuser_master_op *op;
	union devuser_master_arg arg;
	unsigned int i;
	int r;

	if (ioctl == KVM_DEV_USER_INFO)
		return devuser_ioctl_info(uarg);

	if (ioctl == KVM_DEV_USER_STATUS)
		return devuser_master_status(dev->private, uarg);

	for (i = 0; i < ARRAY_SIZE(devuser_master_ops); i++) {
		op = &devuser_master_ops[i];
		if (op->ioctl != ioctl)
			continue;

		r = devuser_get_arg(&arg, op->size, uarg);
		return r ?: op->handle(dev->private, &arg);
	}

	return -ENOTTY;
}

/* R9: from here on the device knows nothing of the VM. */
void devuser_master_release(struct kvm_device *dev)
{
	struct devuser *d = dev->private;
	struct eventfd_ctx *ctx = NULL;

	devuser_range_remove_all(d);

	spin_lock(&d->lock);
	swap(d->eventfd, ctx);
	devuser_fail(d, DEVUSER_GONE, KVM_DEV_USER_REASON_NONE);
	d->kvm = NULL;
	d->vm = NULL;
	spin_unlock(&d->lock);

	if (ctx)
		eventfd_ctx_put(ctx);
	devuser_put(d);
	kfree(dev); /* alloc by kvm_ioctl_create_device, free by .release */
}
