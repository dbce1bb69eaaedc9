// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses from where guests seldom are, or of VMs that are seldom made: a nested
 * guest, SMM, KVM_CAP_SYNC_REGS, no irqchip in the kernel, a dirty ring (R10, R13).
 */
#include <stdarg.h>
#include <sys/syscall.h>

#include "apic.h"
#include "devuser_probe.h"
#include "devuser_ring.h"
#include "kvm_test_harness.h"
#include "svm_util.h"

#define RID		DEVUSER_RID_MMIO
#define STORED_AT	0x18ull
#define LOADED_AT	0x20ull
#define STORED		0x570ed

static u32 pattern(u64 offset)
{
	return devuser_pattern(RID, offset, 4);
}

/* KVM_RUN as a VMM would: what a signal interrupted goes on. */
static void run_interrupted_load(struct devuser_vm *dv, u16 flags)
{
	struct kvm_run *run = dv->vcpus[0]->run;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 20);
	/* It may have been interrupted before it had queued anything. */
	devuser_run_interrupted(dv->vcpus[0], 20);
	TEST_ASSERT_EQ(run->flags, flags | KVM_RUN_DEV_USER);
}

/* --- A nested guest ----------------------------------------------------- */

static u64 l2_stack[512];

static void l2_guest(void)
{
	guest_write32(DEVUSER_GPA + STORED_AT, STORED);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + LOADED_AT), pattern(LOADED_AT));
	guest_write64(DEVUSER_GPA + SZ_4K - 4, ~0ull);
	guest_out8(DEVUSER_PORT, 1);
	GUEST_ASSERT_EQ(guest_in8(DEVUSER_PORT), (u8)devuser_pattern(DEVUSER_RID_PIO, 0, 1));
	vmmcall();
}

static void l1_guest(struct svm_test_data *svm)
{
	generic_svm_setup(svm, l2_guest, &l2_stack[ARRAY_SIZE(l2_stack)]);
	run_guest(svm->vmcb, svm->vmcb_gpa);
	GUEST_ASSERT_EQ(svm->vmcb->control.exit_code, SVM_EXIT_VMMCALL);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA), pattern(0));
	GUEST_DONE();
}

TEST(nested)
{
	struct devuser_vm *dv;
	vm_vaddr_t svm;
	u32 next = 0;

	if (!kvm_cpu_has(X86_FEATURE_SVM))
		SKIP(return, "The processor has no SVM to nest with");

	dv = devuser_vm_create(1, l1_guest);
	vcpu_alloc_svm(dv->vm, &svm);
	vcpu_args_set(dv->vcpus[0], 1, svm);
	run_interrupted_load(dv, KVM_RUN_X86_GUEST_MODE);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);

	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, STORED_AT, 4, STORED);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, SZ_4K - 4, 4, ~0u);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, SZ_4K, 4, ~0u);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 0, 1, 1);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 0, 1, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, 0, 4, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- SMM ---------------------------------------------------------------- */

#define SMRAM_GPA	0x1000000
#define SMRAM_SLOT	0x10001		/* in SMM's own address space */
#define SMRAM_PAGES	16
#define SMI_ENTRY	0x8000
#define LOW_RID		2
#define LOW_GPA		0xc0000000	/* which real mode reaches */

/* What is loaded is stored, and goes out. */
static const u8 smi_handler[] = {
	0x67, 0x66, 0xa1, LOADED_AT, 0x00, 0x00, 0xc0,	/* mov LOW_GPA + LOADED_AT, %eax */
	0x67, 0x66, 0xa3, STORED_AT, 0x00, 0x00, 0xc0,	/* mov %eax, LOW_GPA + STORED_AT */
	0xba, 0x00, DEVUSER_PORT >> 8,			/* mov $DEVUSER_PORT, %dx */
	0x66, 0xef,					/* out %eax, (%dx) */
	0x0f, 0xaa,					/* rsm */
};

static void guest_after_smi(void)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA), pattern(0));
	GUEST_DONE();
}

