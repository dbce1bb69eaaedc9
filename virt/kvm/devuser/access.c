// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the slow path, accesses that a vCPU waits for.
 *
 * An exit that the fast path declined is taken up in KVM_RUN, before userspace
 * sees it. It becomes the vCPU's devuser_access, which is carried on, over any
 * number of KVM_RUN that signals interrupt, until it is finished (R10). Its
 * result goes into struct kvm_run; the architecture's code, which waits for
 * just that, completes the instruction at the start of its next run.
 */

#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "devuser.h"
#include "devuser_private.h"
#include "trace.h"

#ifdef CONFIG_X86
/* The page that follows struct kvm_run in userspace's mapping of the vCPU. */
#define DEVUSER_PIO_OFFSET	(KVM_PIO_PAGE_OFFSET * PAGE_SIZE)

static u8 *devuser_pio_page(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.pio_data;
}
#else
#define DEVUSER_PIO_OFFSET	0

static u8 *devuser_pio_page(struct kvm_vcpu *vcpu)
{
	return NULL;
}
#endif

/* The current element's bytes in the PIO page. */
static u8 *devuser_access_pio_data(struct kvm_vcpu *vcpu,
				   struct devuser_access *acc)
{
	return devuser_pio_page(vcpu) + acc->pio_offset + acc->done * acc->io.len;
}

/* How long the current element may wait, and look before that. */
static void devuser_access_set_times(struct devuser_access *acc)
{
	u64 timeout = READ_ONCE(acc->dev->timeout_ns);

	acc->spin_ns = READ_ONCE(acc->dev->vcpu_spin_ns);

	acc->deadline = KTIME_MAX;
	if (timeout && timeout < KTIME_MAX)
		acc->deadline = ktime_add_safe(ktime_get(), ns_to_ktime(timeout));
}

/* Make the next element the current one. */
static void devuser_access_begin(struct kvm_vcpu *vcpu,
				 struct devuser_access *acc)
{
	acc->queued = false;
	if (acc->io.type == KVM_DEVUSER_LOAD)
		memset(acc->io.data, 0, sizeof(acc->io.data));
	else if (acc->pio)
		memcpy(acc->io.data, devuser_access_pio_data(vcpu, acc), acc->io.len);
	devuser_access_set_times(acc);
}

/* The access is over without the slave: loads read all ones. */
static int devuser_access_void(struct devuser_access *acc)
{
	if (acc->io.type == KVM_DEVUSER_LOAD)
		memset(acc->io.data, 0xff, acc->io.len);
	acc->queued = false;

	return 0;
}

/* The master abandoned the access. A store is delivered if there is room. */
static int devuser_access_abandon(struct devuser_access *acc)
{
	struct devuser *d = acc->dev;

	if (acc->queued)
		devuser_queue_forget(d, acc->score);
	else if (acc->io.type == KVM_DEVUSER_STORE &&
		 devuser_queue_post(d, acc->score, &acc->io))
		d->discarded++;

	return devuser_access_void(acc);
}

static int devuser_access_step_queued(struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;

	if (!score->answered)
		return -EAGAIN;

	/* R3: older stores of this vCPU come first. */
	if (acc->io.type == KVM_DEVUSER_LOAD && score->posted)
		return -EAGAIN;

	memcpy(acc->io.data, score->data, sizeof(acc->io.data));
	score->answered = false;
	acc->queued = false;

	return 0;
}

/*
 * What the fast path would do: by now there may be room for a store, or no
 * posted store before a load from the shadow image. Returns -EAGAIN when that
 * is worth waiting for.
 */
static int devuser_access_step_fast(struct devuser_access *acc)
{
	if (acc->io.type == KVM_DEVUSER_LOAD)
		return devuser_shadow_load(acc->dev, acc->score, acc->io.rid,
					   acc->io.offset, acc->io.len,
					   acc->io.data);

	return devuser_queue_post(acc->dev, acc->score, &acc->io) ? -ENOSPC : 0;
}

/*
 * Carry the current element as far as it goes now. Returns 0 when it is
 * finished, -EAGAIN when the vCPU has to wait. Looks at everything that the
 * vCPU may wait for, and so does not depend on what woke it up.
 */
