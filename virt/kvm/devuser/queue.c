// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the pending queue and the sent queue.
 *
 * All functions here but devuser_queue_post() are called with devuser->lock held.
 */

#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "devuser_private.h"
#include "trace.h"

/*
 * A request's seq says where the request is: its low bits number it, first the
 * device's own requests for posted stores, then those in the vCPUs' scores. The
 * rest counts up, so that seq does.
 */
#define DEVUSER_SLOT_BITS	13
#define DEVUSER_SLOTS		BIT(DEVUSER_SLOT_BITS)

static_assert(DEVUSER_STORES_MAX + KVM_MAX_VCPUS <= DEVUSER_SLOTS);

static void devuser_queue_free(struct devuser *d, struct devuser_request *rq)
{
	rq->next_free = d->free;
	d->free = rq;
}

static struct devuser_request *devuser_queue_get(struct devuser *d)
{
	struct devuser_request *rq = d->free;

	if (rq)
		d->free = rq->next_free;

	return rq;
}

void devuser_queue_init(struct devuser *d)
{
	unsigned int i;

	INIT_LIST_HEAD(&d->pending);
	INIT_LIST_HEAD(&d->sent);
	d->next_seq = DEVUSER_SLOTS;

	for (i = DEVUSER_STORES_MAX; i--;)
		devuser_queue_free(d, &d->stores_pool[i]);
}

/* The vCPU's own request, not one of the device's? */
static bool devuser_is_own(const struct devuser_request *rq)
{
	return rq == &rq->score->request;
}

/* The seq is the slave's: it must not lead speculation out of an array. */
static struct devuser_request *devuser_queue_lookup(struct devuser *d, u64 seq)
{
	unsigned int slot = seq & (DEVUSER_SLOTS - 1);
	struct devuser_score *score;

	if (slot < DEVUSER_STORES_MAX)
		return &d->stores_pool[array_index_nospec(slot, DEVUSER_STORES_MAX)];

	slot -= DEVUSER_STORES_MAX;
	if (slot >= KVM_MAX_VCPUS)
		return NULL;

	score = devuser_score_find(d, array_index_nospec(slot, KVM_MAX_VCPUS));
	return score ? &score->request : NULL;
}

#define DEVUSER_READABLE	(EPOLLIN | EPOLLRDNORM)

/* There is a first request that is pending: the vCPU waits for it, or goes on. */
static void devuser_queue_wake_slave(struct devuser *d, const struct devuser_request *rq)
{
	if (!d->slave)
		return;

	if (rq->waiter == DEVUSER_AWAITED)
		devuser_slave_hand_over(d->slave, DEVUSER_READABLE);
	else
		devuser_slave_wake(d->slave, DEVUSER_READABLE);
}

/* Queue a request whose io has been set, but for the seq. */
static __always_inline void devuser_queue_add(struct devuser *d,
					      struct devuser_request *rq,
					      unsigned int slot)
{
	rq->io.seq = d->next_seq | slot;
	d->next_seq += DEVUSER_SLOTS;

	trace_kvm_devuser_submit(d, &rq->io);
	rq->stage = DEVUSER_PENDING;
	list_add_tail(&rq->node, &d->pending);

	/* A reader that spins looks at it without the lock. */
	WRITE_ONCE(d->nr_pending, d->nr_pending + 1);

	/* A reader sleeps when nothing is pending, having looked under lock. */
	if (d->nr_pending == 1)
		devuser_queue_wake_slave(d, rq);
}

/* Most lengths are these; one that is known spares the call of memcpy(). */
static void devuser_io_set_data(struct kvm_dev_user_request *io,
				const void *val, int len)
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

