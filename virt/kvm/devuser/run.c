// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: KVM_RUN, where exits are taken up and completed.
 *
 * An exit that is a user device's never reaches userspace: the access that it is
 * for is carried out here (access.c), and its result is left in struct kvm_run,
 * for the architecture's code, which waits for just that and completes the
 * instruction at the start of its next run.
 */

#include <linux/sched/signal.h>
#include <linux/string.h>

#include "arch.h"
#include "devuser.h"
#include "devuser_private.h"

/* Leave the result where the architecture's code looks for it. */
static void devuser_run_complete(struct kvm_vcpu *vcpu,
				 struct devuser_access *acc)
{
	bool store = acc->io.type == KVM_DEV_USER_STORE;
	struct kvm_run *run = vcpu->run;

	if (acc->pio) {
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = store ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
		run->io.size = acc->io.len;
		run->io.port = acc->addr;
		run->io.count = acc->count;
		run->io.data_offset = DEVUSER_PIO_OFFSET +
				      (acc->data - devuser_pio_page(vcpu));
	} else {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = acc->addr;
		memcpy(run->mmio.data, acc->io.data, sizeof(run->mmio.data));
		run->mmio.len = acc->io.len;
		run->mmio.is_write = store;
	}
}

/* KVM_RUN ends, and the access does not. */
static int devuser_run_leave(struct kvm_vcpu *vcpu, int r)
{
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	vcpu->run->flags |= KVM_RUN_DEV_USER;

	return r;
}

/* Go on with what an earlier exit left to finish, if anything. */
static int devuser_run_finish(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	int r;

	lockdep_assert_held(&vcpu->mutex);

	if (!acc || !acc->dev)
		return 0;

	r = devuser_access_run(vcpu, acc);
	if (r)
		return devuser_run_leave(vcpu, r);

	vcpu->run->flags &= ~KVM_RUN_DEV_USER;
	devuser_run_complete(vcpu, acc);
	devuser_access_end(acc);

	return 0;
}

/*
 * Read the exit out of struct kvm_run. Userspace may write there meanwhile, and
 * makes its own guest do something else then: what is read is read once, and
 * checked.
 */
static bool devuser_run_parse_mmio(struct kvm_vcpu *vcpu,
				   struct devuser_access *acc)
{
	struct kvm_run *run = vcpu->run;
	u32 len = READ_ONCE(run->mmio.len);

	if (!len || len > sizeof(acc->io.data))
		return false;

	acc->pio = false;
	acc->addr = READ_ONCE(run->mmio.phys_addr);
	acc->count = 1;
	acc->io = (struct kvm_dev_user_request) { .len = len };
	acc->data = acc->io.data;
	if (READ_ONCE(run->mmio.is_write)) {
		acc->io.type = KVM_DEV_USER_STORE;
		memcpy(acc->data, run->mmio.data, len);
	}

	return true;
}

static bool devuser_run_parse_pio(struct kvm_vcpu *vcpu,
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
	acc->data = devuser_pio_page(vcpu) + (offset - DEVUSER_PIO_OFFSET);
	acc->io = (struct kvm_dev_user_request) { .len = len };
	if (READ_ONCE(run->io.direction) == KVM_EXIT_IO_OUT)
		acc->io.type = KVM_DEV_USER_STORE;

	return true;
}

/*
 * The exit that is read may be what userspace wrote there: one that gives the
 * guest something is an access only if the architecture's code will complete it.
 */
static bool devuser_run_parse(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	switch (READ_ONCE(vcpu->run->exit_reason)) {
	case KVM_EXIT_MMIO:
		return devuser_exit_is_awaited(vcpu) &&
		       devuser_run_parse_mmio(vcpu, acc);
	case KVM_EXIT_IO:
		/* The emulator is done with an instruction that only writes. */
		return devuser_run_parse_pio(vcpu, acc) &&
		       (acc->io.type == KVM_DEV_USER_STORE ||
			devuser_exit_is_awaited(vcpu));
	default:
		return false;
	}
}

/* Is it a user device's? A device without a slave yet leaves it to the VMM. */
static struct devuser *devuser_run_claim(struct kvm_vcpu *vcpu,
					 struct devuser_access *acc)
{
	struct devuser_range *range;
	struct devuser *d = NULL;
	int idx;