static int devuser_access_step(struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;
	struct devuser *d = acc->dev;

	lockdep_assert_held(&d->lock);

	if (acc->abandons != d->abandons)
		return devuser_access_abandon(acc);

	if (acc->queued)
		return devuser_access_step_queued(acc);

	if (acc->io.type == KVM_DEVUSER_LOAD && devuser_is_dead(d))
		return devuser_access_void(acc);

	switch (devuser_access_step_fast(acc)) {
	case 0:
		return 0;
	case -EAGAIN:
		return -EAGAIN;
	}

	/* An abandoned access may still have the vCPU's own request. */
	if (score->request.stage == DEVUSER_FREE) {
		devuser_queue_await(d, score, &acc->io);
		acc->queued = true;
	}

	return -EAGAIN;
}

/* R7: the element has waited long enough; the device has failed. */
static int devuser_access_expire(struct devuser_access *acc)
{
	struct devuser *d = acc->dev;

	trace_kvm_devuser_timeout(d, &acc->io);
	d->timeouts++;
	devuser_fail(d, KVM_DEVUSER_FAILED, KVM_DEVUSER_REASON_TIMEOUT);

	return devuser_access_step(acc);
}

static int devuser_access_try(struct devuser_access *acc)
{
	int r;

	spin_lock(&acc->dev->lock);
	r = devuser_access_step(acc);
	if (r && acc->deadline != KTIME_MAX &&
	    ktime_compare(ktime_get(), acc->deadline) >= 0)
		r = devuser_access_expire(acc);
	spin_unlock(&acc->dev->lock);

	return r;
}

/* What the element waits for may be there: a hint, as the lock is not held. */
static bool devuser_access_may_go_on(struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;

	if (READ_ONCE(acc->dev->abandons) != acc->abandons)
		return true;

	if (acc->queued && !READ_ONCE(score->answered))
		return false;

	return acc->io.type == KVM_DEVUSER_STORE || !READ_ONCE(score->posted);
}

/* Look for as long as the master lets a vCPU do that. */
static int devuser_access_spin(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	ktime_t end;

	if (!acc->spin_ns)
		return -EAGAIN;

	end = ktime_add_ns(ktime_get(), acc->spin_ns);
	while (!devuser_access_may_go_on(acc)) {
		if (!vcpu->wants_to_run || !devuser_may_spin(end))
			return -EAGAIN;
		cpu_relax();
	}

	return devuser_access_try(acc);
}

static int devuser_access_sleep(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	DEFINE_WAIT(wait);
	int r;

	for (;;) {
		prepare_to_wait(&acc->score->wait, &wait, TASK_INTERRUPTIBLE);
		r = devuser_access_try(acc);
		if (!r)
			break;
		if (signal_pending(current) || !vcpu->wants_to_run) {
			r = -EINTR;
			break;
		}
		schedule_hrtimeout(acc->deadline == KTIME_MAX ? NULL : &acc->deadline,
				   HRTIMER_MODE_ABS);
	}
	finish_wait(&acc->score->wait, &wait);

	return r;
}

/* Finish the current element; -EINTR leaves it as it is, to be gone on with. */
static int devuser_access_wait(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	int r;

	r = devuser_access_try(acc);
	if (!r)
		return 0;

	kvm_sigset_activate(vcpu);
	r = devuser_access_spin(vcpu, acc);
	if (r)
		r = devuser_access_sleep(vcpu, acc);
	kvm_sigset_deactivate(vcpu);

	return r;
}

/* Leave the result where the architecture's code looks for it. */
static void devuser_access_complete(struct kvm_vcpu *vcpu,
				    struct devuser_access *acc)
{
	bool store = acc->io.type == KVM_DEVUSER_STORE;
	struct kvm_run *run = vcpu->run;

	if (acc->pio) {
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = store ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
		run->io.size = acc->io.len;
		run->io.port = acc->addr;
		run->io.count = acc->count;
		run->io.data_offset = DEVUSER_PIO_OFFSET + acc->pio_offset;
	} else {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = acc->addr;
		memcpy(run->mmio.data, acc->io.data, sizeof(run->mmio.data));
		run->mmio.len = acc->io.len;
		run->mmio.is_write = store;
	}
}

/* The vCPU has something to finish; acc->io says what, in which of d's ranges. */
static void devuser_access_start(struct devuser_access *acc, struct devuser *d,
				 struct devuser_score *score)
{
	acc->dev = d;
	acc->score = score;
	acc->done = 0;

	spin_lock(&d->lock);
	d->nr_accesses++;
	acc->abandons = d->abandons;
	spin_unlock(&d->lock);
}

