/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_DEVUSER_PRIVATE_H
#define __KVM_DEVUSER_PRIVATE_H

/*
 * The KVM user device: objects, states, lifetimes, locks.
 *
 * Objects
 *
 *   devuser          a device. Made by KVM_CREATE_DEVICE; the master
 *                    descriptor, each slave, each range and each unfinished
 *                    access hold a reference. It never holds the VM: a slave
 *                    may outlive it by any time.
 *   devuser_slave    what a slave descriptor stands for, and all that its process
 *                    has set: the shadow image, the access map, the doorbells.
 *                    Freed by RCU after its close. The device knows it until it
 *                    is closed or revoked; the next one has nothing of it.
 *   devuser_range    a piece of guest physical memory or of port space. Each
 *                    of its entries on the I/O bus holds a reference, and so
 *                    does the device for as long as the range is set.
 *   devuser_index    the ranges of a VM by address. Freed after a grace period
 *                    of kvm->srcu.
 *   devuser_request  one access of the guest, from the queue to its reply.
 *   devuser_score    a vCPU's line on a device's scoreboard. Made at the vCPU's
 *                    first access, freed with the device.
 *   devuser_map      the access map of the shadow image. Freed after a grace
 *                    period of RCU, as devuser_doorbells is.
 *   devuser_access   the access that a vCPU has to finish before its guest can
 *                    go on. One for each vCPU, whatever the number of devices.
 *   devuser_vm       finds the above, given a struct kvm or kvm_vcpu: struct
 *                    kvm and struct kvm_vcpu know nothing of user devices. Made
 *                    with the VM's first device. It is on kvm->devices, so that
 *                    it is found without anything that VMs share, and ends with
 *                    the VM.
 *
 * Two paths
 *
 *   A vCPU's access first comes to the callbacks on the I/O bus (iobus.c). They
 *   run inside the vCPU's read section of kvm->srcu and so never sleep: they
 *   ring a doorbell, post a store, serve a load from the shadow image, or
 *   decline. If the master lets vCPUs spin, they also queue a load and look for
 *   its reply for at most DEVUSER_EARLY_SPIN, for which a change of memslots then
 *   has to wait (R11). A load without a reply by then becomes the vCPU's
 *   devuser_access as it is. Until KVM_RUN takes that up, the callbacks decline
 *   the vCPU's loads: while a range is moved, the bus comes with the same one
 *   twice.
 *   An access that is declined leaves the architecture's code as KVM_EXIT_MMIO
 *   or KVM_EXIT_IO, and is taken up in KVM_RUN before userspace sees it, with no
 *   lock held but vcpu->mutex (run.c). There it may spin or sleep (access.c); where
 *   others want its CPU it hands that over to a slave's reader that sleeps. Its
 *   result goes into struct kvm_run, from where the architecture's code completes
 *   the instruction, as if the VMM had handled the exit.
 *
 * States of a device (devuser->state)
 *
 *   IDLE    no slave has been made. Accesses go to the VMM.
 *   LIVE    a slave is open.
 *   HELD    the slave was lost; requests wait for the next one.
 *   FAILED  an access timed out, or the slave was lost. Loads read all ones,
 *           stores are discarded, both at once; the queues are empty.
 *   GONE    the master was closed, or the VM is being destroyed. As FAILED.
 *
 *     IDLE -> LIVE <-> HELD        KVM_DEV_USER_SLAVE_FD, loss of the slave
 *     LIVE, HELD -> FAILED         time-out, loss of the slave
 *     FAILED -> LIVE               KVM_DEV_USER_SLAVE_FD
 *     any -> GONE                  close of the master
 *
 *   A slave is lost when it is closed, or when the master revokes it. A slave
 *   that the device does not know any more can do nothing but be closed.
 *
 * Stages of a request (devuser_request->stage)
 *
 *   FREE -> PENDING   queued by the vCPU; on devuser->pending
 *   PENDING -> SENT   taken by a read of the slave; on devuser->sent
 *   SENT -> FREE      answered by the slave, or failed
 *   SENT -> PENDING   the slave was lost and its requests are replayed; or the
 *                     read could not write it to userspace
 *   PENDING -> FREE   failed, or an abandoned load that nobody has read
 *
 *   A posted store takes one of the device's DEVUSER_STORES_MAX requests.
 *   Whatever a vCPU waits for, a load, a store to a non-posted range, or one that
 *   found no such request free, takes the one request in the vCPU's own score: so
 *   no vCPU can keep another from queueing. The further elements of string I/O,
 *   up to DEVUSER_STRING_MAX at a time, take the device's requests as far as there
 *   are any. If the master abandons what the slave has, it goes through the same
 *   stages: a load's reply is swallowed, a store is from then on a posted one.
 *
 *   Both lists are in the order of seq: requests are queued, read and replayed
 *   in that order.
 *
 * Locks, outermost first
 *
 *   kvm->lock           creation of devuser_vm, release of the master.
 *   vcpu->mutex         the vCPU's devuser_access.
 *   kvm->slots_lock     devuser_vm->index, devuser->ranges (for writing).
 *   devuser_slave->read_lock  one reader of a slave at a time, who also waits
 *                       with it: so what is put back after a fault is what was
 *                       taken last.
 *   devuser_slave->tables_lock  the shadow image, and replacement of the access
 *                       map and of the doorbells.
 *   devuser->lock       everything else in a devuser. A few instructions long,
 *                       never held over anything that sleeps.
 *
 *   Nothing but vcpu->mutex is held while a vCPU waits for a slave, and nothing
 *   here takes vcpu->mutex: KVM_RUN comes with it.
 *
 *   Readers of devuser_vm->index are inside kvm->srcu, readers of devuser->map,
 *   devuser->doorbells and kvm->devices inside RCU.
 */

