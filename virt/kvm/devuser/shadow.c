// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the shadow image and the access map.
 */

#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "devuser_private.h"
#include "trace.h"

/* By range id, then offset. */
static int devuser_area_cmp(const void *a, const void *b)
{
	const struct kvm_dev_user_shadow_area *l = a, *r = b;

	if (l->rid != r->rid)
		return l->rid < r->rid ? -1 : 1;
	if (l->offset != r->offset)
		return l->offset < r->offset ? -1 : 1;

	return 0;
}

struct devuser_load {
	u32 rid;
	u64 offset;
};

/* Areas do not overlap: one at most has the load's first byte. */
static __always_inline int devuser_load_cmp(const void *key, const void *elt)
{
	const struct kvm_dev_user_shadow_area *area = elt;
	const struct devuser_load *load = key;

	if (load->rid != area->rid)
		return load->rid < area->rid ? -1 : 1;
	if (load->offset < area->offset)
		return -1;

	return load->offset - area->offset < area->len ? 0 : 1;
}

/* Where the image holds the load's bytes; NULL when the slave has to answer. */
static __always_inline const void *
devuser_map_lookup(const struct devuser_map *map, u32 rid, u64 offset,
		   unsigned int len)
{
	const struct devuser_load load = { .rid = rid, .offset = offset };
	const struct kvm_dev_user_shadow_area *area;

	area = __inline_bsearch(&load, map->areas, map->nr_areas,
				sizeof(map->areas[0]), devuser_load_cmp);
	if (!area || !(area->access & len) || !is_power_of_2(len) ||
	    !IS_ALIGNED(offset, len))
		return NULL;

	return map->image + area->image + (offset - area->offset);
}

/* One load and one store: a length that is known spares the call of memcpy(). */
#define devuser_copy(to, from, type)						\
do {										\
	type __bytes = READ_ONCE(*(const type *)(from));			\
										\
	memcpy(to, &__bytes, sizeof(__bytes));					\
} while (0)

/* The slave may write the image at any time: read each byte once. */
static void devuser_image_read(const void *from, int len, void *val)
{
	switch (len) {
	case 1:
		devuser_copy(val, from, u8);
		break;
	case 2:
		devuser_copy(val, from, u16);
		break;
	case 4:
		devuser_copy(val, from, u32);
		break;
	case 8:
		devuser_copy(val, from, u64);
		break;
	}
}

static noinline void devuser_shadow_trace(struct devuser *d,
					  struct devuser_score *score,
					  u32 rid, u64 offset, int len,
					  const void *val)
{
	struct kvm_dev_user_request io = {
		.offset = offset,
		.rid = rid,
		.cpu = score->cpu,
		.type = KVM_DEV_USER_LOAD,
		.len = len,
	};

	memcpy(io.data, val, len);
	trace_kvm_devuser_shadow(d, &io);
}

/*
 * Serve a load from the shadow image. Returns -EOPNOTSUPP when the slave has to
 * answer it, -EAGAIN when stores of this vCPU have to be answered first (R4).
 */
int devuser_shadow_load(struct devuser *d, struct devuser_score *score,
			u32 rid, u64 offset, int len, void *val)
{
	const struct devuser_map *map;
	int r = -EOPNOTSUPP;
	const void *from;

	/* As good as rcu_read_lock(), and inline. */
	rcu_read_lock_sched();
	map = rcu_dereference_sched(d->map);
	from = map ? devuser_map_lookup(map, rid, offset, len) : NULL;
	if (from) {
		/*
		 * What the slave wrote before it answered this vCPU's stores is
		 * seen here. Pairs with the smp_store_release() in
		 * devuser_score_unpost().
		 */
		if (smp_load_acquire(&score->posted)) {
			r = -EAGAIN;
		} else {
			devuser_image_read(from, len, val);
			WRITE_ONCE(score->shadow_loads, score->shadow_loads + 1);
			if (trace_kvm_devuser_shadow_enabled())
				devuser_shadow_trace(d, score, rid, offset, len, val);
			r = 0;
		}
	}
	rcu_read_unlock_sched();

	return r;
}

int devuser_shadow_size(struct devuser_slave *slave,
			const struct kvm_dev_user_shadow_size *arg)
{
	void *image;
	int r = 0;

	if (arg->reserved || !arg->bytes || arg->bytes > DEVUSER_SHADOW_MAX)
		return -EINVAL;

	if (devuser_slave_is_cut_off(slave))
		return -ENODEV;

	mutex_lock(&slave->tables_lock);
	if (slave->image) {
		r = -EEXIST;
		goto out;
	}

	image = __vmalloc(PAGE_ALIGN(arg->bytes), GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!image) {
		r = -ENOMEM;
		goto out;
	}

	slave->image = image;
	slave->image_bytes = arg->bytes;
out:
	mutex_unlock(&slave->tables_lock);
	return r;
}

