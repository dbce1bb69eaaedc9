// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the device itself, and how it fails.
 */

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/poll.h>

#include "devuser_private.h"
#include "trace.h"

static atomic_t devuser_ids = ATOMIC_INIT(0);

struct devuser *devuser_alloc(struct kvm *kvm, struct devuser_vm *vm)
{
	struct devuser *d;

	d = kvzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return NULL;

	d->scores = kvcalloc(KVM_MAX_VCPUS, sizeof(*d->scores), GFP_KERNEL_ACCOUNT);
	if (!d->scores) {
		kvfree(d);
		return NULL;
	}

	kref_init(&d->ref);
	d->id = atomic_inc_return(&devuser_ids);
	d->kvm = kvm;
	d->vm = vm;
	d->state = KVM_DEV_USER_IDLE;
	spin_lock_init(&d->lock);
	init_waitqueue_head(&d->quiet);
	devuser_queue_init(d);

	return d;
}

static void devuser_free(struct kref *ref)
{
	struct devuser *d = container_of(ref, struct devuser, ref);

	devuser_score_free_all(d);
	put_pid(d->reader);
	kvfree(d);
}

void devuser_put(struct devuser *d)
{
	kref_put(&d->ref, devuser_free);
}

/* Tell the master that the device failed or lost its slave. */
void devuser_notify(struct devuser *d)
{
	lockdep_assert_held(&d->lock);

	if (d->eventfd)
		eventfd_signal(d->eventfd);
}

/* What the slave had the callbacks serve is not served any more. */
static void devuser_unserve(struct devuser *d)
{
	rcu_assign_pointer(d->map, NULL);
	rcu_assign_pointer(d->doorbells, NULL);
}

/*
 * End in FAILED, or in GONE: every request is failed, which wakes every vCPU that
 * waits, as it waits for one of them; the slave learns it from its descriptor and
 * the master from its eventfd.
 */
void devuser_fail(struct devuser *d, int state, int reason)
{
	lockdep_assert_held(&d->lock);

	trace_kvm_devuser_fail(d, reason);
	WRITE_ONCE(d->state, state);
	d->reason = reason;
	devuser_unserve(d);
	devuser_queue_fail(d, &d->sent);
	devuser_queue_fail(d, &d->pending);
	if (d->slave)
		devuser_slave_wake(d->slave, EPOLLERR | EPOLLHUP);
	devuser_notify(d);
}

/*
 * R8, R18: the slave was closed or is cut off. What becomes of the guest's
 * requests is what the master chose when it made the slave.
 */
void devuser_lose_slave(struct devuser *d, int reason)
{
	struct devuser_slave *slave = d->slave;

	lockdep_assert_held(&d->lock);

	devuser_unserve(d);
	WRITE_ONCE(d->slave, NULL);
	devuser_slave_wake(slave, EPOLLHUP | EPOLLIN | EPOLLRDNORM);

	if (d->state != KVM_DEV_USER_LIVE) {
		devuser_notify(d);
		return;
	}

	if (!(d->slave_flags & KVM_DEV_USER_SLAVE_HOLD)) {
		devuser_fail(d, KVM_DEV_USER_FAILED, reason);
		return;
	}

	WRITE_ONCE(d->state, KVM_DEV_USER_HELD);
	d->reason = reason;
	if (d->slave_flags & KVM_DEV_USER_SLAVE_REPLAY)
		devuser_queue_replay(d);
	else
		devuser_queue_fail(d, &d->sent);
	devuser_notify(d);
}