	idx = srcu_read_lock(&vcpu->kvm->srcu);
	range = devuser_vm_range(vcpu->kvm, acc->pio, acc->addr, acc->io.len);
	if (range && READ_ONCE(range->dev->state) != KVM_DEV_USER_IDLE) {
		d = devuser_get(range->dev);
		acc->io.rid = range->rid;
		acc->io.offset = acc->addr - range->addr;
		acc->posted = range->posted;
	}
	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	return d;
}

/*
 * The fast path has queued a load, and declines it for want of a reply. The exit
 * that follows is for it: see devuser_run_take_kept().
 */
void devuser_run_keep(struct kvm_vcpu *vcpu, struct devuser_range *range,
		      struct devuser_score *score,
		      const struct kvm_dev_user_request *io,
		      unsigned int abandons)
{
	struct devuser_access *acc = score->access;

	lockdep_assert_held(&vcpu->mutex);

	acc->io = *io;
	acc->pio = range->pio;
	acc->addr = range->addr + io->offset;
	acc->count = 1;
	acc->data = acc->io.data;
	devuser_access_start(acc, devuser_get(range->dev), score);
	acc->queued = 1;
	acc->abandons = abandons;
	acc->spin_ns -= min(acc->spin_ns, DEVUSER_EARLY_SPIN);
}

/* Nobody waits for the load that was kept. */
static void devuser_run_drop_kept(struct devuser_access *acc)
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
static bool devuser_run_take_kept(struct kvm_vcpu *vcpu,
				  struct devuser_access *acc)
{
	struct devuser_access exit = { };

	if (devuser_run_parse(vcpu, &exit) && exit.pio == acc->pio &&
	    exit.addr == acc->addr && exit.count == acc->count &&
	    exit.io.type == acc->io.type && exit.io.len == acc->io.len) {
		acc->data = exit.pio ? exit.data : acc->io.data;
		return true;
	}

	devuser_run_drop_kept(acc);
	return false;
}

/* Take up an exit that is a user device's; false leaves it to userspace. */
static bool devuser_run_take(struct kvm_vcpu *vcpu)
{
	struct devuser_access *acc = devuser_vm_access(vcpu);
	struct devuser *d;

	if (IS_ERR_OR_NULL(acc))
		return false;

	if (acc->dev && devuser_run_take_kept(vcpu, acc))
		return true;

	if (!devuser_run_parse(vcpu, acc))
		return false;

	d = devuser_run_claim(vcpu, acc);
	if (!d)
		return false;

	acc->io.cpu = vcpu->vcpu_id;
	devuser_access_start(acc, d, NULL);
	return true;
}

/* The guest was left without an exit: something else has served what was kept. */
static int devuser_run_drop_stale(struct kvm_vcpu *vcpu, int r)
{
	struct devuser_access *acc = devuser_vm_access(vcpu);

	if (!IS_ERR_OR_NULL(acc) && acc->dev)
		devuser_run_drop_kept(acc);

	return r;
}

static bool devuser_run_is_interrupted(struct kvm_vcpu *vcpu)
{
	bool pending;

	cond_resched();

	kvm_sigset_activate(vcpu);
	pending = signal_pending(current);
	kvm_sigset_deactivate(vcpu);

	return pending;
}

/*
 * KVM_RUN. The first device of a VM may be made during the vCPU's run: hence
 * the second look at what the vCPU has, after an exit. The architecture's code
 * looks for signals before it enters the guest, and there may be an exit before
 * that: hence the look here. What has been taken up is then finished if it need not
 * wait, as with immediate_exit, and the guest is not entered again.
 */
int kvm_devuser_vcpu_run(struct kvm_vcpu *vcpu)
{
	struct devuser_access *acc;
	bool again = false;
	u16 events = 0;
	int r;

	do {
		acc = devuser_vm_access(vcpu);
		r = PTR_ERR_OR_ZERO(acc);
		if (r)
			break;

		r = devuser_run_finish(vcpu, acc);
		if (r)
			break;

		/* The next run forgets what the exit that was taken up told. */
		if (again)
			events |= READ_ONCE(vcpu->run->flags) & DEVUSER_EVENT_FLAGS;

		r = kvm_arch_vcpu_ioctl_run(vcpu);
		if (r) {
			r = devuser_run_drop_stale(vcpu, r);
			break;
		}

		/* What is finished next must not run the guest against its will. */
		vcpu->wants_to_run = !READ_ONCE(vcpu->run->immediate_exit__unsafe);

		again = devuser_run_take(vcpu);
		if (again && devuser_run_is_interrupted(vcpu))
			vcpu->wants_to_run = false;
	} while (again);

	vcpu->run->flags |= events;
	return r;
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/run_kunit.c"
#endif