static void devuser_access_end(struct devuser_access *acc)
{
	spin_lock(&acc->dev->lock);
	acc->dev->nr_accesses--;
	spin_unlock(&acc->dev->lock);

	devuser_put(acc->dev);
	acc->dev = NULL;
	acc->score = NULL;
}

/*
 * The fast path has queued a load, and declines it for want of a reply. The exit
 * that follows is for it: see devuser_access_take_kept().
 */
void devuser_access_keep(struct kvm_vcpu *vcpu, struct devuser_range *range,
			 struct devuser_score *score,
			 const struct kvm_devuser_request *io,
			 unsigned int abandons)
{
	struct devuser_access *acc = score->access;

	lockdep_assert_held(&vcpu->mutex);

	acc->io = *io;
	acc->pio = range->pio;
	acc->addr = range->addr + io->offset;
	acc->count = 1;
	acc->queued = true;
	devuser_access_start(acc, devuser_get(range->dev), score);
	acc->abandons = abandons;
	devuser_access_set_times(acc);
	acc->spin_ns -= min(acc->spin_ns, DEVUSER_EARLY_SPIN);
}

static int devuser_access_find_score(struct kvm_vcpu *vcpu,
				     struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;

	if (!score)
		score = devuser_score_find(acc->dev, vcpu->vcpu_idx);
	if (!score)
		score = devuser_score_create(acc->dev, vcpu->vcpu_idx);
	if (IS_ERR(score))
		return PTR_ERR(score);

	score->cpu = vcpu->vcpu_id;
	score->access = acc;
	acc->score = score;
	return 0;
}

static int devuser_access_run(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	int r;

	r = devuser_access_find_score(vcpu, acc);
	if (r)
		return r;

	while (acc->done < acc->count) {
		r = devuser_access_wait(vcpu, acc);
		if (r)
			return r;

		if (acc->pio && acc->io.type == KVM_DEVUSER_LOAD)
			memcpy(devuser_access_pio_data(vcpu, acc), acc->io.data,
			       acc->io.len);
		if (++acc->done < acc->count)
			devuser_access_begin(vcpu, acc);
	}

	return 0;
}

/* Go on with what an earlier exit left to finish, if anything. */
static int devuser_access_finish(struct kvm_vcpu *vcpu,
				 struct devuser_access *acc)
{
	int r;

	lockdep_assert_held(&vcpu->mutex);

	if (!acc || !acc->dev)
		return 0;

	r = devuser_access_run(vcpu, acc);
	if (r) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		vcpu->run->flags |= KVM_RUN_DEV_USER;
		return r;
	}

	vcpu->run->flags &= ~KVM_RUN_DEV_USER;
	devuser_access_complete(vcpu, acc);
	devuser_access_end(acc);

	return 0;
}

/*
 * Read the exit out of struct kvm_run. Userspace may write there meanwhile, and
 * makes its own guest do something else then: what is read is read once, and
 * checked.
 */
static bool devuser_access_parse_mmio(struct kvm_vcpu *vcpu,
				      struct devuser_access *acc)
{
	struct kvm_run *run = vcpu->run;
	u32 len = READ_ONCE(run->mmio.len);

	if (!len || len > sizeof(acc->io.data))
		return false;

	acc->pio = false;
	acc->addr = READ_ONCE(run->mmio.phys_addr);
	acc->count = 1;
	acc->io = (struct kvm_devuser_request) { .len = len };
	if (READ_ONCE(run->mmio.is_write)) {
		acc->io.type = KVM_DEVUSER_STORE;
		memcpy(acc->io.data, run->mmio.data, len);
	}

	return true;
}

static bool devuser_access_parse_pio(struct kvm_vcpu *vcpu,
				     struct devuser_access *acc)
{
	struct kvm_run *run = vcpu->run;
	u64 offset = READ_ONCE(run->io.data_offset);
	u32 count = READ_ONCE(run->io.count);
	u8 len = READ_ONCE(run->io.size);

	if (!devuser_pio_page(vcpu) || (len != 1 && len != 2 && len != 4) ||
	    !count || count > PAGE_SIZE / len || offset < DEVUSER_PIO_OFFSET ||
	    offset - DEVUSER_PIO_OFFSET > PAGE_SIZE - count * len)
		return false;

