// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: address ranges, and their place on the I/O buses.
 */

#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "devuser_private.h"

/*
 * A device on the I/O bus has an int's length: longer ranges get several
 * entries, all with the range's one kvm_io_device.
 */
#define DEVUSER_PIECE	((u64)SZ_1G)

#define DEVUSER_PORTS	((u64)SZ_64K)

static enum kvm_bus devuser_range_bus(const struct devuser_range *range)
{
	return range->pio ? KVM_PIO_BUS : KVM_MMIO_BUS;
}

/* The device's own reference, or that of a piece on the bus. */
void devuser_range_put(struct devuser_range *range)
{
	if (refcount_dec_and_test(&range->refs)) {
		devuser_put(range->dev);
		kfree(range);
	}
}

/*
 * Each piece that is unregistered gives back its reference. Should KVM lack the
 * memory to shrink the bus, it destroys the bus and everything on it: then
 * nothing is left to unregister.
 */
static void devuser_range_unregister(struct kvm *kvm, struct devuser_range *range)
{
	u64 done;

	for (done = 0; done < range->len; done += DEVUSER_PIECE) {
		if (kvm_io_bus_unregister_dev(kvm, devuser_range_bus(range),
					      &range->iodev))
			return;
	}
}

static int devuser_range_register(struct kvm *kvm, struct devuser_range *range)
{
	u64 done, len;
	int r;

	for (done = 0; done < range->len; done += len) {
		len = min(range->len - done, DEVUSER_PIECE);
		refcount_inc(&range->refs);
		r = kvm_io_bus_register_dev(kvm, devuser_range_bus(range),
					    range->addr + done, len,
					    &range->iodev);
		if (r) {
			devuser_range_put(range);
			devuser_range_unregister(kvm, range);
			return r;
		}
	}

	return 0;
}

static struct devuser_range *devuser_range_alloc(struct devuser *d,
						 const struct kvm_dev_user_pa_range *arg)
{
	struct devuser_range *range;

	range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return NULL;

	refcount_set(&range->refs, 1);
	range->dev = devuser_get(d);
	range->rid = arg->rid;
	range->pio = arg->flags & KVM_DEV_USER_RANGE_PIO;
	range->posted = !(arg->flags & KVM_DEV_USER_RANGE_NONPOSTED);
	range->addr = arg->addr;
	range->len = arg->len;
	kvm_iodevice_init(&range->iodev, range->posted ? &devuser_iodev_ops :
			  &devuser_nonposted_iodev_ops);

	return range;
}

/* Make range, which may be NULL, the one that the device knows by rid. */
static struct devuser_range *devuser_range_swap(struct devuser *d, u32 rid,
						struct devuser_range *range)
{
	struct devuser_range *old;

	lockdep_assert_held(&d->kvm->slots_lock);

	/* rid comes from userspace, though it has been checked. */
	rid = array_index_nospec(rid, DEVUSER_RANGES_MAX);

	spin_lock(&d->lock);
	old = d->ranges[rid];
	d->ranges[rid] = range;
	spin_unlock(&d->lock);

	return old;
}

/*
 * Readers that found it before are gone after the bus has been changed. The
 * range is off the bus in any case, so there is no failure to report: should
 * KVM have lost the whole bus, the ranges that are left are found in the index.
 */
static void devuser_range_drop(struct devuser *d, struct devuser_range *range)
{
	devuser_range_unregister(d->kvm, range);
	synchronize_srcu_expedited(&d->kvm->srcu);
	devuser_range_put(range);
}

static int devuser_range_remove(struct devuser *d, u32 rid)
{
	struct devuser_range *range = devuser_range_swap(d, rid, NULL);

	if (!range)
		return -ENOENT;

	devuser_index_remove(d->vm, d->kvm, range);
	devuser_range_drop(d, range);
	return 0;
}

/* The new place is set before the old one is given up. */
static int devuser_range_move(struct devuser *d, struct devuser_range *range)
{
	u32 rid = array_index_nospec(range->rid, DEVUSER_RANGES_MAX);
	struct devuser_range *old = d->ranges[rid];
	int r;

	if (devuser_index_overlaps(d->vm, d->kvm, range))
		return -EEXIST;

	r = devuser_range_register(d->kvm, range);
	if (r)
		return r;

	r = devuser_index_replace(d->vm, d->kvm, old, range);
	if (r) {
		devuser_range_unregister(d->kvm, range);
		return r;
	}

	devuser_range_swap(d, range->rid, range);
	if (old)
		devuser_range_drop(d, old);

	return 0;
}

static int devuser_range_check(const struct kvm_dev_user_pa_range *arg)
{
	bool pio = arg->flags & KVM_DEV_USER_RANGE_PIO;
	u64 end;

	if (arg->flags & ~(KVM_DEV_USER_RANGE_PIO | KVM_DEV_USER_RANGE_NONPOSTED) ||
	    arg->reserved || arg->rid >= DEVUSER_RANGES_MAX)
		return -EINVAL;

	if (!arg->len)
		return arg->addr || arg->flags ? -EINVAL : 0;

	if (check_add_overflow(arg->addr, arg->len, &end) ||
	    (pio && end > DEVUSER_PORTS))
		return -EINVAL;

	/* Spare the bus what it would refuse after many steps. */
	if (arg->len > NR_IOBUS_DEVS * DEVUSER_PIECE)
		return -ENOSPC;

	return 0;
}

int devuser_range_set(struct devuser *d, const struct kvm_dev_user_pa_range *arg)
{
	struct devuser_range *range = NULL;
	int r;

	r = devuser_range_check(arg);
	if (r)
		return r;

	if (arg->len) {
		range = devuser_range_alloc(d, arg);
		if (!range)
			return -ENOMEM;
	}

	mutex_lock(&d->kvm->slots_lock);
	if (range)
		r = devuser_range_move(d, range);
	else
		r = devuser_range_remove(d, arg->rid);
	if (r && range)
		devuser_range_put(range);
	mutex_unlock(&d->kvm->slots_lock);

	return r;
}

void devuser_range_remove_all(struct devuser *d)
{
	u32 rid;

	mutex_lock(&d->kvm->slots_lock);
	for (rid = 0; rid < DEVUSER_RANGES_MAX; rid++)
		devuser_range_remove(d, rid);
	mutex_unlock(&d->kvm->slots_lock);
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/range_kunit.c"
#endif
