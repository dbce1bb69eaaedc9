// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the ranges of a VM, by address.
 *
 * KVM's I/O bus finds a range only if nothing else lies in it, so the ranges have
 * an order of their own. It is replaced when a range is added, and changed in place
 * when one is removed, which must not fail. All functions but the search are called
 * with kvm->slots_lock held.
 */

#include <linux/bsearch.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "devuser_private.h"

static struct devuser_index *devuser_index_get(struct devuser_vm *vm,
					       struct kvm *kvm)
{
	return rcu_dereference_protected(vm->index,
					 lockdep_is_held(&kvm->slots_lock));
}

/* The bus first, then the address. */
static bool devuser_range_is_before(const struct devuser_range *range,
				    const struct devuser_range *other)
{
	if (range->pio != other->pio)
		return other->pio;

	return range->addr < other->addr;
}

/* Put range where it belongs among the others, of which old is left out. */
static void devuser_index_fill(struct devuser_index *to,
			       const struct devuser_index *from,
			       struct devuser_range *old,
			       struct devuser_range *range)
{
	struct devuser_range *one, *prev = NULL;
	unsigned int i, n = 0;
	bool placed = false;

	for (i = 0; from && i < from->nr; i++) {
		one = from->ranges[i];
		if (one == old || one == prev)
			continue;
		prev = one;
		if (!placed && devuser_range_is_before(range, one)) {
			to->ranges[n++] = range;
			placed = true;
		}
		to->ranges[n++] = one;
	}
	if (!placed)
		to->ranges[n++] = range;

	to->nr = n;
}

/* Add range and, at the same moment, remove old, which may be NULL. */
int devuser_index_replace(struct devuser_vm *vm, struct kvm *kvm,
			  struct devuser_range *old, struct devuser_range *range)
{
	struct devuser_index *from = devuser_index_get(vm, kvm), *to;
	unsigned int nr = from ? from->nr + 1 : 1;

	to = kvmalloc(struct_size(to, ranges, nr), GFP_KERNEL_ACCOUNT);
	if (!to)
		return -ENOMEM;

	to->nr = nr;
	devuser_index_fill(to, from, old, range);
	rcu_assign_pointer(vm->index, to);

	if (from) {
		synchronize_srcu_expedited(&kvm->srcu);
		kvfree(from);
	}

	return 0;
}

/* The first range that is not old, or NULL. */
static struct devuser_range *devuser_index_other(struct devuser_index *index,
						 struct devuser_range *old)
{
	unsigned int i;

	for (i = 0; i < index->nr; i++) {
		if (index->ranges[i] != old)
			return index->ranges[i];
	}

	return NULL;
}

/* A neighbour takes the place of old: the order stays, and no memory is needed. */
static void devuser_index_overwrite(struct devuser_index *index,
				    struct devuser_range *old,
				    struct devuser_range *other)
{
	unsigned int i;

	for (i = 0; i < index->nr; i++) {
		if (index->ranges[i] == old)
			WRITE_ONCE(index->ranges[i], other);
		else
			other = index->ranges[i];
	}
}

void devuser_index_remove(struct devuser_vm *vm, struct kvm *kvm,
			  struct devuser_range *old)
{
	struct devuser_index *index = devuser_index_get(vm, kvm);
	struct devuser_range *other = devuser_index_other(index, old);

	if (other) {
		devuser_index_overwrite(index, old, other);
		return;
	}

	rcu_assign_pointer(vm->index, NULL);
	synchronize_srcu_expedited(&kvm->srcu);
	kvfree(index);
}

static bool devuser_index_overlaps_in(const struct devuser_index *index,
				      const struct devuser_range *range)
{
	const struct devuser_range *one;
	unsigned int i;

	for (i = 0; index && i < index->nr; i++) {
		one = index->ranges[i];
		if (one->dev == range->dev && one->rid == range->rid)
			continue;
		if (one->pio == range->pio &&
		    one->addr < range->addr + range->len &&
		    range->addr < one->addr + one->len)
			return true;
	}

	return false;
}

/* Does a range lie there that is not the one that range replaces? */
bool devuser_index_overlaps(struct devuser_vm *vm, struct kvm *kvm,
			    const struct devuser_range *range)
{
	return devuser_index_overlaps_in(devuser_index_get(vm, kvm), range);
}

struct devuser_place {
	bool pio;
	u64 addr;
	u32 len;
};

/* An access that leaves the range is no one's. */
static int devuser_place_cmp(const void *key, const void *elt)
{
	struct devuser_range *range = READ_ONCE(*(struct devuser_range **)elt);
	const struct devuser_place *place = key;

	if (place->pio != range->pio)
		return range->pio ? -1 : 1;
	if (place->addr < range->addr)
		return -1;

	return place->addr - range->addr < range->len ? 0 : 1;
}

/* The range that an access lies wholly in, or NULL. */
struct devuser_range *devuser_index_find(const struct devuser_index *index,
					 bool pio, u64 addr, u32 len)
{
	struct devuser_place place = { .pio = pio, .addr = addr, .len = len };
	struct devuser_range **found, *range;

	if (!index)
		return NULL;

	found = __inline_bsearch(&place, index->ranges, index->nr,
				 sizeof(index->ranges[0]), devuser_place_cmp);
	if (!found)
		return NULL;

	/* It may have been removed since the search. */
	range = READ_ONCE(*found);
	if (devuser_place_cmp(&place, &range) ||
	    range->len - (addr - range->addr) < len)
		return NULL;

	return range;
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/index_kunit.c"
#endif