static void make_smram(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, SMRAM_GPA, SMRAM_SLOT,
				    SMRAM_PAGES, 0);
	memcpy(addr_gpa2hva(vm, SMRAM_GPA) + SMI_ENTRY, smi_handler, sizeof(smi_handler));
	vcpu_set_msr(vcpu, MSR_IA32_SMBASE, SMRAM_GPA);
}

static void send_smi(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(vcpu, &events);
	events.smi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	vcpu_events_set(vcpu, &events);
}

TEST(smm)
{
	u64 loaded = devuser_pattern(LOW_RID, LOADED_AT, 4);
	struct devuser_vm *dv;
	u32 next = 0;

	if (!kvm_has_cap(KVM_CAP_X86_SMM))
		SKIP(return, "KVM has no SMM");

	dv = devuser_vm_create(1, guest_after_smi);
	devuser_set_range(dv->master, LOW_RID, 0, LOW_GPA, SZ_4K);
	make_smram(dv->vm, dv->vcpus[0]);
	send_smi(dv->vcpus[0]);
	run_interrupted_load(dv, KVM_RUN_X86_SMM);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);

	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, LOW_RID, LOADED_AT, 4, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, LOW_RID, STORED_AT, 4, loaded);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 0, 4, loaded);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, 0, 4, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- KVM_CAP_SYNC_REGS -------------------------------------------------- */

#define SYNCED		(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)
#define EXIT_PORT	0x3000	/* not that of ucall */

/* Counts its loads in rbx. */
static void __attribute__((naked)) guest_count_loads(void)
{
	asm volatile("1: mov (%rdi), %eax\n\t"
		     "add $1, %rbx\n\t"
		     "out %eax, (%dx)\n\t"
		     "jmp 1b");
}

static void check_synced(struct kvm_vcpu *vcpu, u32 loaded, u64 nr)
{
	struct kvm_regs *synced = &vcpu->run->s.regs.regs, regs;

	vcpu_regs_get(vcpu, &regs);
	TEST_ASSERT(!memcmp(synced, &regs, sizeof(regs)), "Stale: rip 0x%llx, not 0x%llx",
		    synced->rip, regs.rip);
	TEST_ASSERT_EQ(regs.rax, loaded);
	TEST_ASSERT_EQ(regs.rbx, nr);
}

static void set_count(struct kvm_vcpu *vcpu, u64 nr)
{
	vcpu->run->s.regs.regs.rbx = nr;
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

/* Answers the load that has been interrupted. */
static void finish_load(struct devuser_vm *dv, u32 val)
{
	struct kvm_dev_user_request load;

	devuser_emul_read(dv->emul, &load, 1);
	devuser_emul_answer(dv->emul, &load, val);
	vcpu_run(dv->vcpus[0]);
	TEST_ASSERT_KVM_EXIT_REASON(dv->vcpus[0], KVM_EXIT_IO);
	TEST_ASSERT_EQ(dv->vcpus[0]->run->io.port, EXIT_PORT);
}

/* Registers are taken once for each KVM_RUN, and are those of its end. */
TEST(sync_regs)
{
	struct devuser_vm *dv;
	struct kvm_vcpu *vcpu;
	struct kvm_regs regs;

	if ((kvm_check_cap(KVM_CAP_SYNC_REGS) & SYNCED) != SYNCED)
		SKIP(return, "KVM has no KVM_CAP_SYNC_REGS");

	dv = devuser_vm_create(1, guest_count_loads);
	vcpu = dv->vcpus[0];
	vcpu_regs_get(vcpu, &regs);
	regs.rdi = DEVUSER_GPA;
	regs.rdx = EXIT_PORT;
	regs.rbx = 10;
	vcpu_regs_set(vcpu, &regs);
	vcpu->run->kvm_valid_regs = SYNCED;

	run_interrupted_load(dv, 0);
	check_synced(vcpu, regs.rax, 10);
	finish_load(dv, 0x600d);
	check_synced(vcpu, 0x600d, 11);

	set_count(vcpu, 100);
	run_interrupted_load(dv, 0);
	check_synced(vcpu, 0x600d, 100);
	finish_load(dv, 0xcafe);
	check_synced(vcpu, 0xcafe, 101);

	set_count(vcpu, 200);
	devuser_emul_serve(dv->emul, devuser_serve);
	vcpu_run(vcpu);
	check_synced(vcpu, pattern(0), 201);
	devuser_vm_free(dv);
}

/* --- No irqchip in the kernel ------------------------------------------- */

#define IRQ		0x20

static bool no_irqchip;

/* The library knows no VM without one. */
int ioctl(int fd, unsigned long request, ...)
{
	unsigned long arg;
	va_list args;

	va_start(args, request);
	arg = va_arg(args, unsigned long);
	va_end(args);

	if (no_irqchip && request == KVM_CREATE_IRQCHIP)
		return 0;
	return syscall(SYS_ioctl, fd, request, arg);
}

static u32 irqs;

static void guest_on_irq(struct ex_regs *regs)
{
	irqs++;
	guest_write32(DEVUSER_GPA + STORED_AT, irqs);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + LOADED_AT), pattern(LOADED_AT));
}