#include <linux/eventfd.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/kvm_devuser.h>
#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <kvm/iodev.h>

/* Limits, which KVM_DEV_USER_INFO tells. */
#define DEVUSER_RANGES_MAX	64
#define DEVUSER_STORES_MAX	256U
#define DEVUSER_AREAS_MAX	128
#define DEVUSER_DOORBELLS_MAX	1024
#define DEVUSER_SHADOW_MAX	SZ_1M
#define DEVUSER_SPIN_MAX	(10 * NSEC_PER_MSEC)

/* Elements of string I/O that are queued together. */
#define DEVUSER_STRING_MAX	128U

/* A state of its own to the kernel only: the master sees none after it. */
#define DEVUSER_GONE	(KVM_DEV_USER_FAILED + 1)

enum devuser_stage {
	DEVUSER_FREE,
	DEVUSER_PENDING,
	DEVUSER_SENT,
};

/* Who wants the reply to a request. */
enum devuser_waiter {
	DEVUSER_POSTED,		/* nobody: a store, counted in score->posted */
	DEVUSER_AWAITED,	/* the vCPU: counted in score->awaited */
	DEVUSER_ABANDONED,	/* nobody any more: a load */
};

/* Protected by devuser->lock. */
struct devuser_request {
	struct list_head node;		/* on pending or sent */
	struct devuser_request *next_free;	/* of those on free */
	struct devuser_score *score;
	enum devuser_stage stage;
	enum devuser_waiter waiter;
	unsigned int element;		/* of what the vCPU waits for, from 0 */
	struct kvm_dev_user_request io;
};

struct devuser_score {
	int vcpu_idx;
	u32 cpu;			/* the vCPU's id */
	struct devuser_access *access;	/* the vCPU's own, for the vCPU alone */
	wait_queue_head_t wait;		/* the vCPU itself, no one else */

	/*
	 * Posted stores not yet answered. Written under devuser->lock; the vCPU
	 * reads it without, see devuser_shadow_load().
	 */
	unsigned int posted;

	/* Written by the vCPU alone. */
	u64 shadow_loads;
	u64 doorbells;

	/*
	 * Requests that the vCPU waits for and that have not been answered, and the
	 * replies to all of them, element after element. Protected by devuser->lock.
	 * A vCPU that spins reads awaited without, and data once that is 0: nobody
	 * writes either before the vCPU's next access.
	 */
	unsigned int awaited;
	u8 data[DEVUSER_STRING_MAX * sizeof(u32)];
	struct devuser_request request;
};

struct devuser_range {
	struct kvm_io_device iodev;
	refcount_t refs;
	struct devuser *dev;		/* a reference */
	u32 rid;
	bool pio;
	bool posted;
	u64 addr;
	u64 len;
};

/* Sorted; a range that was removed leaves a neighbour twice. */
struct devuser_index {
	unsigned int nr;
	struct devuser_range *ranges[] __counted_by(nr);
};

struct devuser_map {
	const u8 *image;
	unsigned int nr_areas;
	struct kvm_dev_user_shadow_area areas[] __counted_by(nr_areas);
};

struct devuser_doorbell {
	struct kvm_dev_user_doorbell at;
	struct eventfd_ctx *eventfd;
};

struct devuser_doorbells {
	unsigned int nr;
	struct devuser_doorbell bells[] __counted_by(nr);
};

