// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: doorbells, stores that only signal an eventfd.
 */

#include <linux/bsearch.h>
#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "devuser_private.h"
#include "trace.h"

/* By place; those of one place by value. */
static int devuser_doorbell_cmp(const void *a, const void *b)
{
	const struct kvm_dev_user_doorbell *l = a, *r = b;

	if (l->offset != r->offset)
		return l->offset < r->offset ? -1 : 1;
	if (l->rid != r->rid)
		return l->rid < r->rid ? -1 : 1;
	if (l->len != r->len)
		return l->len < r->len ? -1 : 1;
	if (l->value != r->value)
		return l->value < r->value ? -1 : 1;

	return 0;
}

struct devuser_store {
	u32 rid;
	int len;
	u64 offset;
	const void *val;
};

static u64 devuser_store_value(const struct devuser_store *store)
{
	switch (store->len) {
	case 1:
		return *(const u8 *)store->val;
	case 2:
		return get_unaligned((u16 *)store->val);
	case 4:
		return get_unaligned((u32 *)store->val);
	default:
		return get_unaligned((u64 *)store->val);
	}
}

/* A doorbell without a value is alone in its place, and matches any. */
static __always_inline int devuser_store_cmp(const void *key, const void *elt)
{
	const struct kvm_dev_user_doorbell *at = elt;
	const struct devuser_store *store = key;
	u64 value;

	if (store->offset != at->offset)
		return store->offset < at->offset ? -1 : 1;
	if (store->rid != at->rid)
		return store->rid < at->rid ? -1 : 1;
	if (store->len != at->len)
		return store->len < at->len ? -1 : 1;
	if (!(at->flags & KVM_DEV_USER_DOORBELL_VALUE))
		return 0;

	value = devuser_store_value(store);
	if (value != at->value)
		return value < at->value ? -1 : 1;

	return 0;
}

static __always_inline struct devuser_doorbell *
devuser_doorbell_find(const struct devuser_doorbells *doorbells, u32 rid,
		      u64 offset, int len, const void *val)
{
	const struct devuser_store store = {
		.rid = rid,
		.len = len,
		.offset = offset,
		.val = val,
	};

	return __inline_bsearch(&store, doorbells->bells, doorbells->nr,
				sizeof(doorbells->bells[0]), devuser_store_cmp);
}

static noinline void devuser_doorbell_trace(struct devuser *d,
					    struct devuser_score *score,
					    u32 rid, u64 offset, int len,
					    const void *val)
{
	struct kvm_dev_user_request io = {
		.offset = offset,
		.rid = rid,
		.cpu = score->cpu,
		.type = KVM_DEV_USER_STORE,
		.len = len,
	};

	memcpy(io.data, val, len);
	trace_kvm_devuser_doorbell(d, &io);
}

/*
 * A read section of RCU. It is inline where the lock of an eventfd does not sleep:
 * a doorbell is to cost the vCPU no more than an ioeventfd.
 */
static __always_inline void devuser_doorbells_lock(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		rcu_read_lock();
	else
		preempt_disable();
}

static __always_inline void devuser_doorbells_unlock(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		rcu_read_unlock();
	else
		preempt_enable();
}

/*
 * Signal the doorbell that a store matches, if there is one. That comes last, so
 * that nothing of the store has to be kept meanwhile.
 */
static __always_inline bool devuser_doorbell_try(struct devuser *d,
						 struct devuser_score *score,
						 u32 rid, u64 offset, int len,
						 const void *val)
{
	const struct devuser_doorbells *doorbells;
	struct devuser_doorbell *bell = NULL;

	devuser_doorbells_lock();
	doorbells = rcu_dereference_check(d->doorbells, rcu_read_lock_sched_held());
	if (doorbells)
		bell = devuser_doorbell_find(doorbells, rid, offset, len, val);
	if (bell) {
		WRITE_ONCE(score->doorbells, score->doorbells + 1);
		if (trace_kvm_devuser_doorbell_enabled())
			devuser_doorbell_trace(d, score, rid, offset, len, val);
		eventfd_signal(bell->eventfd);
	}
	devuser_doorbells_unlock();

	return bell;
}

bool devuser_doorbell_ring(struct devuser *d, struct devuser_score *score,
			   u32 rid, u64 offset, int len, const void *val)
{
	return devuser_doorbell_may_ring(d, score) &&
	       devuser_doorbell_try(d, score, rid, offset, len, val);
}

/* For a store of a posted range, in a callback. */
int devuser_doorbell_ring_or_post(struct devuser *d, struct devuser_score *score,
				  u32 rid, u64 offset, int len, const void *val)
{
	if (devuser_doorbell_try(d, score, rid, offset, len, val))
		return 0;

	return devuser_queue_post(d, score, rid, offset, len, val);
}

