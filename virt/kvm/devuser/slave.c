// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the slave descriptor.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "devuser_private.h"

/* Requests or replies copied in one go. */
#define DEVUSER_BATCH	16

struct devuser *devuser_from_slave(struct file *file)
{
	return file->private_data;
}

/* How many requests a buffer holds, or -EINVAL for one that is not so many. */
static ssize_t devuser_slave_count(size_t bytes)
{
	if (!bytes || bytes % sizeof(struct kvm_devuser_request))
		return -EINVAL;

	return bytes / sizeof(struct kvm_devuser_request);
}

/* There is something to say to a reader: requests, an error or the end. */
static bool devuser_slave_readable(struct devuser *d)
{
	bool readable;

	spin_lock(&d->lock);
	readable = d->nr_pending || d->state != KVM_DEVUSER_LIVE;
	spin_unlock(&d->lock);

	return readable;
}

/*
 * Requests are copied word by word: for so few bytes that is cheaper than
 * copy_to_user() and copy_from_user().
 */
#define DEVUSER_WORDS	5

static_assert(sizeof(struct kvm_devuser_request) == DEVUSER_WORDS * sizeof(u64));

/* Returns how many arrived. */
static unsigned int devuser_slave_put(u64 __user *to, const u64 *words,
				      unsigned int n)
{
	unsigned int i = 0;

	if (!user_write_access_begin(to, n * DEVUSER_WORDS * sizeof(*to)))
		return 0;

	for (; i < n; i++, to += DEVUSER_WORDS, words += DEVUSER_WORDS) {
		unsafe_put_user(words[0], &to[0], fault);
		unsafe_put_user(words[1], &to[1], fault);
		unsafe_put_user(words[2], &to[2], fault);
		unsafe_put_user(words[3], &to[3], fault);
		unsafe_put_user(words[4], &to[4], fault);
	}
fault:
	user_write_access_end();
	return i;
}

static unsigned int devuser_slave_get(u64 *words, const u64 __user *from,
				      unsigned int n)
{
	unsigned int i = 0;

	if (!user_read_access_begin(from, n * DEVUSER_WORDS * sizeof(*from)))
		return 0;

	for (; i < n; i++, from += DEVUSER_WORDS, words += DEVUSER_WORDS) {
		unsafe_get_user(words[0], &from[0], fault);
		unsafe_get_user(words[1], &from[1], fault);
		unsafe_get_user(words[2], &from[2], fault);
		unsafe_get_user(words[3], &from[3], fault);
		unsafe_get_user(words[4], &from[4], fault);
	}
fault:
	user_read_access_end();
	return i;
}

/*
 * Show the oldest requests to userspace, then count as sent those that arrived:
 * a fault loses none. Returns how many.
 */
static int devuser_slave_read_batch(struct devuser *d, unsigned int max,
				    struct kvm_devuser_request __user *to)
{
	struct kvm_devuser_request ios[DEVUSER_BATCH];
	unsigned int n;

	lockdep_assert_held(&d->read_lock);

	spin_lock(&d->lock);
	n = devuser_queue_peek(d, min(max, DEVUSER_BATCH), ios);
	spin_unlock(&d->lock);

	if (!n)
		return 0;

	n = devuser_slave_put((u64 __user *)to, (const u64 *)ios, n);
	if (!n)
		return -EFAULT;

	spin_lock(&d->lock);
	devuser_queue_send(d, ios[n - 1].seq);
	spin_unlock(&d->lock);

	return n;
}

static ssize_t devuser_slave_read_some(struct devuser *d, size_t max,
				       struct kvm_devuser_request __user *to)
{
	size_t done = 0;
	int n = 0;

	if (mutex_lock_interruptible(&d->read_lock))
		return -EINTR;

	do {
		n = fatal_signal_pending(current) ? -EINTR :
		    devuser_slave_read_batch(d, max - done, to + done);
		if (n > 0)
			done += n;
		cond_resched();
	} while (n == DEVUSER_BATCH && done < max);

	mutex_unlock(&d->read_lock);

	return done ?: n;
}

/*
 * Look for requests for as long as the master lets a slave do that. Only a
 * hint, as the lock is not held: the caller looks again.
 */
static void devuser_slave_spin(struct devuser *d)
{
	u32 budget = READ_ONCE(d->slave_spin_ns);
	ktime_t end;

	if (!budget)
		return;

	end = ktime_add_ns(ktime_get(), budget);
	while (!READ_ONCE(d->nr_pending) &&
	       READ_ONCE(d->state) == KVM_DEVUSER_LIVE && devuser_may_spin(end))
		cpu_relax();
}

