// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that cross into a page which the guest has not mapped: the instruction
 * has done nothing when the guest's handler runs, and all of it once when it is
 * restarted (R2, R3, R13).
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define EDGE		(DEVUSER_GPA + SZ_4K)	/* the page from here on comes and goes */
#define MARK		0x10ull			/* where the handler stores */
#define LEN_MAX		32
#define PTES		(DEVUSER_GPA + DEVUSER_PAGES * SZ_4K)

#ifndef X86_FEATURE_AVX
#define X86_FEATURE_AVX	KVM_X86_CPU_FEATURE(0x1, 0, ECX, 28)
#endif

/* Beyond what a callback spins for, so that a load is given up and kept. */
#define SPIN_NS		100000
#define DELAY_US	1000

/* --- The guest ---------------------------------------------------------- */

static u64 *edge_pte;
static u32 faults;
static bool skips, loads;
static u64 at;

/* What the device's memory has around the edge. */
static u8 copy[2 * LEN_MAX];

static void guest_set_edge(bool present)
{
	u64 pte = READ_ONCE(*edge_pte);

	WRITE_ONCE(*edge_pte, present ? pte | PTE_PRESENT_MASK : pte & ~PTE_PRESENT_MASK);
	asm volatile("invlpg (%0)" : : "r"(EDGE) : "memory");
}

/* The size of the first request that an access of @first bytes before the edge makes. */
static int piece_len(int first)
{
	switch (first) {
	case 1:
	case 2:
	case 4:
		return first;
	default:
		return first < 8 ? 1 : 8;
	}
}

static u64 changed(int first)
{
	return devuser_pattern(9, 64 * first, piece_len(first));
}

/* Stores and loads where the instruction that faulted would have begun to. */
static void guest_change(void)
{
	int len = piece_len(EDGE - at);
	u64 val = changed(EDGE - at), loaded;

	memcpy(copy + LEN_MAX - (EDGE - at), &val, len);
	switch (len) {
	case 1:
		guest_write8(at, val);
		loaded = guest_read8(at);
		break;
	case 2:
		guest_write16(at, val);
		loaded = guest_read16(at);
		break;
	case 4:
		guest_write32(at, val);
		loaded = guest_read32(at);
		break;
	default:
		guest_write64(at, val);
		loaded = guest_read64(at);
	}
	GUEST_ASSERT_EQ(loaded, val);
}

/* The instruction has its end in r11. */
static void guest_on_fault(struct ex_regs *regs)
{
	u64 cr2;

	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	GUEST_ASSERT_EQ(cr2, EDGE);
	guest_write32(DEVUSER_GPA + MARK, ++faults);
	if (loads)
		guest_change();
	if (skips)
		regs->rip = regs->r11;
	else
		guest_set_edge(true);
}

/* One of the two instructions faults. */
#define GUEST_COPY(load, store)							\
({										\
	asm volatile("lea 1f(%%rip), %%r11\n\t"					\
		     load "\n\t"						\
		     store "\n"							\
		     "1:"							\
		     : : "r"(from), "r"(to) : "rax", "r11", "xmm0", "memory");	\
})

static void guest_copy(u64 from, u64 to, int len)
{
	switch (len) {
	case 2:
		GUEST_COPY("movw (%0), %%ax", "movw %%ax, (%1)");
		break;
	case 4:
		GUEST_COPY("movl (%0), %%eax", "movl %%eax, (%1)");
		break;
	case 8:
		GUEST_COPY("movq (%0), %%rax", "movq %%rax, (%1)");
		break;
	case 16:
		GUEST_COPY("movups (%0), %%xmm0", "movups %%xmm0, (%1)");
		break;
	case 32:
		GUEST_COPY("vmovups (%0), %%ymm0", "vmovups %%ymm0, (%1)");
		break;
	}
}

static void guest_begin(u64 len, bool skip)
{
	skips = skip;
	if (len == 32) {
		set_cr4(get_cr4() | X86_CR4_OSXSAVE);
		xsetbv(0, XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM);
	}

	/* The vCPU's first access is not like others. */
	guest_write32(DEVUSER_GPA + MARK, 0);
}