void devuser_doorbell_free(struct devuser_doorbells *doorbells)
{
	unsigned int i;

	if (!doorbells)
		return;

	for (i = 0; i < doorbells->nr; i++)
		eventfd_ctx_put(doorbells->bells[i].eventfd);
	kvfree(doorbells);
}

static bool devuser_doorbell_is_valid(const struct kvm_dev_user_doorbell *at)
{
	u64 end;

	if (at->rid >= DEVUSER_RANGES_MAX ||
	    at->flags & ~KVM_DEV_USER_DOORBELL_VALUE ||
	    !is_power_of_2(at->len) || at->len > sizeof(at->value) ||
	    check_add_overflow(at->offset, (u64)at->len, &end))
		return false;

	if (!(at->flags & KVM_DEV_USER_DOORBELL_VALUE))
		return !at->value;

	return at->len == sizeof(at->value) || !(at->value >> (8 * at->len));
}

/* Neither twice the same store, nor in one place one with and one without value. */
static bool devuser_doorbell_is_ambiguous(const struct kvm_dev_user_doorbell *prev,
					  const struct kvm_dev_user_doorbell *at)
{
	if (prev->rid != at->rid || prev->offset != at->offset ||
	    prev->len != at->len)
		return false;

	return prev->value == at->value || prev->flags != at->flags;
}

static int devuser_doorbells_check(const struct devuser_doorbells *doorbells)
{
	unsigned int i;

	for (i = 0; i < doorbells->nr; i++) {
		if (i && devuser_doorbell_is_ambiguous(&doorbells->bells[i - 1].at,
						       &doorbells->bells[i].at))
			return -EINVAL;
	}

	return 0;
}

/* Takes a reference to the eventfd. */
static int devuser_doorbell_get(struct devuser_doorbell *bell,
				const struct kvm_dev_user_doorbell __user *from)
{
	if (copy_from_user(&bell->at, from, sizeof(bell->at)))
		return -EFAULT;

	if (!devuser_doorbell_is_valid(&bell->at))
		return -EINVAL;

	bell->eventfd = eventfd_ctx_fdget(bell->at.fd);
	return PTR_ERR_OR_ZERO(bell->eventfd);
}

static struct devuser_doorbells *
devuser_doorbells_get(const struct kvm_dev_user_doorbells *arg)
{
	struct kvm_dev_user_doorbell __user *from = u64_to_user_ptr(arg->doorbells);
	struct devuser_doorbells *doorbells;
	int r = 0;

	doorbells = kvzalloc(struct_size(doorbells, bells, arg->nr_doorbells),
			     GFP_KERNEL_ACCOUNT);
	if (!doorbells)
		return ERR_PTR(-ENOMEM);

	while (!r && doorbells->nr < arg->nr_doorbells) {
		/* __counted_by() wants the number first. */
		doorbells->nr++;
		r = devuser_doorbell_get(&doorbells->bells[doorbells->nr - 1],
					 from + doorbells->nr - 1);
		if (r)
			doorbells->nr--;
	}

	if (!r) {
		sort(doorbells->bells, doorbells->nr, sizeof(doorbells->bells[0]),
		     devuser_doorbell_cmp, NULL);
		r = devuser_doorbells_check(doorbells);
	}

	if (r) {
		devuser_doorbell_free(doorbells);
		return ERR_PTR(r);
	}

	return doorbells;
}

/* Returns the doorbells to be freed, or an error. */
static struct devuser_doorbells *
devuser_doorbells_replace(struct devuser_slave *slave,
			  struct devuser_doorbells *doorbells)
{
	struct devuser_doorbells *old = slave->doorbells;
	struct devuser *d = slave->dev;

	lockdep_assert_held(&slave->tables_lock);

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave))
		old = ERR_PTR(-ENODEV);
	else if (!devuser_is_dead(d))
		rcu_assign_pointer(d->doorbells, doorbells);
	spin_unlock(&d->lock);

	if (!IS_ERR(old))
		slave->doorbells = doorbells;

	return old;
}

int devuser_doorbell_set(struct devuser_slave *slave,
			 const struct kvm_dev_user_doorbells *arg)
{
	struct devuser_doorbells *doorbells = NULL, *old;

	if (arg->nr_doorbells > DEVUSER_DOORBELLS_MAX)
		return -E2BIG;

	if (arg->nr_doorbells) {
		doorbells = devuser_doorbells_get(arg);
		if (IS_ERR(doorbells))
			return PTR_ERR(doorbells);
	}

	mutex_lock(&slave->tables_lock);
	old = devuser_doorbells_replace(slave, doorbells);
	mutex_unlock(&slave->tables_lock);

	if (IS_ERR(old)) {
		devuser_doorbell_free(doorbells);
		return PTR_ERR(old);
	}

	if (old) {
		synchronize_rcu();
		devuser_doorbell_free(old);
	}

	return 0;
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/doorbell_kunit.c"
#endif
