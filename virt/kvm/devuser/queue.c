// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the pending queue and the sent queue.
 *
 * All functions here are called with devuser->lock held.
 */

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

static_assert(KVM_DEVUSER_STORES_MAX + KVM_MAX_VCPUS <= DEVUSER_SLOTS);

static void devuser_queue_free(struct devuser *d, struct devuser_request *rq)
{
	rq->next_free = d->free;
	d->free = rq;
}

void devuser_queue_init(struct devuser *d)
{
	unsigned int i;

	INIT_LIST_HEAD(&d->pending);
	INIT_LIST_HEAD(&d->sent);
	d->next_seq = DEVUSER_SLOTS;

	for (i = KVM_DEVUSER_STORES_MAX; i--;)
		devuser_queue_free(d, &d->stores_pool[i]);
}

/* The vCPU's own request, not one of the device's? */
static bool devuser_is_own(const struct devuser_request *rq)
{
	return rq == &rq->score->request;
}

/* A store that its vCPU does not wait for. */
static bool devuser_is_posted(const struct devuser_request *rq)
{
	return rq->io.type == KVM_DEVUSER_STORE && !rq->awaited;
}

static struct devuser_request *devuser_queue_lookup(struct devuser *d, u64 seq)
{
	unsigned int slot = seq & (DEVUSER_SLOTS - 1);
	struct devuser_score *score;

	if (slot < KVM_DEVUSER_STORES_MAX)
		return &d->stores_pool[slot];

	score = devuser_score_find(d, slot - KVM_DEVUSER_STORES_MAX);
	return score ? &score->request : NULL;
}

static void devuser_queue_add(struct devuser *d, struct devuser_request *rq,
			      const struct kvm_devuser_request *io,
			      unsigned int slot)
{
	rq->io = *io;
	rq->io.seq = d->next_seq | slot;
	d->next_seq += DEVUSER_SLOTS;

	if (io->type == KVM_DEVUSER_STORE)
		d->stores++;
	else
		d->loads++;

	trace_kvm_devuser_submit(d, &rq->io);
	rq->stage = DEVUSER_PENDING;
	list_add_tail(&rq->node, &d->pending);

	/* A reader that spins looks at it without the lock. */
	WRITE_ONCE(d->nr_pending, d->nr_pending + 1);

	/* A reader sleeps when nothing is pending, having looked under lock. */
	if (d->nr_pending == 1 && waitqueue_active(&d->readers))
		wake_up_interruptible_poll(&d->readers, EPOLLIN | EPOLLRDNORM);
}

/*
 * Queue a store that the vCPU does not wait for. Returns 0 when the guest may
 * go on, -EAGAIN when there is no room, -EOPNOTSUPP when it is the VMM's.
 */
int devuser_queue_post(struct devuser *d, struct devuser_score *score,
		       const struct kvm_devuser_request *io)
{
	struct devuser_request *rq;

	lockdep_assert_held(&d->lock);

	if (devuser_is_dead(d)) {
		d->discarded++;
		return 0;
	}

	if (d->state == KVM_DEVUSER_IDLE)
		return -EOPNOTSUPP;

	rq = d->free;
	if (!rq)
		return -EAGAIN;

	d->free = rq->next_free;
	rq->score = score;
	rq->awaited = false;
	WRITE_ONCE(score->posted, score->posted + 1);
	devuser_queue_add(d, rq, io, rq - d->stores_pool);

	return 0;
}

/* Queue a load or a store that the vCPU waits for. */
void devuser_queue_await(struct devuser *d, struct devuser_score *score,
			 const struct kvm_devuser_request *io)
{
	struct devuser_request *rq = &score->request;

	lockdep_assert_held(&d->lock);
	WARN_ON_ONCE(rq->stage != DEVUSER_FREE);

	rq->awaited = true;
	score->answered = false;
	devuser_queue_add(d, rq, io, KVM_DEVUSER_STORES_MAX + score->vcpu_idx);
}

/*
 * Queue a load before it is known that the vCPU has to wait in KVM_RUN. Returns
 * false when nothing has been queued.
 */
bool devuser_queue_early(struct devuser *d, struct devuser_score *score,
			 const struct kvm_devuser_request *io)
{
	lockdep_assert_held(&d->lock);

	/* An abandoned load may still have the vCPU's own request. */
	if (d->state != KVM_DEVUSER_LIVE || score->request.stage != DEVUSER_FREE)
		return false;

	devuser_queue_await(d, score, io);
	return true;
}

/* The first of the pending requests, left where they are. */
unsigned int devuser_queue_peek(struct devuser *d, unsigned int max,
				struct kvm_devuser_request *ios)
{
	struct devuser_request *rq;
	unsigned int n = 0;

	lockdep_assert_held(&d->lock);

	list_for_each_entry(rq, &d->pending, node) {
		if (n == max)
			break;
		ios[n++] = rq->io;
	}

	return n;
}

/*
 * The slave has got what it was shown, up to last_seq. In the meantime requests
 * may have left the queue, but none can have come between.
 */
