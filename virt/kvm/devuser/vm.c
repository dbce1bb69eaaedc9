// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: a VM's devices, how it gets them and finds them.
 *
 * struct kvm and struct kvm_vcpu are shared with modules that are not rebuilt
 * when this component is, so they have no member for it. The VM's list of devices
 * has an entry instead, which KVM destroys with the VM.
 */

#include <linux/rculist.h>
#include <linux/slab.h>

#include "devuser.h"
#include "devuser_private.h"

static int devuser_vm_add_device(struct kvm_device *dev, u32 type);
static void devuser_vm_destroy(struct kvm_device *dev);

static const struct kvm_device_ops devuser_master_device_ops = {
	.name = "kvm-user",
	.create = devuser_vm_add_device,
	.release = devuser_master_release,
	.ioctl = devuser_master_ioctl,
};

static const struct kvm_device_ops devuser_vm_device_ops = {
	.name = "kvm-user-vm",
	.destroy = devuser_vm_destroy,
};

/* NULL when the device is none of ours. The caller is inside RCU. */
static struct devuser_vm *devuser_vm_of(struct kvm_device *dev)
{
	/* Mostly a device is found before what all of them share. */
	if (dev->ops == &devuser_master_device_ops)
		return ((struct devuser *)dev->private)->vm;

	if (dev->ops == &devuser_vm_device_ops)
		return container_of(dev, struct devuser_vm, anchor);

	return NULL;
}

/* The caller holds the VM, and with it the result. */
static struct devuser_vm *devuser_vm_find(struct kvm *kvm)
{
	struct devuser_vm *vm = NULL;
	struct kvm_device *dev;

	if (list_empty(&kvm->devices))
		return NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(dev, &kvm->devices, vm_node) {
		vm = devuser_vm_of(dev);
		if (vm)
			break;
	}
	rcu_read_unlock();

	return vm;
}

/* The range of the VM that an access lies wholly in, or NULL. */
struct devuser_range *devuser_vm_range(struct kvm *kvm, bool pio, u64 addr,
				       u32 len)
{
	struct devuser_vm *vm = devuser_vm_find(kvm);

	lockdep_assert_held(&kvm->srcu);

	return devuser_index_find(srcu_dereference(vm->index, &kvm->srcu), pio,
				  addr, len);
}

/*
 * The last reference to the VM is gone, and so are its vCPUs: what they had left
 * unfinished is not finished any more.
 */
static void devuser_vm_destroy(struct kvm_device *dev)
{
	struct devuser_vm *vm = container_of(dev, struct devuser_vm, anchor);
	struct devuser_access *acc;
	unsigned long idx;

	WARN_ON_ONCE(rcu_access_pointer(vm->index));

	xa_for_each(&vm->accesses, idx, acc) {
		if (acc->dev)
			devuser_put(acc->dev);
		kfree(acc);
	}
	xa_destroy(&vm->accesses);
	kfree(vm);
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

/* Made with the VM's first device. */
static struct devuser_vm *devuser_vm_create(struct kvm *kvm)
{
	struct devuser_vm *vm = devuser_vm_find(kvm);
	struct devuser_access *acc;
	struct kvm_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held(&kvm->lock);

	if (vm)
		return vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);

	vm->anchor.ops = &devuser_vm_device_ops;
	vm->anchor.kvm = kvm;
	xa_init_flags(&vm->accesses, XA_FLAGS_ACCOUNT);

	kvm_for_each_vcpu(i, vcpu, kvm) {
		acc = devuser_vm_add_access(vm, vcpu);
		if (IS_ERR(acc)) {
			devuser_vm_destroy(&vm->anchor);
			return ERR_CAST(acc);
		}
	}

	list_add_rcu(&vm->anchor.vm_node, &kvm->devices);

	return vm;
}

static int devuser_vm_add_device(struct kvm_device *dev, u32 type)
{
	struct devuser_vm *vm;

	vm = devuser_vm_create(dev->kvm);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	dev->private = devuser_alloc(dev->kvm, vm);
	return dev->private ? 0 : -ENOMEM;
}

void kvm_devuser_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct kvm_device *dev = kvm_device_from_filp(file);

	if (dev && dev->ops == &devuser_master_device_ops)
		devuser_show(m, dev->private);
}

int kvm_devuser_ops_init(void)
{
	return kvm_register_device_ops(&devuser_master_device_ops,
				       KVM_DEV_TYPE_USER);
}

void kvm_devuser_ops_exit(void)
{
	kvm_unregister_device_ops(KVM_DEV_TYPE_USER);

	/* Slaves that have been closed may yet have to be freed. */
	rcu_barrier();
}
