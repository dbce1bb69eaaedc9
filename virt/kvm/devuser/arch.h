/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_DEVUSER_ARCH_H
#define __KVM_DEVUSER_ARCH_H

/* The KVM user device: all that it knows of architectures. */

#include <linux/kvm_host.h>

#ifdef CONFIG_X86
/* The page that follows struct kvm_run in userspace's mapping of the vCPU. */
#define DEVUSER_PIO_OFFSET	(KVM_PIO_PAGE_OFFSET * PAGE_SIZE)

static inline u8 *devuser_pio_page(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.pio_data;
}

/* The elements of the port I/O that is being carried out. */
static inline unsigned int devuser_pio_count(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.pio.count;
}

/* Will KVM_RUN look for the result of the exit that it has just made? */
static inline bool devuser_exit_is_awaited(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.complete_userspace_io;
}

/* Flags of kvm_run that tell of an event, which no later exit tells again. */
#define DEVUSER_EVENT_FLAGS	KVM_RUN_X86_BUS_LOCK

/*
 * An instruction whose access falls into pieces may have had an earlier piece
 * declined. That one is taken up later, and so must this one be (R13). A guest
 * whose state is protected asks for its accesses itself: the first piece that is
 * declined takes the rest along, and the number is that of the last access.
 */
static inline bool devuser_behind_fragment(struct kvm_vcpu *vcpu)
{
	return vcpu->mmio_nr_fragments && !vcpu->arch.guest_state_protected;
}

#else
#define DEVUSER_PIO_OFFSET	0
#define DEVUSER_EVENT_FLAGS	0

static inline u8 *devuser_pio_page(struct kvm_vcpu *vcpu)
{
	return NULL;
}

static inline unsigned int devuser_pio_count(struct kvm_vcpu *vcpu)
{
	return 0;
}

static inline bool devuser_exit_is_awaited(struct kvm_vcpu *vcpu)
{
#ifdef CONFIG_RISCV
	return !vcpu->arch.mmio_decode.return_handled;
#else
	return vcpu->mmio_needed;
#endif
}

/* No instruction has more than one access. */
static inline bool devuser_behind_fragment(struct kvm_vcpu *vcpu)
{
	return false;
}
#endif

#endif
