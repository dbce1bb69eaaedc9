/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_DEVUSER_PRIVATE_H
#define __KVM_DEVUSER_PRIVATE_H

/*
 * The KVM user device: objects, states, lifetimes, locks.
 *
 * Objects
 *
 *   devuser          a device. Made by KVM_CREATE_DEVICE; the master
 *                    descriptor, the slave descriptor, each range and each
 *                    unfinished access hold a reference. It never holds the
 *                    VM: a slave may outlive it by any time.
 *   devuser_range    a piece of guest physical memory or of port space. Each
 *                    of its entries on the I/O bus holds a reference, and so
 *                    does the device for as long as the range is set.
 *   devuser_request  one access of the guest, from the queue to its reply.
 *   devuser_score    a vCPU's line on a device's scoreboard. Made at the vCPU's
 *                    first access, freed with the device.
 *   devuser_map      the access map of the shadow image. Freed by RCU.
 *   devuser_access   the access that a vCPU has to finish before its guest can
 *                    go on. One for each vCPU, whatever the number of devices.
 *   devuser_vm       finds the above, given a struct kvm or kvm_vcpu: struct
 *                    kvm and struct kvm_vcpu know nothing of user devices.
 *                    Made with the VM's first device, freed with the VM.
 *
 * Two paths
 *
 *   A vCPU's access first comes to the callbacks on the I/O bus (iobus.c). They
 *   run inside the vCPU's read section of kvm->srcu and so never sleep: they
 *   post a store, serve a load from the shadow image, or decline. If the master
 *   lets vCPUs spin, they also queue a load and look for its reply for at most
 *   DEVUSER_EARLY_SPIN, for which a change of memslots then has to wait (R11). A
 *   load without a reply by then becomes the vCPU's devuser_access as it is.
 *   Until KVM_RUN takes that up, the callbacks decline the vCPU's loads: while a
 *   range is moved, the bus comes with the same one twice.
 *   An access that is declined leaves the architecture's code as KVM_EXIT_MMIO
 *   or KVM_EXIT_IO, and is taken up in KVM_RUN before userspace sees it, with no
 *   lock held but vcpu->mutex (access.c). There it may spin or sleep. Its result
 *   goes into struct kvm_run, from where the architecture's code completes the
 *   instruction, as if the VMM had handled the exit.
 *
 * States of a device (devuser->state)
 *
 *   IDLE    no slave has been made. Accesses go to the VMM.
 *   LIVE    a slave is open.
 *   HELD    the slave was closed; requests wait for the next one.
 *   FAILED  an access timed out, or the slave was closed. Loads read all ones,
 *           stores are discarded, both at once; the queues are empty.
 *   GONE    the master was closed, or the VM is being destroyed. As FAILED.
 *
 *     IDLE -> LIVE <-> HELD        KVM_DEV_USER_SLAVE_FD, close of the slave
 *     LIVE, HELD -> FAILED         time-out, close of the slave
 *     FAILED -> LIVE               KVM_DEV_USER_SLAVE_FD
 *     any -> GONE                  close of the master
 *
 * Stages of a request (devuser_request->stage)
 *
 *   FREE -> PENDING   queued by the vCPU; on devuser->pending
 *   PENDING -> SENT   read by the slave; on devuser->sent
 *   SENT -> FREE      answered by the slave, or failed
 *   SENT -> PENDING   the slave was closed and its requests are replayed
 *   PENDING -> FREE   failed, or an abandoned load that nobody has read
 *
 *   A posted store takes one of the device's KVM_DEVUSER_STORES_MAX requests.
 *   Whatever a vCPU waits for, a load or a store that found no such request
 *   free, takes the one request in the vCPU's own score: so no vCPU can keep
 *   another from queueing. If the master abandons it while the slave has it, it
 *   goes through the same stages: a load's reply is swallowed, a store is from
 *   then on a posted one.
 *
 *   Both lists are in the order of seq: requests are queued, read and replayed
 *   in that order.
 *
 * Locks, outermost first
 *
 *   kvm->lock           creation of devuser_vm, release of the master.
 *   vcpu->mutex         the vCPU's devuser_access.
 *   kvm->slots_lock     devuser_vm->ranges, devuser->ranges (for writing).
 *   devuser->read_lock  one reader at a time, so that what was copied to
 *                       userspace is what is taken off the pending queue.
 *   devuser->shadow_lock  the shadow image, and replacement of the access map.
 *   devuser->lock       everything else in a devuser. A few instructions long,
 *                       never held over anything that sleeps.
 *
 *   Nothing but vcpu->mutex is held while a vCPU waits for a slave, and nothing
 *   here takes vcpu->mutex: KVM_RUN comes with it.
 *
 *   Readers of devuser_vm->ranges are inside kvm->srcu, readers of
 *   devuser->map inside RCU, readers of the hash of devuser_vm inside RCU or
 *   hold the VM.
 */