	acc->pio = true;
	acc->addr = READ_ONCE(run->io.port);
	acc->count = count;
	acc->pio_offset = offset - DEVUSER_PIO_OFFSET;
	acc->io = (struct kvm_devuser_request) { .len = len };
	if (READ_ONCE(run->io.direction) == KVM_EXIT_IO_OUT)
		acc->io.type = KVM_DEVUSER_STORE;

	return true;
}

static bool devuser_access_parse(struct kvm_vcpu *vcpu,
				 struct devuser_access *acc)
{
	switch (READ_ONCE(vcpu->run->exit_reason)) {
	case KVM_EXIT_MMIO:
		return devuser_access_parse_mmio(vcpu, acc);
	case KVM_EXIT_IO:
		return devuser_access_parse_pio(vcpu, acc);
	default:
		return false;
	}
}

/* Is it a user device's? A device without a slave yet leaves it to the VMM. */
static struct devuser *devuser_access_claim(struct kvm_vcpu *vcpu,
					    struct devuser_access *acc)
{
	struct devuser_range *range;
	struct devuser *d = NULL;
	int idx;

	idx = srcu_read_lock(&vcpu->kvm->srcu);
	range = devuser_range_find(vcpu->kvm, acc->pio, acc->addr, acc->io.len);
	if (range && READ_ONCE(range->dev->state) != KVM_DEVUSER_IDLE) {
		d = devuser_get(range->dev);
		acc->io.rid = range->rid;
		acc->io.offset = acc->addr - range->addr;
	}
	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	return d;
}

/* Nobody waits for the load that was kept. */
static void devuser_access_drop_kept(struct devuser_access *acc)
{
	spin_lock(&acc->dev->lock);
	devuser_queue_forget(acc->dev, acc->score);
	spin_unlock(&acc->dev->lock);
	devuser_access_end(acc);
}

/*
 * Take up the exit for a load that is queued already. If the exit is for another
 * access, because userspace has just written to struct kvm_run, or because a
 * device of the kernel's in the same place has served the load, nobody is left
 * who waits for it.
 */
static bool devuser_access_take_kept(struct kvm_vcpu *vcpu,
				     struct devuser_access *acc)
{
	struct kvm_devuser_request io = acc->io;
	u64 addr = acc->addr;
	bool pio = acc->pio;

	if (devuser_access_parse(vcpu, acc) && acc->pio == pio &&
	    acc->addr == addr && acc->io.type == io.type && acc->io.len == io.len) {
		acc->io = io;
		return true;
	}

	devuser_access_drop_kept(acc);
	return false;
}

/* Take up an exit that is a user device's; false leaves it to userspace. */
static bool devuser_access_take(struct kvm_vcpu *vcpu)
{
	struct devuser_access *acc = devuser_vm_access(vcpu);
	struct devuser *d;

	if (IS_ERR_OR_NULL(acc))
		return false;

	if (acc->dev && devuser_access_take_kept(vcpu, acc))
		return true;

	if (!devuser_access_parse(vcpu, acc))
		return false;

	d = devuser_access_claim(vcpu, acc);
	if (!d)
		return false;

	acc->io.cpu = vcpu->vcpu_id;
	devuser_access_start(acc, d, NULL);
	devuser_access_begin(vcpu, acc);
	return true;
}

/* The guest was left without an exit: something else has served what was kept. */
static int devuser_access_interrupted(struct kvm_vcpu *vcpu, int r)
{
	struct devuser_access *acc = devuser_vm_access(vcpu);

	if (!IS_ERR_OR_NULL(acc) && acc->dev)
		devuser_access_drop_kept(acc);

	return r;
}

/*
 * KVM_RUN. The first device of a VM may be made during the vCPU's run: hence
 * the second look at what the vCPU has, after an exit.
 */
int kvm_devuser_vcpu_run(struct kvm_vcpu *vcpu)
{
	struct devuser_access *acc;
	int r;

	do {
		acc = devuser_vm_access(vcpu);
		if (IS_ERR(acc))
			return PTR_ERR(acc);

		r = devuser_access_finish(vcpu, acc);
		if (r)
			return r;

		r = kvm_arch_vcpu_ioctl_run(vcpu);
		if (r)
			return devuser_access_interrupted(vcpu, r);

		/* What is finished next must not run the guest against its will. */
		vcpu->wants_to_run = !READ_ONCE(vcpu->run->immediate_exit__unsafe);
	} while (devuser_access_take(vcpu));

	return 0;
}
