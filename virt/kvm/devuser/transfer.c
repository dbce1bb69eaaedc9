// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: requests go to the slave, and its replies come back.
 */

#include <linux/fs.h>
#include <linux/splice.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "devuser_private.h"

/* Requests or replies copied in one go. */
#define DEVUSER_BATCH	16U

#define DEVUSER_REQUEST	sizeof(struct kvm_dev_user_request)

static bool devuser_transfer_size_is_valid(size_t bytes)
{
	return bytes && !(bytes % DEVUSER_REQUEST);
}

/* Something to say to a reader: requests, an error or the end. Only a hint. */
static bool devuser_transfer_has_news(struct devuser_slave *slave)
{
	struct devuser *d = slave->dev;

	return READ_ONCE(d->nr_pending) || devuser_slave_is_cut_off(slave) ||
	       READ_ONCE(d->state) != KVM_DEV_USER_LIVE;
}

/* Returns how many requests were taken, 0 at the end, or why none. */
static int devuser_transfer_take(struct devuser_slave *slave, unsigned int max,
				 struct kvm_dev_user_request *ios)
{
	struct devuser *d = slave->dev;
	int r;

	lockdep_assert_held(&slave->read_lock);

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave) || d->state == DEVUSER_GONE)
		r = 0;
	else if (d->state == KVM_DEV_USER_FAILED)
		r = -EIO;
	else
		r = devuser_queue_send(d, max, ios) ?: -EAGAIN;
	spin_unlock(&d->lock);

	return r;
}

/* Only these have arrived. If the slave is lost, so is the rest, or it is replayed. */
static void devuser_transfer_put_back(struct devuser_slave *slave, u64 last_seq)
{
	struct devuser *d = slave->dev;

	lockdep_assert_held(&slave->read_lock);

	spin_lock(&d->lock);
	if (!devuser_slave_is_cut_off(slave))
		devuser_queue_unsend(d, last_seq);
	spin_unlock(&d->lock);
}

/* Returns the bytes read, 0 at the end, or why none. */
static ssize_t devuser_transfer_read_batch(struct devuser_slave *slave,
					   struct iov_iter *to)
{
	size_t max = min(iov_iter_count(to) / DEVUSER_REQUEST, DEVUSER_BATCH);
	struct kvm_dev_user_request ios[DEVUSER_BATCH];
	size_t bytes;
	int n;

	n = devuser_transfer_take(slave, max, ios);
	if (n <= 0)
		return n;

	bytes = copy_to_iter(ios, n * DEVUSER_REQUEST, to);
	if (bytes == n * DEVUSER_REQUEST)
		return bytes;

	iov_iter_revert(to, bytes % DEVUSER_REQUEST);
	n = bytes / DEVUSER_REQUEST;
	devuser_transfer_put_back(slave, n ? ios[n - 1].seq : ios[0].seq - 1);

	return n ? n * DEVUSER_REQUEST : -EFAULT;
}

static ssize_t devuser_transfer_read_some(struct devuser_slave *slave,
					  struct iov_iter *to)
{
	ssize_t n, done = 0;

	do {
		n = devuser_transfer_read_batch(slave, to);
		if (n > 0)
			done += n;
		cond_resched();
	} while (n == DEVUSER_BATCH * DEVUSER_REQUEST &&
		 iov_iter_count(to) >= DEVUSER_REQUEST &&
		 !fatal_signal_pending(current));

	return done ?: n;
}

/*
 * Look for requests for as long as the master lets a slave do that. Only a
 * hint, as the lock is not held: the caller looks again.
 */
static void devuser_transfer_spin(struct devuser_slave *slave)
{
	u32 budget = READ_ONCE(slave->dev->slave_spin_ns);
	ktime_t end;

	if (!budget)
		return;

	end = ktime_add_ns(ktime_get(), budget);
	while (!devuser_transfer_has_news(slave) && devuser_may_spin(end))
		cpu_relax();
}

/* A vCPU that finds its CPU wanted lets this task have it. */
static void devuser_transfer_set_reader(struct devuser_slave *slave)
{
	struct devuser *d = slave->dev;
	struct pid *old = NULL;

	if (READ_ONCE(d->reader) == task_pid(current))
		return;

	spin_lock(&d->lock);
	if (!devuser_slave_is_cut_off(slave)) {
		old = d->reader;
		WRITE_ONCE(d->reader, get_pid(task_pid(current)));
	}
	spin_unlock(&d->lock);

	put_pid(old);
}

/*
 * Sleep until there may be something to say. Fewer looks than those of
 * wait_event_interruptible(): the caller has looked before, and does so again.
 */
static int devuser_transfer_sleep(struct devuser_slave *slave)
{
	DEFINE_WAIT(wait);
	bool news;
	int r = 0;

	prepare_to_wait(&slave->readers, &wait, TASK_INTERRUPTIBLE);

	/* Who brings news holds the lock, and looks for sleepers after that. */
	spin_lock(&slave->dev->lock);
	news = devuser_transfer_has_news(slave);
	spin_unlock(&slave->dev->lock);

	if (!news) {
		if (signal_pending(current))
			r = -ERESTARTSYS;
		else
			schedule();
	}
	finish_wait(&slave->readers, &wait);

	return r;
}

/* The bytes of whole requests that were read, 0 at the end, or why none. */
static ssize_t devuser_transfer_fetch_locked(struct devuser_slave *slave,
					     bool nonblock, struct iov_iter *to)
{
	ssize_t r;

	for (;;) {
		/* One that answers a load mostly finds nothing to read then. */
		r = devuser_transfer_has_news(slave) ?
			devuser_transfer_read_some(slave, to) : -EAGAIN;
		if (r != -EAGAIN || nonblock)
			return r;

		devuser_transfer_spin(slave);
		r = devuser_transfer_sleep(slave);
		if (r)
			return r;
	}
}