static void devuser_slave_set_reader(struct devuser *d, struct task_struct *task)
{
	struct task_struct *old;

	if (task)
		get_task_struct(task);

	spin_lock(&d->lock);
	old = d->reader;
	WRITE_ONCE(d->reader, task);
	spin_unlock(&d->lock);

	if (old)
		put_task_struct(old);
}

/*
 * Sleep until there may be something to say. Fewer looks than those of
 * wait_event_interruptible(): the caller has looked before, and does so again.
 */
static int devuser_slave_sleep(struct devuser *d)
{
	DEFINE_WAIT(wait);
	int r = 0;

	prepare_to_wait(&d->readers, &wait, TASK_INTERRUPTIBLE);
	if (!devuser_slave_readable(d)) {
		if (signal_pending(current))
			r = -EINTR;
		else
			schedule();
	}
	finish_wait(&d->readers, &wait);

	return r;
}

/* Returns how many requests were read, 0 at the end, or why none. */
static ssize_t devuser_slave_fetch(struct file *file, size_t max,
				   struct kvm_devuser_request __user *to)
{
	struct devuser *d = devuser_from_slave(file);
	ssize_t r;
	int state;

	if (READ_ONCE(d->reader) != current)
		devuser_slave_set_reader(d, current);

	for (;;) {
		/* One that answers a load mostly finds nothing to read then. */
		r = READ_ONCE(d->nr_pending) ? devuser_slave_read_some(d, max, to) : 0;
		if (r)
			return r;

		state = READ_ONCE(d->state);
		if (state == DEVUSER_GONE)
			return 0;
		if (state == KVM_DEVUSER_FAILED)
			return -EIO;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;

		devuser_slave_spin(d);
		r = devuser_slave_sleep(d);
		if (r)
			return r;
	}
}

static ssize_t devuser_slave_read(struct file *file, char __user *buf,
				  size_t bytes, loff_t *ppos)
{
	ssize_t n = devuser_slave_count(bytes);

	if (n > 0)
		n = devuser_slave_fetch(file, n, (void __user *)buf);

	return n > 0 ? n * sizeof(struct kvm_devuser_request) : n;
}

/* Returns how many replies were taken; if none, why. */
static int devuser_slave_write_batch(struct devuser *d, unsigned int n,
				     const struct kvm_devuser_request __user *from)
{
	struct kvm_devuser_request replies[DEVUSER_BATCH];
	unsigned int done;
	int r = 0;

	n = devuser_slave_get((u64 *)replies, (const u64 __user *)from, n);
	if (!n)
		return -EFAULT;

	spin_lock(&d->lock);
	for (done = 0; done < n && !r; done++)
		r = devuser_queue_reply(d, &replies[done]);
	spin_unlock(&d->lock);

	if (r)
		done--;

	return done ?: r;
}

/* The same, for any number of replies. */
static ssize_t devuser_slave_answer(struct devuser *d, size_t max,
				    const struct kvm_devuser_request __user *from)
{
	size_t done = 0;
	unsigned int n;
	int r = 0;

	while (done < max && !fatal_signal_pending(current)) {
		n = min(max - done, DEVUSER_BATCH);
		r = devuser_slave_write_batch(d, n, from + done);
		if (r > 0)
			done += r;
		if (r < (int)n)
			break;
		cond_resched();
	}

	if (done)
		return done;

	return r ?: -EINTR;
}

static ssize_t devuser_slave_write(struct file *file, const char __user *buf,
				   size_t bytes, loff_t *ppos)
{
	ssize_t n = devuser_slave_count(bytes);

	if (n > 0)
		n = devuser_slave_answer(devuser_from_slave(file), n,
					 (const void __user *)buf);

	return n > 0 ? n * sizeof(struct kvm_devuser_request) : n;
}

/* Say which replies are left to be given: so a second call gives none twice. */
static int devuser_exchange_update(struct kvm_devuser_exchange *arg, size_t done,
				   struct kvm_devuser_exchange __user *to)
{
	arg->nr_replies -= done;
	arg->replies += done * sizeof(struct kvm_devuser_request);

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

/* What a write() and a read() do, in one system call. */
static long devuser_slave_exchange(struct file *file, unsigned long uarg)
{
	struct kvm_devuser_exchange __user *to = (void __user *)uarg;
	struct devuser *d = devuser_from_slave(file);
	struct kvm_devuser_exchange arg;
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
		n = devuser_slave_answer(d, arg.nr_replies,
					 u64_to_user_ptr(arg.replies));
		if (n < 0)
			return n;

		r = devuser_exchange_update(&arg, n, to);
		if (r)
			return r;
	}

	if (!arg.nr_requests)
		return 0;

	return devuser_slave_fetch(file, arg.nr_requests,
				   u64_to_user_ptr(arg.requests));
}