/* The byte at @i of what is stored. */
static u8 stored(int i)
{
	return 7 * i + 1;
}

static void guest_stores(u64 len, u64 skip)
{
	u8 from[LEN_MAX];
	int i;

	for (i = 0; i < LEN_MAX; i++)
		from[i] = stored(i);
	guest_begin(len, skip);
	for (at = EDGE - 1; at > EDGE - len; at--) {
		guest_set_edge(false);
		guest_copy((u64)from, at, len);
	}
	GUEST_ASSERT_EQ(faults, len - 1);
	GUEST_DONE();
}

static void guest_loads(u64 len, u64 skip)
{
	u8 to[LEN_MAX];
	int i;

	for (i = 0; i < ARRAY_SIZE(copy); i++)
		copy[i] = devuser_pattern(RID, SZ_4K - LEN_MAX + i, 1);
	loads = true;
	guest_begin(len, skip);
	for (at = EDGE - 1; at > EDGE - len; at--) {
		guest_set_edge(false);
		guest_copy(at, (u64)to, len);
		if (!skip)
			GUEST_ASSERT(!memcmp(to, copy + LEN_MAX - (EDGE - at), len));
	}
	GUEST_ASSERT_EQ(faults, len - 1);
	GUEST_DONE();
}

/* --- The emulator ------------------------------------------------------- */

/* A device that is memory. */
static void serve_memory(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u8 memory[DEVUSER_MMIO_LEN];
	int i;

	/* Nobody stores to the last byte. */
	if (!memory[sizeof(memory) - 1]) {
		for (i = 0; i < sizeof(memory); i++)
			memory[i] = devuser_pattern(RID, i, 1);
	}

	for (i = 0; i < nr; i++) {
		u8 *bytes = memory + reqs[i].offset;

		if (reqs[i].type == KVM_DEV_USER_STORE)
			memcpy(bytes, reqs[i].data, reqs[i].len);
		else
			memcpy(reqs[i].data, bytes, reqs[i].len);
	}
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

/* --- The tests ---------------------------------------------------------- */

FIXTURE(split)
{
	struct devuser_vm *dv;
	u32 next;		/* in the emulator's log */
};

FIXTURE_VARIANT(split)
{
	int len;
};

#ifdef SPLIT_AVX
FIXTURE_VARIANT_ADD(split, vmovups) { .len = 32 };
#else
FIXTURE_VARIANT_ADD(split, movw) { .len = 2 };
FIXTURE_VARIANT_ADD(split, movl) { .len = 4 };
FIXTURE_VARIANT_ADD(split, movq) { .len = 8 };
FIXTURE_VARIANT_ADD(split, movups) { .len = 16 };
#endif

/* The guest changes an entry of its page table itself. */
static void map_edge_pte(struct kvm_vm *vm)
{
	u64 *pte = vm_get_page_table_entry(vm, EDGE);
	u64 gpa = addr_hva2gpa(vm, pte);

	virt_pg_map(vm, PTES, gpa & ~(SZ_4K - 1ull));
	*DEVUSER_GUEST_VAR(vm, edge_pte) = (u64 *)(PTES + gpa % SZ_4K);
}

FIXTURE_SETUP(split)
{
	self->next = 0;
	self->dv = devuser_vm_create(1, NULL);
	map_edge_pte(self->dv->vm);
	vm_install_exception_handler(self->dv->vm, PF_VECTOR, guest_on_fault);
	devuser_emul_serve(self->dv->emul, serve_memory);
}

FIXTURE_TEARDOWN(split)
{
	devuser_vm_free(self->dv);
}

/* Returns why the guest cannot run to its end, or NULL once it has. */
static const char *run_guest(struct devuser_vm *dv, void *guest_code, int len, bool skip)
{
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	struct kvm_run *run = vcpu->run;
	struct ucall uc;

	if (len == 32 && !kvm_cpu_has(X86_FEATURE_AVX))
		return "The processor has no AVX";

	vcpu_arch_set_entry_point(vcpu, guest_code);
	vcpu_args_set(vcpu, 2, (u64)len, (u64)skip);
	vcpu_run(vcpu);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR && len == 32 &&
	    run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		return "KVM does not emulate AVX";

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, UCALL_EXIT_REASON);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_DONE);
	return NULL;
}