#include <linux/eventfd.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/kvm_devuser.h>
#include <linux/kvm_host.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <kvm/iodev.h>

/* A state of its own to the kernel only: the master sees none after it. */
#define DEVUSER_GONE	(KVM_DEVUSER_FAILED + 1)

enum devuser_stage {
	DEVUSER_FREE,
	DEVUSER_PENDING,
	DEVUSER_SENT,
};

#define DEVUSER_FIRST_SCORES	16

/* Protected by devuser->lock. */
struct devuser_request {
	struct list_head node;		/* on pending or sent */
	struct devuser_request *next_free;	/* of those on free */
	struct devuser_score *score;
	enum devuser_stage stage;
	bool awaited;			/* a vCPU waits for the reply */
	struct kvm_devuser_request io;
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

	/*
	 * Protected by devuser->lock. A vCPU that spins reads answered without, and
	 * data once that is set: nobody writes either before the vCPU's next access.
	 */
	bool answered;			/* the awaited request was */
	u8 data[8];			/* and this is the reply */
	struct devuser_request request;
};

struct devuser_range {
	struct kvm_io_device iodev;
	refcount_t refs;
	struct list_head node;		/* on devuser_vm->ranges */
	struct devuser *dev;		/* a reference */
	u32 rid;
	bool pio;
	u64 addr;
	u64 len;
};

struct devuser_map {
	const u8 *image;
	unsigned int nr_areas;
	struct kvm_devuser_shadow_area areas[] __counted_by(nr_areas);
};

struct devuser {
	struct kref ref;
	unsigned int id;		/* in traces and fdinfo */
	struct kvm *kvm;		/* for the master's holder only */
	u64 timeout_ns;			/* written by the master, read once */
	u32 vcpu_spin_ns;		/* likewise */
	u32 slave_spin_ns;		/* likewise */

	/* Protects what follows; state is also read without, as a hint. */
	spinlock_t lock;
	int state;
	int reason;
	bool slave_open;
	u32 slave_flags;
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

	struct task_struct *reader;	/* who read last; a reference */
	wait_queue_head_t readers;	/* the slave, in read() and poll() */
	wait_queue_head_t quiet;	/* the master, in KVM_DEV_USER_QUIET */

	/*
	 * Scores by vcpu_idx; each is stored by its vCPU, under vcpu->mutex. The
	 * first ones are in an array as well, which is looked into faster.
	 */
	struct xarray scores;
	struct devuser_score *first_scores[DEVUSER_FIRST_SCORES];

	/* Written under kvm->slots_lock and lock, read under either. */
	struct devuser_range *ranges[KVM_DEVUSER_RANGES_MAX];

	/* Held by a reader of the slave from a peek to the matching send. */
	struct mutex read_lock;

	/* Protects what follows. */
	struct mutex shadow_lock;
	void *image;
	size_t image_bytes;
	struct devuser_map __rcu *map;

	/* Protected by lock. */
	struct devuser_request stores_pool[KVM_DEVUSER_STORES_MAX];
};

/* What a vCPU has to finish. Protected by vcpu->mutex. */
struct devuser_access {
	struct devuser *dev;		/* a reference; NULL when there is none */
	struct devuser_score *score;	/* once there is one */
	struct kvm_devuser_request io;	/* of the current element */
	bool pio;
	bool queued;			/* io is in score->request */
	unsigned int abandons;		/* devuser->abandons when it began */
	ktime_t deadline;		/* of the current element */
	u32 spin_ns;			/* what is left of devuser->vcpu_spin_ns */
	u64 addr;			/* guest physical, or port */
	u32 count;			/* elements of string I/O, else 1 */
	u32 done;
	u32 pio_offset;			/* of the first element, in the PIO page */
};