static __always_inline int __devuser_queue_post(struct devuser *d,
						struct devuser_score *score,
						u32 rid, u64 offset, int len,
						const void *val)
{
	struct devuser_request *rq;

	lockdep_assert_held(&d->lock);

	if (devuser_is_dead(d)) {
		d->discarded++;
		return 0;
	}

	if (d->state == KVM_DEV_USER_IDLE)
		return -EOPNOTSUPP;

	rq = devuser_queue_get(d);
	if (!rq)
		return -EAGAIN;

	rq->score = score;
	rq->waiter = DEVUSER_POSTED;
	rq->io = (struct kvm_dev_user_request) {
		.offset = offset,
		.rid = rid,
		.cpu = score->cpu,
		.type = KVM_DEV_USER_STORE,
		.len = len,
	};
	devuser_io_set_data(&rq->io, val, len);

	WRITE_ONCE(score->posted, score->posted + 1);
	d->stores++;
	devuser_queue_add(d, rq, rq - d->stores_pool);

	return 0;
}

/*
 * Queue a store that the vCPU does not wait for. Returns 0 when the guest may
 * go on, -EAGAIN when there is no room, -EOPNOTSUPP when it is the VMM's.
 */
int devuser_queue_post_locked(struct devuser *d, struct devuser_score *score,
			      u32 rid, u64 offset, int len, const void *val)
{
	return __devuser_queue_post(d, score, rid, offset, len, val);
}

/* The same for a callback, without devuser->lock held. */
int devuser_queue_post(struct devuser *d, struct devuser_score *score, u32 rid,
		       u64 offset, int len, const void *val)
{
	int r;

	spin_lock(&d->lock);
	r = __devuser_queue_post(d, score, rid, offset, len, val);
	spin_unlock(&d->lock);

	return r;
}

/*
 * Queue an element that the vCPU waits for: the first in the vCPU's own request,
 * further ones where there is room. Returns false when nothing has been queued.
 */
bool devuser_queue_await(struct devuser *d, struct devuser_score *score,
			 const struct kvm_dev_user_request *io,
			 unsigned int element)
{
	struct devuser_request *rq = &score->request;
	unsigned int slot = DEVUSER_STORES_MAX + score->vcpu_idx;

	lockdep_assert_held(&d->lock);

	if (element) {
		rq = devuser_queue_get(d);
		if (!rq)
			return false;
		rq->score = score;
		slot = rq - d->stores_pool;
	} else if (rq->stage != DEVUSER_FREE) {
		/* What was abandoned may still have it. */
		return false;
	}

	rq->waiter = DEVUSER_AWAITED;
	rq->element = element;
	rq->io = *io;
	WRITE_ONCE(score->awaited, score->awaited + 1);
	if (io->type == KVM_DEV_USER_STORE)
		d->stores++;
	else
		d->loads++;
	devuser_queue_add(d, rq, slot);

	return true;
}

/* Give the slave the oldest requests that are pending. Returns how many. */
unsigned int devuser_queue_send(struct devuser *d, unsigned int max,
				struct kvm_dev_user_request *ios)
{
	struct devuser_request *rq, *last = NULL;
	unsigned int n = 0;

	lockdep_assert_held(&d->lock);

	list_for_each_entry(rq, &d->pending, node) {
		if (n == max)
			break;
		trace_kvm_devuser_send(d, &rq->io);
		rq->stage = DEVUSER_SENT;
		ios[n++] = rq->io;
		last = rq;
	}
	if (!last)
		return 0;

	list_bulk_move_tail(&d->sent, d->pending.next, &last->node);
	WRITE_ONCE(d->nr_pending, d->nr_pending - n);
	d->nr_sent += n;

	return n;
}

/* Take a request off its queue. */
static void devuser_queue_del(struct devuser *d, struct devuser_request *rq)
{
	if (rq->stage == DEVUSER_PENDING)
		WRITE_ONCE(d->nr_pending, d->nr_pending - 1);
	else
		d->nr_sent--;

	rq->stage = DEVUSER_FREE;
	list_del(&rq->node);

	if (devuser_is_own(rq)) {
		/* The vCPU may have something new for it. */
		if (rq->waiter != DEVUSER_AWAITED)
			devuser_score_wake(rq->score);
	} else {
		devuser_queue_free(d, rq);
		if (d->starved) {
			d->starved = false;
			devuser_score_wake_all(d);
		}
	}

	/* The sleeper looks again with the lock held, as in a score. */
	if (waitqueue_active(&d->quiet))
		wake_up(&d->quiet);
}

