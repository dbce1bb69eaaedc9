/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses of the guest, each by exactly one instruction, and what a vCPU has done
 * of them; the only architecture-specific part of what the tests share.
 *
 * Where there are no ports, they are memory elsewhere, as behind a PCI bridge of
 * these machines: what a test does to ports it does there to a second range.
 */
#ifndef SELFTEST_KVM_DEVUSER_GUEST_H
#define SELFTEST_KVM_DEVUSER_GUEST_H

#include <linux/kvm_devuser.h>
#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#if defined(__x86_64__)

/* A string is one instruction, whose elements are queued together. */
#define DEVUSER_HAS_STRINGS	1

#define DEVUSER_PORTS_FLAG	KVM_DEV_USER_RANGE_PIO
#define DEVUSER_PORTS_BASE	0

#define DEVUSER_MMIO_OPS(bits)							\
static inline u##bits guest_read##bits(u64 addr)				\
{										\
	u##bits val;								\
										\
	asm volatile("mov %1, %0" : "=a"(val) : "m"(*(u##bits *)addr) : "memory"); \
	return val;								\
}										\
										\
static inline void guest_write##bits(u64 addr, u##bits val)			\
{										\
	asm volatile("mov %1, %0" : "=m"(*(u##bits *)addr) : "a"(val) : "memory"); \
}

#define DEVUSER_PIO_OPS(bits)							\
static inline u##bits guest_in##bits(u16 port)					\
{										\
	u##bits val;								\
										\
	asm volatile("in %1, %0" : "=a"(val) : "d"(port) : "memory");		\
	return val;								\
}										\
										\
static inline void guest_out##bits(u16 port, u##bits val)			\
{										\
	asm volatile("out %0, %1" : : "a"(val), "d"(port) : "memory");		\
}

DEVUSER_MMIO_OPS(8)
DEVUSER_MMIO_OPS(16)
DEVUSER_MMIO_OPS(32)
DEVUSER_MMIO_OPS(64)

static inline void guest_out_string(u16 port, const u8 *from, u64 count)
{
	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static inline void guest_in_string(u16 port, u8 *to, u64 count)
{
	asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

/* A function of a load and a return: where it begins, the load does. */
#define DEVUSER_MARKED_LOAD(name)						\
static __attribute__((naked)) u32 name(u64 addr)				\
{										\
	asm volatile("mov (%rdi), %eax\n\tret");				\
}

#define DEVUSER_MARKED_LOAD_LEN	2

static inline u64 devuser_vcpu_pc(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu_regs_get(vcpu, &regs);
	return regs.rip;
}

/* What a function that has just returned, or is about to, returns. */
static inline u64 devuser_vcpu_result(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu_regs_get(vcpu, &regs);
	return regs.rax;
}

/* A reset of the vCPU: it goes on somewhere else. */
static inline void devuser_vcpu_restart(struct kvm_vcpu *vcpu, void *guest_code)
{
	struct kvm_regs regs;

	vcpu_regs_get(vcpu, &regs);
	regs.rip = (u64)guest_code;
	regs.rsp = (regs.rsp & ~0xfull) - 8;
	vcpu_regs_set(vcpu, &regs);
}

#elif defined(__aarch64__)

#define DEVUSER_HAS_STRINGS	0

#define DEVUSER_PORTS_FLAG	0
#define DEVUSER_PORTS_BASE	(5ull * SZ_1G)

#define DEVUSER_MMIO_OPS(bits, load, store, reg)				\
static inline u##bits guest_read##bits(u64 addr)				\
{										\
	u##bits val;								\
										\
	asm volatile(#load " %" #reg "0, %1"				\
		     : "=r"(val) : "Q"(*(u##bits *)addr) : "memory");		\
	return val;								\
}										\
										\
static inline void guest_write##bits(u64 addr, u##bits val)			\
{										\
	asm volatile(#store " %" #reg "1, %0"				\
		     : "=Q"(*(u##bits *)addr) : "r"(val) : "memory");		\
}

#define DEVUSER_PIO_OPS(bits)							\
static inline u##bits guest_in##bits(u16 port)					\
{										\
	return guest_read##bits(DEVUSER_PORTS_BASE + port);			\
}										\
										\
static inline void guest_out##bits(u16 port, u##bits val)			\
{										\
	guest_write##bits(DEVUSER_PORTS_BASE + port, val);			\
}

DEVUSER_MMIO_OPS(8, ldrb, strb, w)
DEVUSER_MMIO_OPS(16, ldrh, strh, w)
DEVUSER_MMIO_OPS(32, ldr, str, w)
DEVUSER_MMIO_OPS(64, ldr, str, x)

/* See x86_64. */
#define DEVUSER_MARKED_LOAD(name)						\
u32 name(u64 addr);								\
asm(".pushsection .text\n"							\
	".type " #name ", %function\n"						\
	#name ": ldr w0, [x0]\n"						\
	"ret\n"									\
	".popsection")

#define DEVUSER_MARKED_LOAD_LEN	4

static inline u64 devuser_vcpu_reg(struct kvm_vcpu *vcpu, u64 id)
{
	u64 val;
	struct kvm_one_reg reg = { .id = id, .addr = (u64)&val };

	vcpu_ioctl(vcpu, KVM_GET_ONE_REG, &reg);
	return val;
}

static inline u64 devuser_vcpu_pc(struct kvm_vcpu *vcpu)
{
	return devuser_vcpu_reg(vcpu, ARM64_CORE_REG(regs.pc));
}

static inline u64 devuser_vcpu_result(struct kvm_vcpu *vcpu)
{
	return devuser_vcpu_reg(vcpu, ARM64_CORE_REG(regs.regs[0]));
}

static inline void devuser_vcpu_restart(struct kvm_vcpu *vcpu, void *guest_code)
{
	u64 pc = (u64)guest_code;
	struct kvm_one_reg reg = { .id = ARM64_CORE_REG(regs.pc), .addr = (u64)&pc };

	vcpu_ioctl(vcpu, KVM_SET_ONE_REG, &reg);
}

#endif

DEVUSER_PIO_OPS(8)
DEVUSER_PIO_OPS(16)
DEVUSER_PIO_OPS(32)

#ifdef __aarch64__
static inline void guest_out_string(u16 port, const u8 *from, u64 count)
{
	while (count--)
		guest_out8(port, *from++);
}

static inline void guest_in_string(u16 port, u8 *to, u64 count)
{
	while (count--)
		*to++ = guest_in8(port);
}
#endif

#endif /* SELFTEST_KVM_DEVUSER_GUEST_H */