struct devuser_slave {
	struct devuser *dev;		/* a reference */
	struct rcu_head rcu;

	/* Held by a reader, from the look for requests to their arrival. */
	struct mutex read_lock;
	wait_queue_head_t readers;	/* who holds read_lock, and who polls */
	bool crowded;			/* too many have polled */

	/* Protects what follows; the device points to it while this is its slave. */
	struct mutex tables_lock;
	void *image;
	size_t image_bytes;
	struct devuser_map *map;
	struct devuser_doorbells *doorbells;
};

struct devuser {
	struct kref ref;
	unsigned int id;		/* in traces and fdinfo */
	struct kvm *kvm;		/* for the master's holder only */
	struct devuser_vm *vm;		/* likewise */
	u64 timeout_ns;			/* written by the master, read once */
	u64 busy_ns;			/* likewise */
	u32 vcpu_spin_ns;		/* likewise */
	u32 slave_spin_ns;		/* likewise */

	/* The slave's, for the callbacks. Written under lock. */
	struct devuser_map __rcu *map;
	struct devuser_doorbells __rcu *doorbells;

	/* Protects what follows; state and slave are also read without, as a hint. */
	spinlock_t lock;
	int state;
	int reason;
	bool slave_coming;		/* KVM_DEV_USER_SLAVE_FD makes one */
	bool starved;			/* a vCPU waits for a request of the pool */
	struct devuser_slave *slave;	/* NULL when there is none */
	u32 slave_flags;
	struct pid *reader;		/* who read last; a reference */
	unsigned int abandons;		/* times the master abandoned loads */
	struct eventfd_ctx *eventfd;
	u64 next_seq;
	struct devuser_request *free;
	struct list_head pending;
	struct list_head sent;
	unsigned int nr_pending;
	unsigned int nr_sent;
	unsigned int nr_accesses;	/* unfinished ones of vCPUs */
	u64 stores;
	u64 loads;
	u64 timeouts;
	u64 refused;
	u64 discarded;
	u64 busy;			/* times a slave has said that it is */

	wait_queue_head_t quiet;	/* the master, in KVM_DEV_USER_QUIET */

	/*
	 * KVM_MAX_VCPUS scores, by vcpu_idx; each is stored by its vCPU, under
	 * vcpu->mutex, and only once. From nr_scores on there is none.
	 */
	struct devuser_score **scores;
	unsigned int nr_scores;

	/* Written under kvm->slots_lock and lock, read under either. */
	struct devuser_range *ranges[DEVUSER_RANGES_MAX];

	/* Protected by lock. */
	struct devuser_request stores_pool[DEVUSER_STORES_MAX];
};

/* What a vCPU has to finish. Protected by vcpu->mutex. */
struct devuser_access {
	struct devuser *dev;		/* a reference; NULL when there is none */
	struct devuser_score *score;	/* once there is one */
	struct kvm_dev_user_request io;	/* of each element, but for a port's data */
	bool pio;
	bool posted;			/* the range's stores are */
	unsigned int abandons;		/* devuser->abandons when it began */
	u64 oldest;			/* seq of the oldest request at that time */
	u64 busy;			/* devuser->busy at that time */
	u64 timeout_ns;			/* devuser->timeout_ns when it began */
	ktime_t deadline;		/* by which one of the two has to be another (R7) */
	ktime_t believe_until;		/* that the slave is busy */
	u32 spin_ns;			/* what is left of devuser->vcpu_spin_ns */
	u64 addr;			/* guest physical, or port */
	u32 count;			/* elements of string I/O, else 1 */
	u32 done;			/* of these, finished */
	u32 queued;			/* of the next ones, in score's requests */
	u8 *data;			/* the elements', in the PIO page or in io */
};

struct devuser_vm {
	struct kvm_device anchor;	/* on kvm->devices */
	struct devuser_index __rcu *index;	/* of all devices */
	struct xarray accesses;		/* devuser_access by vcpu_idx */
};

/* vm.c */
struct devuser_access *devuser_vm_access(struct kvm_vcpu *vcpu);
struct devuser_range *devuser_vm_range(struct kvm *kvm, bool pio, u64 addr,
				       u32 len);

/* master.c */
long devuser_master_ioctl(struct kvm_device *dev, unsigned int ioctl,
			  unsigned long uarg);
void devuser_master_release(struct kvm_device *dev);

