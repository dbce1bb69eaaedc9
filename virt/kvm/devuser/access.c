// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the slow path, accesses that a vCPU waits for.
 *
 * What the fast path declined becomes the vCPU's devuser_access, which is
 * carried on here, over any number of KVM_RUN that signals interrupt, until it is
 * finished (R10). An access has one element, or as many as the string I/O that it
 * is for; those that can be are queued together and waited for once.
 */

#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "devuser_private.h"
#include "trace.h"

static bool devuser_access_is_load(const struct devuser_access *acc)
{
	return acc->io.type == KVM_DEV_USER_LOAD;
}

/* The next element's bytes: from the guest, or for it. */
static u8 *devuser_access_data(struct devuser_access *acc)
{
	return acc->data + acc->done * acc->io.len;
}

/* As long after a time as the master has said. */
static ktime_t devuser_access_after(ktime_t time, u64 ns)
{
	return ns < KTIME_MAX ? ktime_add_safe(time, ns_to_ktime(ns)) : KTIME_MAX;
}

/* R7: from now on the device has to make progress. */
static void devuser_access_set_times(struct devuser_access *acc)
{
	u64 timeout = READ_ONCE(acc->dev->timeout_ns);
	u64 busy = READ_ONCE(acc->dev->busy_ns);
	ktime_t now;

	acc->deadline = KTIME_MAX;
	if (!timeout)
		return;

	now = ktime_get();
	acc->timeout_ns = timeout;
	acc->deadline = devuser_access_after(now, timeout);
	acc->believe_until = devuser_access_after(now, busy);
}

/* Begin to wait for the next elements. */
void devuser_access_begin(struct devuser_access *acc)
{
	acc->queued = 0;
	acc->oldest = 0;
	acc->spin_ns = READ_ONCE(acc->dev->vcpu_spin_ns);
	devuser_access_set_times(acc);
}

/* The elements that are left are over without the slave: loads read all ones. */
static int devuser_access_void(struct devuser_access *acc)
{
	u32 left = acc->count - acc->done;

	if (devuser_access_is_load(acc))
		memset(devuser_access_data(acc), 0xff, left * acc->io.len);
	else
		acc->dev->discarded += left;

	acc->done = acc->count;
	acc->queued = 0;

	return 0;
}

/* The element's request, with the bytes of a store. */
static void devuser_access_io(struct devuser_access *acc, u32 element,
			      struct kvm_dev_user_request *io)
{
	*io = acc->io;
	if (!devuser_access_is_load(acc))
		memcpy(io->data, devuser_access_data(acc) + element * io->len,
		       io->len);
}

/* The next store, unless it has to be waited for. Returns whether it is over. */
static bool devuser_access_post_one(struct devuser_access *acc)
{
	const struct kvm_dev_user_request *io = &acc->io;
	u8 *data = devuser_access_data(acc);

	if (!devuser_doorbell_ring(acc->dev, acc->score, io->rid, io->offset,
				   io->len, data) &&
	    (!acc->posted || devuser_queue_post_locked(acc->dev, acc->score,
						       io->rid, io->offset,
						       io->len, data)))
		return false;

	acc->done++;
	return true;
}

/* Post the next stores, as far as there is room. Returns whether one was. */
static bool devuser_access_post(struct devuser_access *acc)
{
	u32 first = acc->done;

	while (acc->done < acc->count && acc->done - first < DEVUSER_STRING_MAX &&
	       devuser_access_post_one(acc))
		;

	return acc->done > first;
}

/*
 * The master abandoned the access. Stores that have been queued are delivered,
 * others if there is room.
 */
static int devuser_access_abandon(struct devuser_access *acc)
{
	devuser_queue_forget(acc->dev, acc->score);

	if (!devuser_access_is_load(acc)) {
		acc->done += acc->queued;
		acc->queued = 0;
		while (acc->done < acc->count && devuser_access_post(acc))
			;
	}

	return devuser_access_void(acc);
}

/* The elements that were queued have been answered, or else -EAGAIN. */
static int devuser_access_collect(struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;

	if (score->awaited)
		return -EAGAIN;

	if (devuser_access_is_load(acc)) {
		/* R3: older stores of this vCPU come first. */
		if (score->posted)
			return -EAGAIN;
		memcpy(devuser_access_data(acc), score->data,
		       acc->queued * acc->io.len);
	}

	acc->done += acc->queued;
	acc->queued = 0;

	return 0;
}

/*
 * What the fast path would do: by now there may be room for a store, or no
 * posted store before a load from the shadow image. Returns -EAGAIN when that
 * is worth waiting for, and -EOPNOTSUPP when it is not to be had.
 */
static int devuser_access_step_fast(struct devuser_access *acc)
{
	int r;

	if (!devuser_access_is_load(acc))
		return devuser_access_post(acc) ? 0 : -EOPNOTSUPP;

	r = devuser_shadow_load(acc->dev, acc->score, acc->io.rid,
				acc->io.offset, acc->io.len,
				devuser_access_data(acc));
	if (!r)
		acc->done++;
	return r;
}

/* Queue the next elements, as many as can be waited for together. */
static void devuser_access_queue(struct devuser_access *acc)
{
	u32 max = min(acc->count - acc->done, DEVUSER_STRING_MAX);
	struct kvm_dev_user_request io;

	while (acc->queued < max) {
		devuser_access_io(acc, acc->queued, &io);
		if (!devuser_queue_await(acc->dev, acc->score, &io, acc->queued))
			break;
		acc->queued++;
	}

	/* Without even the vCPU's own request, a store goes on with any other. */
	if (!acc->queued && !devuser_access_is_load(acc))
		acc->dev->starved = true;
}

