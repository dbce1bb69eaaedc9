// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the fast path, callbacks of the I/O bus.
 *
 * They run inside the vCPU's read section of kvm->srcu, so nothing here sleeps,
 * and nothing here lasts longer than DEVUSER_EARLY_SPIN. An access that is
 * declined, by any non-zero value, is taken up by access.c.
 */

#include <linux/string.h>

#include "devuser_private.h"

static void devuser_io_init(struct kvm_devuser_request *io,
			    struct kvm_vcpu *vcpu, struct devuser_range *range,
			    u8 type, gpa_t addr, int len)
{
	*io = (struct kvm_devuser_request) {
		.offset = addr - range->addr,
		.rid = range->rid,
		.cpu = vcpu->vcpu_id,
		.type = type,
		.len = len,
	};
}

/* Most lengths are these; one that is known spares the call of memcpy(). */
static void devuser_io_set_data(struct kvm_devuser_request *io, const void *val,
				int len)
{
	switch (len) {
	case 1:
		memcpy(io->data, val, 1);
		break;
	case 4:
		memcpy(io->data, val, 4);
		break;
	default:
		memcpy(io->data, val, len);
	}
}

/*
 * An instruction whose access falls into pieces may have had an earlier piece
 * declined. That one is taken up later, and so must this one be (R13).
 */
static bool devuser_behind_fragment(struct kvm_vcpu *vcpu,
				    struct devuser_range *range)
{
	return !range->pio && vcpu->mmio_nr_fragments;
}

/*
 * An access that ends with its page may go on in the next one, and may yet end
 * there in a fault, so that nothing is taken up later.
 */
static bool devuser_may_be_first_piece(struct devuser_range *range, gpa_t addr,
				       int len)
{
	return !range->pio && !offset_in_page(addr + len);
}

/*
 * To give the slave the CPU that it waits for is no sleep, as the vCPU stays
 * runnable.
 */
static void devuser_let_run(struct task_struct *reader)
{
	yield_to(reader, true);
	put_task_struct(reader);
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
	struct task_struct *reader = NULL;
	struct kvm_devuser_request io;
	unsigned int abandons;
	ktime_t end = 0;
	bool queued;

	if (!budget || !vcpu->wants_to_run ||
	    devuser_may_be_first_piece(range, addr, len))
		return -EOPNOTSUPP;

	devuser_io_init(&io, vcpu, range, KVM_DEVUSER_LOAD, addr, len);
	spin_lock(&d->lock);
	queued = devuser_queue_early(d, score, &io);
	abandons = d->abandons;
	/* Somebody waits for the vCPU's CPU: the slave, in all likelihood. */
	if (queued && d->reader && !single_task_running())
		reader = get_task_struct(d->reader);
	spin_unlock(&d->lock);
	if (!queued)
		return -EOPNOTSUPP;

	if (reader)
		devuser_let_run(reader);

	while (!devuser_score_is_answered(score)) {
		/* A reply that is there at once does without a clock. */
		if (!end)
			end = ktime_add_ns(ktime_get(), min(budget, DEVUSER_EARLY_SPIN));
		if (!devuser_may_spin(end)) {
			devuser_access_keep(vcpu, range, score, &io, abandons);
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

	score = devuser_score_find(d, vcpu->vcpu_idx);
	if (!score || devuser_behind_fragment(vcpu, range))
		return -EOPNOTSUPP;

	/*
	 * A load was declined and has not been taken up: this one, if the range is
	 * being moved and the bus has both its places. It must not be served twice.
	 */
	if (score->access->dev)
		return -EAGAIN;

	if (devuser_is_dead(d)) {
		memset(val, 0xff, len);
		return 0;
	}

	r = devuser_shadow_load(d, score, range->rid, addr - range->addr, len, val);
	if (r == -EOPNOTSUPP)
		r = devuser_read_early(vcpu, range, score, addr, len, val);

	return r;
}

static int devuser_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
			 gpa_t addr, int len, const void *val)
{
	struct devuser_range *range = devuser_range_of(iodev);
	struct devuser *d = range->dev;
	struct kvm_devuser_request io;
	struct devuser_score *score;
	int r;

	score = devuser_score_find(d, vcpu->vcpu_idx);
	if (!score || devuser_behind_fragment(vcpu, range))
		return -EOPNOTSUPP;

	devuser_io_init(&io, vcpu, range, KVM_DEVUSER_STORE, addr, len);
	devuser_io_set_data(&io, val, len);

	spin_lock(&d->lock);
	r = devuser_queue_post(d, score, &io);
	spin_unlock(&d->lock);

	return r;
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