static __poll_t devuser_slave_poll(struct file *file, poll_table *wait)
{
	struct devuser *d = devuser_from_slave(file);
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &d->readers, wait);

	spin_lock(&d->lock);
	if (d->nr_pending)
		events |= EPOLLIN | EPOLLRDNORM;
	if (d->state == KVM_DEVUSER_FAILED)
		events |= EPOLLERR;
	if (d->state == DEVUSER_GONE)
		events |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	spin_unlock(&d->lock);

	return events;
}

static long devuser_slave_ioctl(struct file *file, unsigned int ioctl,
				unsigned long arg)
{
	struct devuser *d = devuser_from_slave(file);
	union {
		struct kvm_devuser_shadow_size shadow_size;
		struct kvm_devuser_shadow_ctrl shadow_ctrl;
	} u;
	int r;

	switch (ioctl) {
	case KVM_DEV_USER_SHADOW_SIZE:
		r = devuser_get_arg(&u, sizeof(u.shadow_size), arg);
		return r ?: devuser_shadow_size(d, &u.shadow_size);
	case KVM_DEV_USER_SHADOW_CTRL:
		r = devuser_get_arg(&u, sizeof(u.shadow_ctrl), arg);
		return r ?: devuser_shadow_ctrl(d, &u.shadow_ctrl);
	case KVM_DEV_USER_EXCHANGE:
		return devuser_slave_exchange(file, arg);
	default:
		return -ENOTTY;
	}
}

static int devuser_slave_mmap(struct file *file, struct vm_area_struct *vma)
{
	return devuser_shadow_mmap(devuser_from_slave(file), vma);
}

/* R8: what becomes of the guest's requests is what the master chose. */
static void devuser_slave_closed(struct devuser *d)
{
	lockdep_assert_held(&d->lock);

	d->slave_open = false;
	if (d->state != KVM_DEVUSER_LIVE) {
		devuser_notify(d);
		return;
	}

	if (!(d->slave_flags & KVM_DEVUSER_SLAVE_HOLD)) {
		devuser_fail(d, KVM_DEVUSER_FAILED, KVM_DEVUSER_REASON_CLOSED);
		return;
	}

	WRITE_ONCE(d->state, KVM_DEVUSER_HELD);
	d->reason = KVM_DEVUSER_REASON_CLOSED;
	if (d->slave_flags & KVM_DEVUSER_SLAVE_REPLAY)
		devuser_queue_replay(d);
	else
		devuser_queue_fail(d, &d->sent);
	devuser_notify(d);
}

static int devuser_slave_release(struct inode *inode, struct file *file)
{
	struct devuser *d = devuser_from_slave(file);

	/* A new slave may come once it is closed; by then no image is left. */
	devuser_shadow_free(d);

	devuser_slave_set_reader(d, NULL);

	spin_lock(&d->lock);
	devuser_slave_closed(d);
	spin_unlock(&d->lock);

	devuser_put(d);
	return 0;
}

#ifdef CONFIG_PROC_FS
static void devuser_slave_show_fdinfo(struct seq_file *m, struct file *file)
{
	devuser_show(m, devuser_from_slave(file));
}
#endif

static const struct file_operations devuser_slave_fops = {
	.owner = THIS_MODULE,
	.read = devuser_slave_read,
	.write = devuser_slave_write,
	.poll = devuser_slave_poll,
	.unlocked_ioctl = devuser_slave_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = devuser_slave_mmap,
	.release = devuser_slave_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = devuser_slave_show_fdinfo,
#endif
};

/* One living slave for each master. */
static int devuser_slave_claim(struct devuser *d)
{
	int r = 0;

	spin_lock(&d->lock);
	if (d->slave_open)
		r = -EBUSY;
	else
		d->slave_open = true;
	spin_unlock(&d->lock);

	return r;
}

static void devuser_slave_opened(struct devuser *d, u32 flags)
{
	spin_lock(&d->lock);
	d->slave_flags = flags;
	d->reason = KVM_DEVUSER_REASON_NONE;
	WRITE_ONCE(d->state, KVM_DEVUSER_LIVE);
	spin_unlock(&d->lock);
}

int devuser_slave_create(struct devuser *d, u32 flags)
{
	struct file *file;
	int fd, r;

	r = devuser_slave_claim(d);
	if (r)
		return r;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		r = fd;
		goto unclaim;
	}

	file = anon_inode_getfile("kvm-user-slave", &devuser_slave_fops,
				  devuser_get(d), O_RDWR);
	if (IS_ERR(file)) {
		r = PTR_ERR(file);
		goto put;
	}

	devuser_slave_opened(d, flags);
	fd_install(fd, file);
	return fd;

put:
	devuser_put(d);
	put_unused_fd(fd);
unclaim:
	spin_lock(&d->lock);
	d->slave_open = false;
	spin_unlock(&d->lock);
	return r;
}