static void guest_wait_for_irq(u64 index)
{
	asm volatile("sti");
	while (!READ_ONCE(irqs))
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA), pattern(0));
	GUEST_DONE();
}

/* The VMM hears of the window for its interrupt, which comes between two loads. */
TEST(userspace_irqchip)
{
	const struct kvm_interrupt irq = { .irq = IRQ };
	struct devuser_vm *dv;
	struct kvm_vcpu *vcpu;
	u32 next = 0;

	no_irqchip = true;
	dv = devuser_vm_create(1, guest_wait_for_irq);
	vcpu = dv->vcpus[0];
	vm_install_exception_handler(dv->vm, IRQ, guest_on_irq);

	/* There is none while the load waits. */
	run_interrupted_load(dv, 0);
	vcpu->run->request_interrupt_window = 1;
	run_interrupted_load(dv, 0);
	devuser_emul_serve(dv->emul, devuser_serve);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	TEST_ASSERT(vcpu->run->ready_for_interrupt_injection, "Not ready, with an open window");

	vcpu->run->request_interrupt_window = 0;
	vcpu_ioctl(vcpu, KVM_INTERRUPT, &irq);
	devuser_vcpu_run_done(vcpu);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, irqs), 1);

	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, 0, 4, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, STORED_AT, 4, 1);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- A dirty ring ------------------------------------------------------- */

#define PAGES_PER_LOAD	8

static void guest_dirty(u64 index)
{
	u32 page;

	for (page = 0; page < RING_PAGES; page++) {
		guest_dirty_page(page);
		guest_write32(DEVUSER_GPA + STORED_AT, page);
		if (!(page % PAGES_PER_LOAD))
			GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + LOADED_AT), pattern(LOADED_AT));
	}
	GUEST_DONE();
}

/* Returns how often the ring was full. */
static u32 run_to_end(struct kvm_vcpu *vcpu)
{
	u32 full = 0, next = 0;
	struct ucall uc;

	for (vcpu_run(vcpu); vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL; vcpu_run(vcpu)) {
		ring_reset(vcpu, &next);
		full++;
	}
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_DONE);
	return full;
}

/* KVM_RUN returns for a full ring amid accesses, of which none is lost or repeated. */
TEST(dirty_ring)
{
	struct devuser_vm *dv;
	u32 page, next = 0;

	if (!ring_is_supported())
		SKIP(return, "KVM has no dirty ring");

	dv = ring_vm_create(guest_dirty);
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT(run_to_end(dv->vcpus[0]), "The ring was never full");

	for (page = 0; page < RING_PAGES; page++) {
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, STORED_AT, 4, page);
		if (page % PAGES_PER_LOAD)
			continue;
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4, 0);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