/* device.c */
struct devuser *devuser_alloc(struct kvm *kvm, struct devuser_vm *vm);
void devuser_put(struct devuser *d);
void devuser_fail(struct devuser *d, int state, int reason);
void devuser_lose_slave(struct devuser *d, int reason);
void devuser_notify(struct devuser *d);

/* Loads read all ones, stores are discarded. */
static inline bool devuser_is_dead(struct devuser *d)
{
	return READ_ONCE(d->state) >= KVM_DEV_USER_FAILED;
}

static inline struct devuser *devuser_get(struct devuser *d)
{
	kref_get(&d->ref);
	return d;
}

/* How long a callback on the I/O bus looks for a reply, in nanoseconds. */
#define DEVUSER_EARLY_SPIN	50000U

/*
 * One that spins goes on until then, unless somebody else wants its CPU: that
 * may be whom it waits for.
 */
static inline bool devuser_may_spin(ktime_t end)
{
	return single_task_running() && !need_resched() &&
	       !signal_pending(current) && ktime_before(ktime_get(), end);
}

/* slave.c */
int devuser_slave_create(struct devuser *d, u32 flags);

static inline struct devuser_slave *devuser_from_slave(struct file *file)
{
	return file->private_data;
}

/* Somebody may find something to do, or the end. The caller holds devuser->lock. */
static inline void devuser_slave_wake(struct devuser_slave *slave, __poll_t events)
{
	/* The lock is the barrier: who sleeps has looked with it held. */
	if (waitqueue_active(&slave->readers))
		wake_up_interruptible_poll(&slave->readers, events);
}

/*
 * The same for what a vCPU waits for. If others want its CPU, no other one will be
 * idle, and where the slave was last it would have to wait for its turn: here it
 * has that of the vCPU, which goes to sleep. The callers have preemption disabled.
 */
static inline void devuser_slave_hand_over(struct devuser_slave *slave, __poll_t events)
{
	if (single_task_running()) {
		devuser_slave_wake(slave, events);
		return;
	}

	/* The lock is the barrier, as above. */
	if (waitqueue_active(&slave->readers))
		__wake_up_on_current_cpu(&slave->readers, TASK_INTERRUPTIBLE,
					 poll_to_key(events));
}

/* Closed it is not, as it calls; was it revoked? Under devuser->lock it stays so. */
static inline bool devuser_slave_is_cut_off(struct devuser_slave *slave)
{
	return READ_ONCE(slave->dev->slave) != slave;
}

/* transfer.c */
ssize_t devuser_transfer_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t devuser_transfer_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t devuser_transfer_splice_read(struct file *file, loff_t *ppos,
				     struct pipe_inode_info *pipe, size_t len,
				     unsigned int flags);
long devuser_transfer_exchange(struct file *file, unsigned long uarg);

/* range.c */
int devuser_range_set(struct devuser *d,
		      const struct kvm_dev_user_pa_range *arg);
void devuser_range_remove_all(struct devuser *d);
void devuser_range_put(struct devuser_range *range);

/* index.c */
int devuser_index_replace(struct devuser_vm *vm, struct kvm *kvm,
			  struct devuser_range *old, struct devuser_range *range);
void devuser_index_remove(struct devuser_vm *vm, struct kvm *kvm,
			  struct devuser_range *old);
bool devuser_index_overlaps(struct devuser_vm *vm, struct kvm *kvm,
			    const struct devuser_range *range);
struct devuser_range *devuser_index_find(const struct devuser_index *index,
					 bool pio, u64 addr, u32 len);

/* iobus.c */
extern const struct kvm_io_device_ops devuser_iodev_ops;
extern const struct kvm_io_device_ops devuser_nonposted_iodev_ops;

static inline struct devuser_range *devuser_range_of(struct kvm_io_device *iodev)
{
	return container_of(iodev, struct devuser_range, iodev);
}

/* queue.c */
void devuser_queue_init(struct devuser *d);
int devuser_queue_post(struct devuser *d, struct devuser_score *score, u32 rid,
		       u64 offset, int len, const void *val);
int devuser_queue_post_locked(struct devuser *d, struct devuser_score *score,
			      u32 rid, u64 offset, int len, const void *val);
bool devuser_queue_await(struct devuser *d, struct devuser_score *score,
			 const struct kvm_dev_user_request *io,
			 unsigned int element);
void devuser_queue_forget(struct devuser *d, struct devuser_score *score);
unsigned int devuser_queue_send(struct devuser *d, unsigned int max,
				struct kvm_dev_user_request *ios);
void devuser_queue_unsend(struct devuser *d, u64 last_seq);
int devuser_queue_reply(struct devuser *d,
			const struct kvm_dev_user_request *reply);