/*
 * Carry the access as far as it goes now. Returns 0 when some more of its elements
 * are finished, -EAGAIN when the vCPU has to wait. Looks at everything that the
 * vCPU may wait for, and so does not depend on what woke it up.
 */
static int devuser_access_step(struct devuser_access *acc)
{
	struct devuser *d = acc->dev;
	int r;

	lockdep_assert_held(&d->lock);

	if (acc->abandons != d->abandons)
		return devuser_access_abandon(acc);

	if (acc->queued)
		return devuser_access_collect(acc);

	if (devuser_is_dead(d))
		return devuser_access_void(acc);

	r = devuser_access_step_fast(acc);
	if (r != -EOPNOTSUPP)
		return r;

	devuser_access_queue(acc);
	return -EAGAIN;
}

/* What the device has done so far: it is to be something else at the deadline. */
static void devuser_access_note(struct devuser_access *acc, u64 oldest)
{
	acc->oldest = oldest;
	acc->busy = acc->dev->busy;
}

/* Has the slave said meanwhile that it is busy, and is that to be believed? */
static bool devuser_access_is_busy(struct devuser_access *acc, ktime_t now)
{
	return acc->busy != acc->dev->busy &&
	       ktime_before(now, acc->believe_until);
}

/*
 * R7: the vCPU has waited long enough. If the slave has answered what was oldest
 * when that began, it is slow, and gets the time anew, as it does if it is busy;
 * if not, it has failed.
 */
static int devuser_access_expire(struct devuser_access *acc, u64 oldest, ktime_t now)
{
	struct devuser *d = acc->dev;

	if (acc->oldest != oldest) {
		devuser_access_note(acc, oldest);
		devuser_access_set_times(acc);
		return -EAGAIN;
	}

	if (devuser_access_is_busy(acc, now)) {
		devuser_access_note(acc, oldest);
		acc->deadline = devuser_access_after(now, acc->timeout_ns);
		return -EAGAIN;
	}

	trace_kvm_devuser_timeout(d, &acc->io);
	d->timeouts++;
	devuser_fail(d, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);

	return devuser_access_step(acc);
}

static int devuser_access_look_at_time(struct devuser_access *acc)
{
	u64 oldest = devuser_queue_oldest(acc->dev);
	ktime_t now;

	if (!acc->oldest)
		devuser_access_note(acc, oldest);

	if (acc->deadline == KTIME_MAX)
		return -EAGAIN;

	now = ktime_get();
	if (ktime_before(now, acc->deadline))
		return -EAGAIN;

	return devuser_access_expire(acc, oldest, now);
}

static int devuser_access_try(struct devuser_access *acc)
{
	int r;

	spin_lock(&acc->dev->lock);
	r = devuser_access_step(acc);
	if (r)
		r = devuser_access_look_at_time(acc);
	spin_unlock(&acc->dev->lock);

	return r;
}

/* What the access waits for may be there: a hint, as the lock is not held. */
static bool devuser_access_may_go_on(struct devuser_access *acc)
{
	struct devuser_score *score = acc->score;

	if (READ_ONCE(acc->dev->abandons) != acc->abandons)
		return true;

	if (acc->queued && READ_ONCE(score->awaited))
		return false;

	return !devuser_access_is_load(acc) || !READ_ONCE(score->posted);
}

/*
 * Somebody wants the vCPU's CPU: the slave, in all likelihood. To let it have it
 * is no sleep, as the vCPU stays runnable, and spares the waking up.
 */
static void devuser_access_let_run(struct devuser *d)
{
	struct task_struct *reader;
	struct pid *pid;

	spin_lock(&d->lock);
	pid = get_pid(d->reader);
	spin_unlock(&d->lock);

	reader = get_pid_task(pid, PIDTYPE_PID);
	if (reader) {
		yield_to(reader, true);
		put_task_struct(reader);
	}
	put_pid(pid);
}

/* Look for as long as the master lets a vCPU do that. */
static int devuser_access_spin(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	ktime_t end;

	if (!acc->spin_ns)
		return -EAGAIN;

	end = ktime_add_ns(ktime_get(), acc->spin_ns);
	if (vcpu->wants_to_run && !signal_pending(current) &&
	    !single_task_running())
		devuser_access_let_run(acc->dev);

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

/* Finish some more elements; -EINTR leaves them as they are, to be gone on with. */
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

/* The vCPU has something to finish; acc->io says what, in which of d's ranges. */
void devuser_access_start(struct devuser_access *acc, struct devuser *d,
			  struct devuser_score *score)
{
	acc->dev = d;
	acc->score = score;
	acc->done = 0;
	devuser_access_begin(acc);

	spin_lock(&d->lock);
	d->nr_accesses++;
	acc->abandons = d->abandons;
	spin_unlock(&d->lock);
}

void devuser_access_end(struct devuser_access *acc)
{
	spin_lock(&acc->dev->lock);
	acc->dev->nr_accesses--;
	spin_unlock(&acc->dev->lock);

	devuser_put(acc->dev);
	acc->dev = NULL;
	acc->score = NULL;
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

/* Carry the access to its end, if neither a signal nor the VMM is against it. */
int devuser_access_run(struct kvm_vcpu *vcpu, struct devuser_access *acc)
{
	int r;

	r = devuser_access_find_score(vcpu, acc);
	if (r)
		return r;

	while (acc->done < acc->count) {
		r = devuser_access_wait(vcpu, acc);
		if (r)
			return r;

		if (acc->done < acc->count)
			devuser_access_begin(acc);
	}

	return 0;
}
