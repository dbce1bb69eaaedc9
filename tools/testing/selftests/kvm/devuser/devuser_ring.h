/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with a user device and a dirty ring: while the ring is full, KVM_RUN returns
 * before it has entered the guest.
 */
#ifndef SELFTEST_KVM_DEVUSER_RING_H
#define SELFTEST_KVM_DEVUSER_RING_H

#include <asm/barrier.h>

#include "devuser_util.h"

/* More than KVM keeps free, whatever the processor; less than there are pages. */
#define RING_ENTRIES	1024
#define RING_PAGES	1024
#define RING_GPA	SZ_1G
#define RING_SLOT	10

static inline bool ring_is_supported(void)
{
	return kvm_has_cap(KVM_CAP_DIRTY_LOG_RING) || kvm_has_cap(KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
}

/* Stores to one page more. */
static inline void guest_dirty_page(u32 page)
{
	WRITE_ONCE(*(u64 *)(RING_GPA + page * (u64)SZ_4K), page);
}

/* The ring has to be there before the vCPU is. */
static inline struct kvm_vcpu *ring_add_vcpu(struct kvm_vm *vm, void *guest_code)
{
	struct kvm_vcpu *vcpu;

	vm_enable_dirty_ring(vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	vcpu = vm_vcpu_add(vm, 0, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, RING_GPA, RING_SLOT, RING_PAGES,
				    KVM_MEM_LOG_DIRTY_PAGES);
	virt_map(vm, RING_GPA, RING_GPA, RING_PAGES);
	return vcpu;
}

/* As devuser_vm_create(), with one vCPU. */
static inline struct devuser_vm *ring_vm_create(void *guest_code)
{
	struct devuser_vm *dv = calloc(1, sizeof(*dv));

	TEST_ASSERT(dv, "Out of memory");
	dv->emul = devuser_emul_start();
	dv->vm = __vm_create(VM_SHAPE_DEFAULT, 1, 0);
	dv->vcpus[0] = ring_add_vcpu(dv->vm, guest_code);
	dv->nr_vcpus = 1;
	devuser_map(dv->vm);

	dv->master = devuser_create(dv->vm);
	devuser_emul_attach(dv->emul, devuser_slave_fd(dv->master, 0));
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	devuser_set_range(dv->master, DEVUSER_RID_PIO, DEVUSER_PORTS_FLAG,
			  DEVUSER_PORTS_BASE + DEVUSER_PORT, DEVUSER_PORT_LEN);
	return dv;
}

/* Takes everything out of the ring; *next is the entry to begin with. */
static inline void ring_reset(struct kvm_vcpu *vcpu, u32 *next)
{
	struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(vcpu), *entry;
	u32 first = *next;

	for (;; ++*next) {
		entry = &ring[*next % RING_ENTRIES];
		/* Pairs with KVM's, which publishes the entry. */
		if (smp_load_acquire(&entry->flags) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		/* KVM may use the entry anew from here on. */
		smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_RESET);
	}
	TEST_ASSERT_EQ(kvm_vm_reset_dirty_ring(vcpu->vm), *next - first);
}

#endif /* SELFTEST_KVM_DEVUSER_RING_H */