static bool devuser_area_is_valid(const struct kvm_dev_user_shadow_area *area,
				  size_t image_bytes)
{
	u64 end;

	return area->rid < DEVUSER_RANGES_MAX &&
	       area->access && !(area->access & ~0xfU) && area->len &&
	       IS_ALIGNED(area->offset | area->len | area->image, 8) &&
	       !check_add_overflow(area->offset, area->len, &end) &&
	       !check_add_overflow(area->image, area->len, &end) &&
	       end <= image_bytes;
}

static bool devuser_map_is_valid(const struct devuser_map *map,
				 size_t image_bytes)
{
	const struct kvm_dev_user_shadow_area *area, *prev = NULL;
	unsigned int i;

	for (i = 0; i < map->nr_areas; i++, prev = area) {
		area = &map->areas[i];
		if (!devuser_area_is_valid(area, image_bytes))
			return false;
		if (prev && prev->rid == area->rid &&
		    area->offset - prev->offset < prev->len)
			return false;
	}

	return true;
}

/* Returns the map to be freed, or an error. */
static struct devuser_map *devuser_map_replace(struct devuser_slave *slave,
					       struct devuser_map *map)
{
	struct devuser_map *old = slave->map;
	struct devuser *d = slave->dev;

	lockdep_assert_held(&slave->tables_lock);

	if (!slave->image)
		return ERR_PTR(-ENXIO);

	if (map && !devuser_map_is_valid(map, slave->image_bytes))
		return ERR_PTR(-EINVAL);

	if (map)
		map->image = slave->image;

	spin_lock(&d->lock);
	if (devuser_slave_is_cut_off(slave))
		old = ERR_PTR(-ENODEV);
	else if (!devuser_is_dead(d))
		rcu_assign_pointer(d->map, map);
	spin_unlock(&d->lock);

	if (!IS_ERR(old))
		slave->map = map;

	return old;
}

static struct devuser_map *devuser_map_get(const struct kvm_dev_user_shadow_ctrl *arg)
{
	struct devuser_map *map;

	map = kvmalloc(struct_size(map, areas, arg->nr_areas), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);

	map->nr_areas = arg->nr_areas;
	if (copy_from_user(map->areas, u64_to_user_ptr(arg->areas),
			   array_size(arg->nr_areas, sizeof(map->areas[0])))) {
		kvfree(map);
		return ERR_PTR(-EFAULT);
	}

	sort(map->areas, map->nr_areas, sizeof(map->areas[0]),
	     devuser_area_cmp, NULL);

	return map;
}

/*
 * Whoever replaces a map waits until no vCPU reads it: a slave that does nothing
 * else piles up none, and waits for what would have come anyway.
 */
int devuser_shadow_ctrl(struct devuser_slave *slave,
			const struct kvm_dev_user_shadow_ctrl *arg)
{
	struct devuser_map *map = NULL, *old;

	if (arg->nr_areas > DEVUSER_AREAS_MAX)
		return -E2BIG;

	if (arg->nr_areas) {
		map = devuser_map_get(arg);
		if (IS_ERR(map))
			return PTR_ERR(map);
	}

	mutex_lock(&slave->tables_lock);
	old = devuser_map_replace(slave, map);
	mutex_unlock(&slave->tables_lock);

	if (IS_ERR(old)) {
		kvfree(map);
		return PTR_ERR(old);
	}

	if (old) {
		synchronize_rcu();
		kvfree(old);
	}

	return 0;
}

/* The VMA's file holds the slave open, and with it the image. */
static vm_fault_t devuser_image_fault(struct vm_fault *vmf)
{
	struct devuser_slave *slave = devuser_from_slave(vmf->vma->vm_file);
	struct page *page;

	page = vmalloc_to_page(slave->image + (vmf->pgoff << PAGE_SHIFT));
	get_page(page);
	vmf->page = page;

	return 0;
}

static const struct vm_operations_struct devuser_image_vm_ops = {
	.fault = devuser_image_fault,
};

int devuser_shadow_mmap(struct devuser_slave *slave, struct vm_area_struct *vma)
{
	int r = 0;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;

	mutex_lock(&slave->tables_lock);
	if (!slave->image)
		r = -ENXIO;
	else if (vma->vm_pgoff + vma_pages(vma) >
		 PAGE_ALIGN(slave->image_bytes) >> PAGE_SHIFT)
		r = -EINVAL;
	mutex_unlock(&slave->tables_lock);
	if (r)
		return r;

	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_ops = &devuser_image_vm_ops;

	return 0;
}

/* The slave is closed, and a grace period over: nobody maps or reads the image. */
void devuser_shadow_free(struct devuser_slave *slave)
{
	kvfree(slave->map);
	vfree(slave->image);
}

#ifdef CONFIG_KVM_DEVUSER_KUNIT_TEST
#include "tests/shadow_kunit.c"
#endif