static void check_mark(struct devuser_emul *emul, u32 *next, u32 nr)
{
	devuser_check_log(emul, next, KVM_DEV_USER_STORE, 0, RID, MARK, 4, nr);
}

/* The pieces of an access of which @first bytes lie before the edge, once, in order. */
static void check_pieces(struct devuser_emul *emul, u32 *next, u8 type, int first, int len)
{
	int i, at, size;
	u64 data;

	for (at = 0; at < len; at += size) {
		size = min(at < first ? first - at : len - at, 8);
		for (data = 0, i = 0; i < size; i++)
			data |= (u64)stored(at + i) << 8 * i;
		devuser_check_log(emul, next, type, 0, RID, SZ_4K - first + at, size, data);
	}
}

/* What the handler of a load does. */
static void check_change(struct devuser_emul *emul, u32 *next, int first)
{
	int size = piece_len(first);

	devuser_check_log(emul, next, KVM_DEV_USER_STORE, 0, RID, SZ_4K - first, size,
			  changed(first));
	devuser_check_log(emul, next, KVM_DEV_USER_LOAD, 0, RID, SZ_4K - first, size, 0);
}

/* R2: a store whose second half faults is delivered once, after what the handler does. */
TEST_F(split, store)
{
	struct devuser_emul *emul = self->dv->emul;
	const char *why;
	int first;

	why = run_guest(self->dv, guest_stores, variant->len, false);
	if (why)
		SKIP(return, "%s", why);

	check_mark(emul, &self->next, 0);
	for (first = 1; first < variant->len; first++) {
		check_mark(emul, &self->next, first);
		check_pieces(emul, &self->next, KVM_DEV_USER_STORE, first, variant->len);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(emul), self->next);
}

/* R2: one that is not restarted is not delivered. */
TEST_F(split, store_skipped)
{
	struct devuser_emul *emul = self->dv->emul;
	const char *why;
	int first;

	why = run_guest(self->dv, guest_stores, variant->len, true);
	if (why)
		SKIP(return, "%s", why);

	for (first = 0; first < variant->len; first++)
		check_mark(emul, &self->next, first);
	TEST_ASSERT_EQ(devuser_emul_nr(emul), self->next);
}

/*
 * R1, R3: a load whose second half faults is none, also if vCPUs spin: what the
 * handler loads from the same place is what it has stored there.
 */
TEST_F(split, load)
{
	struct devuser_emul *emul = self->dv->emul;
	const char *why;
	int first;

	emul->shared->delay_us = DELAY_US;
	devuser_set_spin(self->dv->master, SPIN_NS, 0);
	why = run_guest(self->dv, guest_loads, variant->len, false);
	if (why)
		SKIP(return, "%s", why);

	check_mark(emul, &self->next, 0);
	for (first = 1; first < variant->len; first++) {
		check_mark(emul, &self->next, first);
		check_change(emul, &self->next, first);
		check_pieces(emul, &self->next, KVM_DEV_USER_LOAD, first, variant->len);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(emul), self->next);
}

/* The same, if nobody comes back for what has been begun. */
TEST_F(split, load_skipped)
{
	struct devuser_emul *emul = self->dv->emul;
	const char *why;
	int first;

	emul->shared->delay_us = DELAY_US;
	devuser_set_spin(self->dv->master, SPIN_NS, 0);
	why = run_guest(self->dv, guest_loads, variant->len, true);
	if (why)
		SKIP(return, "%s", why);

	check_mark(emul, &self->next, 0);
	for (first = 1; first < variant->len; first++) {
		check_mark(emul, &self->next, first);
		check_change(emul, &self->next, first);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(emul), self->next);
	TEST_ASSERT_EQ(devuser_status(self->dv->master).vcpus, 0);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
