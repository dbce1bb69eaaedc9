/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_DEVUSER_H
#define __KVM_DEVUSER_H

/* What the rest of KVM calls of the KVM user device. */

#include <linux/kvm_devuser.h>
#include <linux/kvm_host.h>

struct file;
struct seq_file;

#ifdef CONFIG_KVM_DEVUSER

int kvm_devuser_ops_init(void);
void kvm_devuser_ops_exit(void);
int kvm_devuser_vcpu_run(struct kvm_vcpu *vcpu);
void kvm_devuser_show_fdinfo(struct seq_file *m, struct file *file);

#else

static inline int kvm_devuser_ops_init(void)
{
	return 0;
}

static inline void kvm_devuser_ops_exit(void)
{
}

static inline int kvm_devuser_vcpu_run(struct kvm_vcpu *vcpu)
{
	return kvm_arch_vcpu_ioctl_run(vcpu);
}

#endif /* CONFIG_KVM_DEVUSER */

#endif