void devuser_queue_send(struct devuser *d, u64 last_seq)
{
	struct devuser_request *rq, *last = NULL;
	unsigned int n = 0;

	lockdep_assert_held(&d->lock);

	list_for_each_entry(rq, &d->pending, node) {
		if (rq->io.seq > last_seq)
			break;
		trace_kvm_devuser_send(d, &rq->io);
		rq->stage = DEVUSER_SENT;
		last = rq;
		n++;
	}
	if (!last)
		return;

	list_bulk_move_tail(&d->sent, d->pending.next, &last->node);
	WRITE_ONCE(d->nr_pending, d->nr_pending - n);
	d->nr_sent += n;
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
	if (!devuser_is_own(rq))
		devuser_queue_free(d, rq);

	if (devuser_is_posted(rq))
		devuser_score_unpost(rq->score);

	/* The sleeper looks again with the lock held, as in a score. */
	if (waitqueue_active(&d->quiet))
		wake_up(&d->quiet);
}

/* The reply to a request that its own vCPU may wait for. */
static void devuser_queue_answer(struct devuser_request *rq, const u8 *data)
{
	struct devuser_score *score = rq->score;

	if (!devuser_is_own(rq))
		return;

	if (rq->awaited) {
		rq->awaited = false;
		memcpy(score->data, data, sizeof(score->data));
		/* Pairs with the smp_load_acquire() in devuser_score_is_answered(). */
		smp_store_release(&score->answered, true);
	}
	devuser_score_wake(score);
}

/* Take a request off its queue without the slave's answer. */
static void devuser_queue_drop(struct devuser *d, struct devuser_request *rq)
{
	trace_kvm_devuser_abort(d, &rq->io);
	if (rq->io.type == KVM_DEVUSER_STORE)
		d->discarded++;
	devuser_queue_del(d, rq);
}

/*
 * The vCPU waits no longer. A load that nobody has read is dropped, one that
 * has been read goes its way alone, and a store is now a posted one.
 */
void devuser_queue_forget(struct devuser *d, struct devuser_score *score)
{
	struct devuser_request *rq = &score->request;

	lockdep_assert_held(&d->lock);

	score->answered = false;
	if (rq->stage == DEVUSER_FREE)
		return;

	rq->awaited = false;
	if (rq->io.type == KVM_DEVUSER_STORE)
		WRITE_ONCE(score->posted, score->posted + 1);
	else if (rq->stage == DEVUSER_PENDING)
		devuser_queue_drop(d, rq);
}

/* Does the reply belong to the request, in all but the data? */
static bool devuser_reply_matches(const struct kvm_devuser_request *reply,
				  const struct kvm_devuser_request *io)
{
	const size_t after_data = offsetofend(struct kvm_devuser_request, data);

	return reply->seq == io->seq && reply->offset == io->offset &&
	       !memcmp((const u8 *)reply + after_data, (const u8 *)io + after_data,
		       sizeof(*io) - after_data);
}

/* A load's reply has nothing behind its bytes. */
static bool devuser_reply_is_clean(const struct kvm_devuser_request *reply)
{
	return reply->type != KVM_DEVUSER_LOAD ||
	       reply->len == sizeof(reply->data) ||
	       !(get_unaligned_le64(reply->data) >> (8 * reply->len));
}

static bool devuser_reply_is_good(struct devuser *d,
				  const struct devuser_request *rq,
				  const struct kvm_devuser_request *reply)
{
	return d->state == KVM_DEVUSER_LIVE && rq && rq->stage == DEVUSER_SENT &&
	       devuser_reply_matches(reply, &rq->io) &&
	       devuser_reply_is_clean(reply);
}

/* Why the reply is refused. */
static int devuser_reply_error(struct devuser *d, struct devuser_request *rq,
			       const struct kvm_devuser_request *reply)
{
	if (d->state == DEVUSER_GONE)
		return -ENODEV;

	if (d->state != KVM_DEVUSER_LIVE)
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
			const struct kvm_devuser_request *reply)
{
	struct devuser_request *rq = devuser_queue_lookup(d, reply->seq);

	lockdep_assert_held(&d->lock);

	if (!devuser_reply_is_good(d, rq, reply)) {
		d->refused++;
		return devuser_reply_error(d, rq, reply);
	}

	trace_kvm_devuser_reply(d, reply);
	devuser_queue_del(d, rq);
	devuser_queue_answer(rq, reply->data);

	return 0;
}

/* Give what the closed slave had read to the next one, before all else. */
void devuser_queue_replay(struct devuser *d)
{
	struct devuser_request *rq;

	lockdep_assert_held(&d->lock);

	list_for_each_entry(rq, &d->sent, node) {
		rq->stage = DEVUSER_PENDING;
		rq->io.flags |= KVM_DEVUSER_REPLAYED;
	}

	list_splice_init(&d->sent, &d->pending);
	WRITE_ONCE(d->nr_pending, d->nr_pending + d->nr_sent);
	d->nr_sent = 0;
}

/* Fail a queue's requests: loads read all ones, stores are discarded. */
void devuser_queue_fail(struct devuser *d, struct list_head *queue)
{
	static const u8 ones[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct devuser_request *rq, *next;

	lockdep_assert_held(&d->lock);

	list_for_each_entry_safe(rq, next, queue, node) {
		devuser_queue_drop(d, rq);
		devuser_queue_answer(rq, ones);
	}
}

/* Has every request queued before before_seq been answered? */
bool devuser_queue_is_quiet(struct devuser *d, u64 before_seq)
{
	struct devuser_request *rq;

	lockdep_assert_held(&d->lock);

	/* Whatever was sent is older than whatever is pending. */
	rq = list_first_entry_or_null(d->nr_sent ? &d->sent : &d->pending,
				      struct devuser_request, node);

	return !rq || rq->io.seq >= before_seq;
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/queue_kunit.c"
#endif
