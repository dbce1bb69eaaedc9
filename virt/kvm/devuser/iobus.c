// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the fast path, callbacks of the I/O bus.
 *
 * They run inside the vCPU's read section of kvm->srcu, so nothing here sleeps,
 * and nothing here lasts longer than DEVUSER_EARLY_SPIN. An access that is
 * declined, by any non-zero value, is taken up by run.c.
 */

#include <linux/string.h>

#include "arch.h"
#include "devuser_private.h"

/*
 * The vCPU's line, if the access may be carried out here. Its first access has
 * none yet, and one that follows what was declined has to stay behind it.
 */
static struct devuser_score *devuser_io_score(struct kvm_vcpu *vcpu,
					      struct devuser_range *range)
{
	if (!range->pio && devuser_behind_fragment(vcpu))
		return NULL;

	return devuser_score_find(range->dev, vcpu->vcpu_idx);
}

/*
 * Queue a load here and look for its reply for a moment: one that comes spares
 * the way out to KVM_RUN and back, which costs as much as all the rest. If none
 * comes, the load is declined as any other, and stays queued. Not inline: loads
 * from the shadow image need none of its stack.
 */
static noinline int devuser_read_early(struct kvm_vcpu *vcpu,
				       struct devuser_range *range,
				       struct devuser_score *score, gpa_t addr,
				       int len, void *val)
{
	struct devuser *d = range->dev;
	u32 budget = READ_ONCE(d->vcpu_spin_ns);
	struct kvm_dev_user_request io;
	unsigned int abandons;
	ktime_t end = 0;
	bool queued;

	/* The elements of string I/O are queued together, in KVM_RUN. */
	if (!budget || !vcpu->wants_to_run || !single_task_running() ||
	    (range->pio && devuser_pio_count(vcpu) > 1))
		return -EOPNOTSUPP;

	io = (struct kvm_dev_user_request) {
		.offset = addr - range->addr,
		.rid = range->rid,
		.cpu = vcpu->vcpu_id,
		.type = KVM_DEV_USER_LOAD,
		.len = len,
	};

	spin_lock(&d->lock);
	queued = d->state == KVM_DEV_USER_LIVE &&
		 devuser_queue_await(d, score, &io, 0);
	abandons = d->abandons;
	spin_unlock(&d->lock);
	if (!queued)
		return -EOPNOTSUPP;

	while (!devuser_score_is_answered(score)) {
		/* A reply that is there at once does without a clock. */
		if (!end)
			end = ktime_add_ns(ktime_get(), min(budget, DEVUSER_EARLY_SPIN));
		if (!devuser_may_spin(end)) {
			devuser_run_keep(vcpu, range, score, &io, abandons);
			return -EAGAIN;
		}
		cpu_relax();
	}

	memcpy(val, score->data, len);
	return 0;
}

static int devuser_read(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
			gpa_t addr, int len, void *val)
{
	struct devuser_range *range = devuser_range_of(iodev);
	struct devuser *d = range->dev;
	struct devuser_score *score;
	int r;

	score = devuser_io_score(vcpu, range);
	if (!score)
		return -EOPNOTSUPP;

	/*
	 * A load was declined and has not been taken up: this one, if the range is
	 * being moved and the bus has both its places. It must not be served twice.
	 */
	if (score->access->dev)
		return -EAGAIN;

	r = devuser_shadow_load(d, score, range->rid, addr - range->addr, len, val);
	if (r != -EOPNOTSUPP)
		return r;

	if (devuser_is_dead(d)) {
		memset(val, 0xff, len);
		return 0;
	}

	return devuser_read_early(vcpu, range, score, addr, len, val);
}

static int devuser_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
			 gpa_t addr, int len, const void *val)
{
	struct devuser_range *range = devuser_range_of(iodev);
	struct devuser *d = range->dev;
	struct devuser_score *score;

	score = devuser_io_score(vcpu, range);
	if (!score)
		return -EOPNOTSUPP;

	addr -= range->addr;
	if (devuser_doorbell_may_ring(d, score))
		return devuser_doorbell_ring_or_post(d, score, range->rid, addr,
						     len, val);

	return devuser_queue_post(d, score, range->rid, addr, len, val);
}

/* A store that waits for its reply, unless it only rings a doorbell (R16). */
static int devuser_write_nonposted(struct kvm_vcpu *vcpu,
				   struct kvm_io_device *iodev, gpa_t addr,
				   int len, const void *val)
{
	struct devuser_range *range = devuser_range_of(iodev);
	struct devuser_score *score;

	score = devuser_io_score(vcpu, range);
	if (score && devuser_doorbell_ring(range->dev, score, range->rid,
					   addr - range->addr, len, val))
		return 0;

	return -EOPNOTSUPP;
}

static void devuser_destructor(struct kvm_io_device *iodev)
{
	devuser_range_put(devuser_range_of(iodev));
}

const struct kvm_io_device_ops devuser_iodev_ops = {
	.read = devuser_read,
	.write = devuser_write,
	.destructor = devuser_destructor,
};

const struct kvm_io_device_ops devuser_nonposted_iodev_ops = {
	.read = devuser_read,
	.write = devuser_write_nonposted,
	.destructor = devuser_destructor,
};