/* Tell who waits for it that the request is over. */
static void devuser_queue_answer(struct devuser_request *rq, const u8 *data)
{
	struct devuser_score *score = rq->score;

	switch (rq->waiter) {
	case DEVUSER_POSTED:
		devuser_score_unpost(score);
		break;
	case DEVUSER_AWAITED:
		if (rq->io.type == KVM_DEV_USER_LOAD)
			memcpy(score->data + rq->element * rq->io.len, data,
			       rq->io.len);
		devuser_score_answer(score);
		break;
	case DEVUSER_ABANDONED:
		break;
	}
}

/* Take a request off its queue without the slave's answer: loads read all ones. */
static void devuser_queue_drop(struct devuser *d, struct devuser_request *rq)
{
	static const u8 ones[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	trace_kvm_devuser_abort(d, &rq->io);
	if (rq->io.type == KVM_DEV_USER_STORE)
		d->discarded++;
	devuser_queue_answer(rq, ones);
	devuser_queue_del(d, rq);
}

/*
 * What was sent after last_seq has not reached the slave: put it back, but for
 * loads that were abandoned meanwhile. Nobody else can have taken any since.
 */
void devuser_queue_unsend(struct devuser *d, u64 last_seq)
{
	struct devuser_request *rq, *prev;

	lockdep_assert_held(&d->lock);

	list_for_each_entry_safe_reverse(rq, prev, &d->sent, node) {
		if (rq->io.seq <= last_seq)
			break;
		if (rq->waiter == DEVUSER_ABANDONED) {
			devuser_queue_drop(d, rq);
			continue;
		}
		rq->stage = DEVUSER_PENDING;
		list_move(&rq->node, &d->pending);
		d->nr_sent--;
		WRITE_ONCE(d->nr_pending, d->nr_pending + 1);
	}

	if (d->nr_pending && d->slave)
		devuser_slave_wake(d->slave, DEVUSER_READABLE);
}

static void devuser_queue_forget_one(struct devuser *d, struct devuser_request *rq)
{
	struct devuser_score *score = rq->score;

	if (rq->io.type == KVM_DEV_USER_STORE) {
		rq->waiter = DEVUSER_POSTED;
		WRITE_ONCE(score->posted, score->posted + 1);
		return;
	}

	rq->waiter = DEVUSER_ABANDONED;
	if (rq->stage == DEVUSER_PENDING)
		devuser_queue_drop(d, rq);
}

static void devuser_queue_forget_in(struct devuser *d, struct list_head *queue,
				    struct devuser_score *score)
{
	struct devuser_request *rq, *next;

	list_for_each_entry_safe(rq, next, queue, node) {
		if (rq->score == score && rq->waiter == DEVUSER_AWAITED)
			devuser_queue_forget_one(d, rq);
	}
}

/*
 * The vCPU waits no longer. Loads that nobody has read are dropped, those that
 * have been read go their way alone, and stores are now posted ones.
 */
void devuser_queue_forget(struct devuser *d, struct devuser_score *score)
{
	lockdep_assert_held(&d->lock);

	devuser_queue_forget_in(d, &d->sent, score);
	devuser_queue_forget_in(d, &d->pending, score);
	WRITE_ONCE(score->awaited, 0);
}

/* Does the reply belong to the request, in all but the data? */
static bool devuser_reply_matches(const struct kvm_dev_user_request *reply,
				  const struct kvm_dev_user_request *io)
{
	const size_t after_data = offsetofend(struct kvm_dev_user_request, data);

	return reply->seq == io->seq && reply->offset == io->offset &&
	       !memcmp((const u8 *)reply + after_data, (const u8 *)io + after_data,
		       sizeof(*io) - after_data);
}

/* A load's reply has nothing behind its bytes. */
static bool devuser_reply_is_clean(const struct kvm_dev_user_request *reply)
{
	return reply->type != KVM_DEV_USER_LOAD ||
	       reply->len == sizeof(reply->data) ||
	       !(get_unaligned_le64(reply->data) >> (8 * reply->len));
}

static bool devuser_reply_is_good(struct devuser *d,
				  const struct devuser_request *rq,
				  const struct kvm_dev_user_request *reply)
{
	return d->state == KVM_DEV_USER_LIVE && rq && rq->stage == DEVUSER_SENT &&
	       devuser_reply_matches(reply, &rq->io) &&
	       devuser_reply_is_clean(reply);
}

/* Why the reply is refused. */
static int devuser_reply_error(struct devuser *d, struct devuser_request *rq,
			       const struct kvm_dev_user_request *reply)
{
	if (d->state == DEVUSER_GONE)
		return -ENODEV;

	if (d->state != KVM_DEV_USER_LIVE)
		return -EIO;

	if (reply->seq < DEVUSER_SLOTS || reply->seq >= d->next_seq || !rq)
		return -ENOENT;

	if (rq->stage == DEVUSER_PENDING && rq->io.seq == reply->seq)
		return -ENOENT;

	if (rq->stage != DEVUSER_SENT || rq->io.seq != reply->seq)
		return rq->io.seq < reply->seq ? -ENOENT : -ESTALE;

	if (!devuser_reply_matches(reply, &rq->io))
		return -EBADMSG;

	return -EINVAL;
}

/* R6: what is refused changes nothing but the count of refusals. */
int devuser_queue_reply(struct devuser *d,
			const struct kvm_dev_user_request *reply)
{
	struct devuser_request *rq = devuser_queue_lookup(d, reply->seq);

	lockdep_assert_held(&d->lock);

	if (!devuser_reply_is_good(d, rq, reply)) {
		d->refused++;
		return devuser_reply_error(d, rq, reply);
	}

	trace_kvm_devuser_reply(d, reply);
	devuser_queue_answer(rq, reply->data);
	devuser_queue_del(d, rq);

	return 0;
}

/*
 * Give what the lost slave had read to the next one, before all else. A load
 * that was abandoned has no one who would read its reply.
 */
void devuser_queue_replay(struct devuser *d)
{
	struct devuser_request *rq, *next;

	lockdep_assert_held(&d->lock);

	list_for_each_entry_safe(rq, next, &d->sent, node) {
		if (rq->waiter == DEVUSER_ABANDONED) {
			devuser_queue_drop(d, rq);
			continue;
		}
		rq->stage = DEVUSER_PENDING;
		rq->io.flags |= KVM_DEV_USER_REPLAYED;
	}

	list_splice_init(&d->sent, &d->pending);
	WRITE_ONCE(d->nr_pending, d->nr_pending + d->nr_sent);
	d->nr_sent = 0;
}

/* Fail a queue's requests: loads read all ones, stores are discarded. */
void devuser_queue_fail(struct devuser *d, struct list_head *queue)
{
	struct devuser_request *rq, *next;

	lockdep_assert_held(&d->lock);

	list_for_each_entry_safe(rq, next, queue, node)
		devuser_queue_drop(d, rq);
}

/* The seq of the request that has waited longest for its answer, or 0. */
u64 devuser_queue_oldest(struct devuser *d)
{
	struct devuser_request *rq;

	lockdep_assert_held(&d->lock);

	/* Whatever was sent is older than whatever is pending. */
	rq = list_first_entry_or_null(d->nr_sent ? &d->sent : &d->pending,
				      struct devuser_request, node);

	return rq ? rq->io.seq : 0;
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/queue_kunit.c"
#endif