/*
 * One reader at a time, also while it waits: so a request wakes no more than one
 * of any number of them.
 */
static ssize_t devuser_transfer_fetch(struct devuser_slave *slave, bool nonblock,
				      struct iov_iter *to)
{
	ssize_t r;

	devuser_transfer_set_reader(slave);

	if (nonblock) {
		if (!mutex_trylock(&slave->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&slave->read_lock)) {
		return -ERESTARTSYS;
	}

	r = devuser_transfer_fetch_locked(slave, nonblock, to);
	mutex_unlock(&slave->read_lock);

	return r;
}

ssize_t devuser_transfer_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	bool nonblock = file->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;

	if (!devuser_transfer_size_is_valid(iov_iter_count(to)))
		return -EINVAL;

	return devuser_transfer_fetch(devuser_from_slave(file), nonblock, to);
}

/* The length is what the pipe has room for, and that knows nothing of requests. */
ssize_t devuser_transfer_splice_read(struct file *file, loff_t *ppos,
				     struct pipe_inode_info *pipe,
				     size_t len, unsigned int flags)
{
	if (len < DEVUSER_REQUEST)
		return -EINVAL;

	return copy_splice_read(file, ppos, pipe, len - len % DEVUSER_REQUEST,
				flags);
}

/* Returns how many of the replies were taken; *why is for the next one. */
static unsigned int devuser_transfer_give(struct devuser_slave *slave,
					  const struct kvm_dev_user_request *replies,
					  unsigned int n, int *why)
{
	struct devuser *d = slave->dev;
	unsigned int done = 0;

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave)) {
		*why = -ENODEV;
	} else {
		while (done < n) {
			*why = devuser_queue_reply(d, &replies[done]);
			if (*why)
				break;
			done++;
		}
	}
	spin_unlock(&d->lock);

	return done;
}

/* Returns the bytes of the replies that were taken; *why is for what is left. */
static size_t devuser_transfer_write_batch(struct devuser_slave *slave,
					   struct iov_iter *from, int *why)
{
	size_t max = min(iov_iter_count(from) / DEVUSER_REQUEST, DEVUSER_BATCH);
	struct kvm_dev_user_request replies[DEVUSER_BATCH];
	size_t bytes, done;

	bytes = copy_from_iter(replies, max * DEVUSER_REQUEST, from);
	*why = 0;
	done = devuser_transfer_give(slave, replies, bytes / DEVUSER_REQUEST, why) *
	       DEVUSER_REQUEST;
	if (!*why && bytes < max * DEVUSER_REQUEST)
		*why = -EFAULT;

	iov_iter_revert(from, bytes - done);
	return done;
}

/* Returns the bytes of the replies that were taken; if none, why. */
static ssize_t devuser_transfer_answer(struct devuser_slave *slave,
				       struct iov_iter *from)
{
	size_t done = 0;
	int why = 0;

	while (!why && iov_iter_count(from) >= DEVUSER_REQUEST) {
		if (fatal_signal_pending(current))
			why = -EINTR;
		else
			done += devuser_transfer_write_batch(slave, from, &why);
		cond_resched();
	}

	return done ?: why;
}

ssize_t devuser_transfer_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	if (!devuser_transfer_size_is_valid(iov_iter_count(from)))
		return -EINVAL;

	return devuser_transfer_answer(devuser_from_slave(iocb->ki_filp), from);
}

/* Say which replies are left to be given: so a second call gives none twice. */
static int devuser_exchange_update(struct kvm_dev_user_exchange *arg, size_t bytes,
				   struct kvm_dev_user_exchange __user *to)
{
	arg->nr_replies -= bytes / DEVUSER_REQUEST;
	arg->replies += bytes;

	if (!user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;

	unsafe_put_user(arg->nr_replies, &to->nr_replies, fault);
	unsafe_put_user(arg->replies, &to->replies, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* What is left of the replies, as far as one iterator reaches. */
static ssize_t devuser_exchange_answer(struct devuser_slave *slave,
				       const struct kvm_dev_user_exchange *arg)
{
	struct iov_iter from;
	int r;

	r = import_ubuf(ITER_SOURCE, u64_to_user_ptr(arg->replies),
			array_size(arg->nr_replies, DEVUSER_REQUEST), &from);

	return r ?: devuser_transfer_answer(slave, &from);
}

/* What a write() and a read() do, in one system call. */
long devuser_transfer_exchange(struct file *file, unsigned long uarg)
{
	struct kvm_dev_user_exchange __user *to = (void __user *)uarg;
	struct devuser_slave *slave = devuser_from_slave(file);
	struct kvm_dev_user_exchange arg;
	struct iov_iter requests;
	ssize_t n;
	int r;

	/* The size as it is known here is copied for less. */
	if (copy_from_user(&arg, to, sizeof(arg)) || arg.size != sizeof(arg)) {
		r = devuser_get_arg(&arg, sizeof(arg), uarg);
		if (r)
			return r;
	}

	if (arg.flags)
		return -EINVAL;

	while (arg.nr_replies) {
		n = devuser_exchange_answer(slave, &arg);
		if (n < 0)
			return n;

		r = devuser_exchange_update(&arg, n, to);
		if (r)
			return r;
	}

	if (!arg.nr_requests)
		return 0;

	r = import_ubuf(ITER_DEST, u64_to_user_ptr(arg.requests),
			array_size(arg.nr_requests, DEVUSER_REQUEST), &requests);
	if (r)
		return r;

	n = devuser_transfer_fetch(slave, file->f_flags & O_NONBLOCK, &requests);
	return n > 0 ? n / DEVUSER_REQUEST : n;
}