void devuser_queue_replay(struct devuser *d);
void devuser_queue_fail(struct devuser *d, struct list_head *queue);
u64 devuser_queue_oldest(struct devuser *d);

/* scoreboard.c */
struct devuser_score *devuser_score_create(struct devuser *d, int vcpu_idx);
void devuser_score_free_all(struct devuser *d);
void devuser_score_wake_all(struct devuser *d);
void devuser_score_add_up(struct devuser *d, struct kvm_dev_user_status *status);

/* NULL before the vCPU's first access to the device. */
static inline struct devuser_score *
devuser_score_find(struct devuser *d, int vcpu_idx)
{
	/* Pairs with the smp_store_release() in devuser_score_create(). */
	return smp_load_acquire(&d->scores[vcpu_idx]);
}

/* Has all that the vCPU waits for been answered, and every older store (R3)? */
static inline bool devuser_score_is_answered(struct devuser_score *score)
{
	/* Pairs with the smp_store_release() in devuser_score_answer(). */
	return !smp_load_acquire(&score->awaited) && !READ_ONCE(score->posted);
}

/*
 * The vCPU puts itself on score->wait before it takes devuser->lock to look at
 * what it waits for; whoever changes that holds the lock, so that it either
 * sees the vCPU on the queue or is seen by it.
 */
static inline void devuser_score_wake(struct devuser_score *score)
{
	/* The lock is the barrier: see above. */
	if (waitqueue_active(&score->wait))
		wake_up(&score->wait);
}

/* One posted store less. */
static inline void devuser_score_unpost(struct devuser_score *score)
{
	/*
	 * Whatever the slave wrote to the shadow image before it answered the
	 * store comes before this. Pairs with the smp_load_acquire() in
	 * devuser_shadow_load().
	 */
	smp_store_release(&score->posted, score->posted - 1);
	if (!score->posted)
		devuser_score_wake(score);
}

/* One reply more, which is in score->data. */
static inline void devuser_score_answer(struct devuser_score *score)
{
	/* Pairs with the smp_load_acquire() in devuser_score_is_answered(). */
	smp_store_release(&score->awaited, score->awaited - 1);
	if (!score->awaited)
		devuser_score_wake(score);
}

/* access.c */
void devuser_access_start(struct devuser_access *acc, struct devuser *d,
			  struct devuser_score *score);
void devuser_access_begin(struct devuser_access *acc);
int devuser_access_run(struct kvm_vcpu *vcpu, struct devuser_access *acc);
void devuser_access_end(struct devuser_access *acc);

/* run.c */
void devuser_run_keep(struct kvm_vcpu *vcpu, struct devuser_range *range,
		      struct devuser_score *score,
		      const struct kvm_dev_user_request *io,
		      unsigned int abandons);

/* shadow.c */
int devuser_shadow_load(struct devuser *d, struct devuser_score *score,
			u32 rid, u64 offset, int len, void *val);
int devuser_shadow_size(struct devuser_slave *slave,
			const struct kvm_dev_user_shadow_size *arg);
int devuser_shadow_ctrl(struct devuser_slave *slave,
			const struct kvm_dev_user_shadow_ctrl *arg);
int devuser_shadow_mmap(struct devuser_slave *slave, struct vm_area_struct *vma);
void devuser_shadow_free(struct devuser_slave *slave);

/* doorbell.c */
bool devuser_doorbell_ring(struct devuser *d, struct devuser_score *score,
			   u32 rid, u64 offset, int len, const void *val);
int devuser_doorbell_ring_or_post(struct devuser *d, struct devuser_score *score,
				  u32 rid, u64 offset, int len, const void *val);
int devuser_doorbell_set(struct devuser_slave *slave,
			 const struct kvm_dev_user_doorbells *arg);
void devuser_doorbell_free(struct devuser_doorbells *doorbells);

/* R17: a store overtakes no posted store of its vCPU. */
static inline bool devuser_doorbell_may_ring(struct devuser *d,
					     struct devuser_score *score)
{
	return rcu_access_pointer(d->doorbells) && !READ_ONCE(score->posted);
}

/* status.c */
void devuser_info(struct kvm_dev_user_info *info);
void devuser_status(struct devuser *d, struct kvm_dev_user_status *status);
void devuser_show(struct seq_file *m, struct devuser *d);

/* ioctl.c */
int devuser_get_arg(void *arg, size_t size, unsigned long uarg);
int devuser_put_answer(void *answer, size_t size, unsigned long uarg);
int devuser_ioctl_info(unsigned long uarg);

#endif
