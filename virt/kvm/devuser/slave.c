// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the slave descriptor.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "devuser_private.h"

/* All of them are woken with interrupts off. */
#define DEVUSER_POLLERS_MAX	64

static bool devuser_slave_is_crowded(struct devuser_slave *slave)
{
	struct wait_queue_entry *entry;
	unsigned int n = 0;

	spin_lock_irq(&slave->readers.lock);
	list_for_each_entry(entry, &slave->readers.head, entry) {
		if (++n == DEVUSER_POLLERS_MAX)
			break;
	}
	spin_unlock_irq(&slave->readers.lock);

	return n == DEVUSER_POLLERS_MAX;
}

static __poll_t devuser_slave_poll(struct file *file, poll_table *wait)
{
	struct devuser_slave *slave = devuser_from_slave(file);
	__poll_t events = EPOLLOUT | EPOLLWRNORM;
	struct devuser *d = slave->dev;

	if (!READ_ONCE(slave->crowded)) {
		poll_wait(file, &slave->readers, wait);
		if (devuser_slave_is_crowded(slave))
			WRITE_ONCE(slave->crowded, true);
	}

	/* One that is not woken must not sleep, whoever asks for it later. */
	if (READ_ONCE(slave->crowded))
		events |= EPOLLERR;

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave) || d->state == DEVUSER_GONE)
		events |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	else if (d->state == KVM_DEV_USER_FAILED)
		events |= EPOLLERR;
	else if (d->nr_pending)
		events |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&d->lock);

	return events;
}

/* R7: who waits for it counts anew, for as long as the master lets them. */
static int devuser_slave_busy(struct devuser_slave *slave,
			      const struct kvm_dev_user_busy *arg)
{
	struct devuser *d = slave->dev;
	int r = 0;

	if (arg->flags)
		return -EINVAL;

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave) || d->state == DEVUSER_GONE)
		r = -ENODEV;
	else if (d->state == KVM_DEV_USER_FAILED)
		r = -EIO;
	else
		d->busy++;
	spin_unlock(&d->lock);

	return r;
}

static long devuser_slave_ioctl(struct file *file, unsigned int ioctl,
				unsigned long arg)
{
	struct devuser_slave *slave = devuser_from_slave(file);
	union {
		struct kvm_dev_user_shadow_size shadow_size;
		struct kvm_dev_user_shadow_ctrl shadow_ctrl;
		struct kvm_dev_user_doorbells doorbells;
		struct kvm_dev_user_busy busy;
	} u;
	int r;

	switch (ioctl) {
	case KVM_DEV_USER_INFO:
		return devuser_ioctl_info(arg);
	case KVM_DEV_USER_SHADOW_SIZE:
		r = devuser_get_arg(&u, sizeof(u.shadow_size), arg);
		return r ?: devuser_shadow_size(slave, &u.shadow_size);
	case KVM_DEV_USER_SHADOW_CTRL:
		r = devuser_get_arg(&u, sizeof(u.shadow_ctrl), arg);
		return r ?: devuser_shadow_ctrl(slave, &u.shadow_ctrl);
	case KVM_DEV_USER_DOORBELLS:
		r = devuser_get_arg(&u, sizeof(u.doorbells), arg);
		return r ?: devuser_doorbell_set(slave, &u.doorbells);
	case KVM_DEV_USER_BUSY:
		r = devuser_get_arg(&u, sizeof(u.busy), arg);
		return r ?: devuser_slave_busy(slave, &u.busy);
	case KVM_DEV_USER_EXCHANGE:
		return devuser_transfer_exchange(file, arg);
	default:
		return -ENOTTY;
	}
}

static int devuser_slave_mmap(struct file *file, struct vm_area_struct *vma)
{
	return devuser_shadow_mmap(devuser_from_slave(file), vma);
}

static void devuser_slave_free(struct rcu_head *rcu)
{
	struct devuser_slave *slave = container_of(rcu, struct devuser_slave, rcu);

	devuser_shadow_free(slave);
	devuser_doorbell_free(slave->doorbells);
	devuser_put(slave->dev);
	kfree(slave);
}

/* No descriptor, no mapping and no system call is left. */
static int devuser_slave_release(struct inode *inode, struct file *file)
{
	struct devuser_slave *slave = devuser_from_slave(file);
	struct devuser *d = slave->dev;

	spin_lock(&d->lock);
	if (!devuser_slave_is_cut_off(slave))
		devuser_lose_slave(d, KVM_DEV_USER_REASON_CLOSED);
	spin_unlock(&d->lock);

	/* A vCPU may be reading its image, or ringing its doorbell. */
	call_rcu(&slave->rcu, devuser_slave_free);
	return 0;
}

#ifdef CONFIG_PROC_FS
static void devuser_slave_show_fdinfo(struct seq_file *m, struct file *file)
{
	devuser_show(m, devuser_from_slave(file)->dev);
}
#endif

static const struct file_operations devuser_slave_fops = {
	.owner = THIS_MODULE,
	.read_iter = devuser_transfer_read_iter,
	.write_iter = devuser_transfer_write_iter,
	.splice_read = devuser_transfer_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = devuser_slave_poll,
	.unlocked_ioctl = devuser_slave_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = devuser_slave_mmap,
	.release = devuser_slave_release,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = devuser_slave_show_fdinfo,
#endif
};

static struct devuser_slave *devuser_slave_alloc(struct devuser *d)
{
	struct devuser_slave *slave;

	slave = kzalloc(sizeof(*slave), GFP_KERNEL_ACCOUNT);
	if (!slave)
		return NULL;

	slave->dev = devuser_get(d);
	mutex_init(&slave->read_lock);
	mutex_init(&slave->tables_lock);
	init_waitqueue_head(&slave->readers);

	return slave;
}

/* Makes the descriptor, of which nobody knows yet; the device is told first. */
static struct file *devuser_slave_open(struct devuser *d)
{
	struct devuser_slave *slave;
	struct file *file;

	slave = devuser_slave_alloc(d);
	if (!slave)
		return ERR_PTR(-ENOMEM);

	file = anon_inode_getfile("kvm-user-slave", &devuser_slave_fops, slave,
				  O_RDWR);
	if (IS_ERR(file))
		devuser_slave_free(&slave->rcu);
	else
		file->f_mode |= FMODE_NOWAIT;

	return file;
}

/* One open slave for each master. */
static int devuser_slave_claim(struct devuser *d)
{
	int r = 0;

	spin_lock(&d->lock);
	if (d->slave || d->slave_coming)
		r = -EBUSY;
	else
		d->slave_coming = true;
	spin_unlock(&d->lock);

	return r;
}

static void devuser_slave_opened(struct devuser *d, struct devuser_slave *slave,
				 u32 flags)
{
	spin_lock(&d->lock);
	d->slave_coming = false;
	if (slave) {
		WRITE_ONCE(d->slave, slave);
		d->slave_flags = flags;
		d->reason = KVM_DEV_USER_REASON_NONE;
		WRITE_ONCE(d->state, KVM_DEV_USER_LIVE);
	}
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

	file = devuser_slave_open(d);
	if (IS_ERR(file)) {
		r = PTR_ERR(file);
		goto put;
	}

	devuser_slave_opened(d, devuser_from_slave(file), flags);
	fd_install(fd, file);
	return fd;

put:
	put_unused_fd(fd);
unclaim:
	devuser_slave_opened(d, NULL, 0);
	return r;
}