struct devuser_vm {
	struct hlist_node node;
	struct kvm *kvm;
	struct list_head ranges;	/* of all devices */
	struct xarray accesses;		/* devuser_access by vcpu_idx */
	struct rcu_head rcu;
};

/* vm.c */
struct devuser_vm *devuser_vm_find(struct kvm *kvm);
int devuser_vm_create(struct kvm *kvm);
struct devuser_access *devuser_vm_access(struct kvm_vcpu *vcpu);

/* device.c */
struct devuser *devuser_alloc(struct kvm *kvm);
void devuser_put(struct devuser *d);
void devuser_fail(struct devuser *d, int state, int reason);
void devuser_notify(struct devuser *d);
void devuser_wake_vcpus(struct devuser *d);

/* Loads read all ones, stores are discarded. */
static inline bool devuser_is_dead(struct devuser *d)
{
	return READ_ONCE(d->state) >= KVM_DEVUSER_FAILED;
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
struct devuser *devuser_from_slave(struct file *file);

/* range.c */
int devuser_range_set(struct devuser *d, const struct kvm_devuser_pa_range *arg);
void devuser_range_remove_all(struct devuser *d);
struct devuser_range *devuser_range_find(struct kvm *kvm, bool pio, u64 addr,
					 u32 len);
void devuser_range_put(struct devuser_range *range);

/* iobus.c */
extern const struct kvm_io_device_ops devuser_iodev_ops;

static inline struct devuser_range *devuser_range_of(struct kvm_io_device *iodev)
{
	return container_of(iodev, struct devuser_range, iodev);
}

/* queue.c */
void devuser_queue_init(struct devuser *d);
int devuser_queue_post(struct devuser *d, struct devuser_score *score,
		       const struct kvm_devuser_request *io);
void devuser_queue_await(struct devuser *d, struct devuser_score *score,
			 const struct kvm_devuser_request *io);
bool devuser_queue_early(struct devuser *d, struct devuser_score *score,
			 const struct kvm_devuser_request *io);
void devuser_queue_forget(struct devuser *d, struct devuser_score *score);
unsigned int devuser_queue_peek(struct devuser *d, unsigned int max,
				struct kvm_devuser_request *ios);
void devuser_queue_send(struct devuser *d, u64 last_seq);
int devuser_queue_reply(struct devuser *d,
			const struct kvm_devuser_request *reply);
void devuser_queue_replay(struct devuser *d);
void devuser_queue_fail(struct devuser *d, struct list_head *queue);
bool devuser_queue_is_quiet(struct devuser *d, u64 before_seq);

/* scoreboard.c */
struct devuser_score *devuser_score_create(struct devuser *d, int vcpu_idx);
void devuser_score_free_all(struct devuser *d);
u64 devuser_score_shadow_loads(struct devuser *d);

static inline struct devuser_score *
devuser_score_find(struct devuser *d, int vcpu_idx)
{
	if (vcpu_idx >= DEVUSER_FIRST_SCORES)
		return xa_load(&d->scores, vcpu_idx);

	/* Pairs with the smp_store_release() in devuser_score_create(). */
	return smp_load_acquire(&d->first_scores[vcpu_idx]);
}

/* Has the vCPU's own load been answered, and every older store (R3)? */
static inline bool devuser_score_is_answered(struct devuser_score *score)
{
	/* Pairs with the smp_store_release() in devuser_queue_answer(). */
	return smp_load_acquire(&score->answered) && !READ_ONCE(score->posted);
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

/* access.c */
void devuser_access_keep(struct kvm_vcpu *vcpu, struct devuser_range *range,
			 struct devuser_score *score,
			 const struct kvm_devuser_request *io,
			 unsigned int abandons);

/* shadow.c */
int devuser_shadow_load(struct devuser *d, struct devuser_score *score,
			u32 rid, u64 offset, int len, void *val);
int devuser_shadow_size(struct devuser *d,
			const struct kvm_devuser_shadow_size *arg);
int devuser_shadow_ctrl(struct devuser *d,
			const struct kvm_devuser_shadow_ctrl *arg);
int devuser_shadow_mmap(struct devuser *d, struct vm_area_struct *vma);
void devuser_shadow_free(struct devuser *d);

/* status.c */
void devuser_status(struct devuser *d, struct kvm_devuser_status *status);
void devuser_show(struct seq_file *m, struct devuser *d);

/* ioctl.c */
int devuser_get_arg(void *arg, size_t size, unsigned long uarg);

#endif
