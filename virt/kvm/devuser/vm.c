// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: what a VM has of it.
 *
 * struct kvm and struct kvm_vcpu are shared with modules that are not rebuilt
 * when this component is, so they have no member for it; a hash table has.
 */

#include <linux/hashtable.h>
#include <linux/slab.h>

#include "devuser.h"
#include "devuser_private.h"

#define DEVUSER_VM_BITS	6

static DEFINE_HASHTABLE(devuser_vms, DEVUSER_VM_BITS);
static DEFINE_SPINLOCK(devuser_vms_lock);

/* Lets KVM_RUN of a host without user devices pass by with one load. */
static unsigned int devuser_nr_vms;

/* The caller holds the VM, and with it the result. */
struct devuser_vm *devuser_vm_find(struct kvm *kvm)
{
	struct devuser_vm *vm;

	if (!READ_ONCE(devuser_nr_vms))
		return NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(devuser_vms, vm, node, (unsigned long)kvm) {
		if (vm->kvm == kvm)
			break;
	}
	rcu_read_unlock();

	return vm;
}

static void devuser_vm_free(struct devuser_vm *vm)
{
	struct devuser_access *acc;
	unsigned long idx;

	xa_for_each(&vm->accesses, idx, acc) {
		if (acc->dev)
			devuser_put(acc->dev);
		kfree(acc);
	}
	xa_destroy(&vm->accesses);
	kfree_rcu(vm, rcu);
}

static struct devuser_access *devuser_vm_add_access(struct devuser_vm *vm,
						    struct kvm_vcpu *vcpu)
{
	struct devuser_access *acc;
	int r;

	acc = kzalloc(sizeof(*acc), GFP_KERNEL_ACCOUNT);
	if (!acc)
		return ERR_PTR(-ENOMEM);

	/* KVM_RUN of a new vCPU and the creation of the VM's first device. */
	r = xa_insert(&vm->accesses, vcpu->vcpu_idx, acc, GFP_KERNEL_ACCOUNT);
	if (!r)
		return acc;

	kfree(acc);
	return r == -EBUSY ? xa_load(&vm->accesses, vcpu->vcpu_idx) : ERR_PTR(r);
}

/*
 * The vCPU's access; NULL when the VM has no user device. Those of vCPUs that
 * exist when the VM's first device is made are made with it, others by their
 * first KVM_RUN: so an exit that has to be taken up always finds one.
 */
struct devuser_access *devuser_vm_access(struct kvm_vcpu *vcpu)
{
	struct devuser_vm *vm = devuser_vm_find(vcpu->kvm);
	struct devuser_access *acc;

	if (!vm)
		return NULL;

	acc = xa_load(&vm->accesses, vcpu->vcpu_idx);
	return acc ?: devuser_vm_add_access(vm, vcpu);
}

int devuser_vm_create(struct kvm *kvm)
{
	struct devuser_access *acc;
	struct devuser_vm *vm;
	struct kvm_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held(&kvm->lock);

	if (devuser_vm_find(kvm))
		return 0;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return -ENOMEM;

	vm->kvm = kvm;
	INIT_LIST_HEAD(&vm->ranges);
	xa_init_flags(&vm->accesses, XA_FLAGS_ACCOUNT);

	kvm_for_each_vcpu(i, vcpu, kvm) {
		acc = devuser_vm_add_access(vm, vcpu);
		if (IS_ERR(acc)) {
			devuser_vm_free(vm);
			return PTR_ERR(acc);
		}
	}

	spin_lock(&devuser_vms_lock);
	hash_add_rcu(devuser_vms, &vm->node, (unsigned long)kvm);
	WRITE_ONCE(devuser_nr_vms, devuser_nr_vms + 1);
	spin_unlock(&devuser_vms_lock);

	return 0;
}

/* The last reference to the VM is gone: there is no vCPU in KVM_RUN. */
void kvm_devuser_vm_destroy(struct kvm *kvm)
{
	struct devuser_vm *vm = devuser_vm_find(kvm);

	if (!vm)
		return;

	spin_lock(&devuser_vms_lock);
	hash_del_rcu(&vm->node);
	WRITE_ONCE(devuser_nr_vms, devuser_nr_vms - 1);
	spin_unlock(&devuser_vms_lock);

	WARN_ON_ONCE(!list_empty(&vm->ranges));
	devuser_vm_free(vm);
}
