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

struct devuser *devuser_alloc(struct kvm *kvm)
{
	struct devuser *d;

	d = kvzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return NULL;

	kref_init(&d->ref);
	d->id = atomic_inc_return(&devuser_ids);
	d->kvm = kvm;
	d->state = KVM_DEVUSER_IDLE;
	spin_lock_init(&d->lock);
	mutex_init(&d->read_lock);
	mutex_init(&d->shadow_lock);
	init_waitqueue_head(&d->readers);
	init_waitqueue_head(&d->quiet);
	xa_init_flags(&d->scores, XA_FLAGS_ACCOUNT);
	devuser_queue_init(d);

	return d;
}

static void devuser_free(struct kref *ref)
{
	struct devuser *d = container_of(ref, struct devuser, ref);

	devuser_score_free_all(d);
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

void devuser_wake_vcpus(struct devuser *d)
{
	struct devuser_score *score;
	unsigned long idx;

	lockdep_assert_held(&d->lock);

	xa_for_each(&d->scores, idx, score)
		devuser_score_wake(score);
}

/*
 * End in FAILED, or in GONE: every request is failed, every waiter wakes up,
 * the slave learns it from its descriptor and the master from its eventfd.
 */
void devuser_fail(struct devuser *d, int state, int reason)
{
	lockdep_assert_held(&d->lock);

	trace_kvm_devuser_fail(d, reason);
	WRITE_ONCE(d->state, state);
	d->reason = reason;
	devuser_queue_fail(d, &d->sent);
	devuser_queue_fail(d, &d->pending);
	devuser_wake_vcpus(d);
	wake_up_interruptible_poll(&d->readers, EPOLLERR | EPOLLHUP);
	devuser_notify(d);
}
