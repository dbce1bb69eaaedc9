// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores of every shape: each length at each alignment, those that
 * cross pages and ranges, and instructions that make several accesses (R13).
 */
#include "devuser_util.h"
#include "kvm_test_harness.h"

#define PAGE(nr)	((nr) * (u64)SZ_4K)

static void guest_write(u64 addr, int len, u64 val)
{
	switch (len) {
	case 1:
		guest_write8(addr, val);
		break;
	case 2:
		guest_write16(addr, val);
		break;
	case 4:
		guest_write32(addr, val);
		break;
	case 8:
		guest_write64(addr, val);
		break;
	}
}

static u64 guest_read(u64 addr, int len)
{
	switch (len) {
	case 1:
		return guest_read8(addr);
	case 2:
		return guest_read16(addr);
	case 4:
		return guest_read32(addr);
	default:
		return guest_read64(addr);
	}
}

/* What is stored at @offset: no two bytes next to each other are the same. */
static u64 stored(u64 offset, int len)
{
	return ~devuser_pattern(7, offset * 3, len) & (~0ull >> (64 - 8 * len));
}

/* The guest stores to and loads from @offset of the window. */
static void guest_access(u64 offset, int len)
{
	guest_write(DEVUSER_GPA + offset, len, stored(offset, len));
	GUEST_ASSERT_EQ(guest_read(DEVUSER_GPA + offset, len),
			devuser_pattern(DEVUSER_RID_MMIO, offset, len));
}

static void check_access(struct devuser_emul *emul, u32 *next, u64 offset, int len)
{
	devuser_check_log(emul, next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO, offset, len,
			  stored(offset, len));
	devuser_check_log(emul, next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, offset, len, 0);
}

/* --- Within a range ---------------------------------------------------------------- */

static void guest_lengths(void)
{
	int len, align;

	for (len = 1; len <= 8; len *= 2)
		for (align = 0; align < 8; align++)
			guest_access(0x100 + align, len);
	GUEST_DONE();
}

/* R13: 1, 2, 4 and 8 bytes at each alignment are one request each. */
TEST(every_length)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_lengths);
	int len, align;
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	for (len = 1; len <= 8; len *= 2)
		for (align = 0; align < 8; align++)
			check_access(dv->emul, &next, 0x100 + align, len);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_bounds(void)
{
	int len;

	for (len = 1; len <= 8; len *= 2) {
		guest_access(0, len);
		guest_access(DEVUSER_MMIO_LEN - len, len);
	}
	GUEST_DONE();
}

/* R13: the first and the last bytes of a range. */
TEST(range_bounds)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_bounds);
	u32 next = 0;
	int len;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	for (len = 1; len <= 8; len *= 2) {
		check_access(dv->emul, &next, 0, len);
		check_access(dv->emul, &next, DEVUSER_MMIO_LEN - len, len);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_cross_pages(void)
{
	int len, first;

	for (len = 2; len <= 8; len *= 2)
		for (first = 1; first < len; first++)
			guest_access(PAGE(1) - first, len);
	GUEST_DONE();
}

/* R13: an access that crosses pages is two requests, of every length from 1 to 7. */
TEST(cross_pages)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_cross_pages);
	const u32 rid = DEVUSER_RID_MMIO;
	int len, first;
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	for (len = 2; len <= 8; len *= 2) {
		for (first = 1; first < len; first++) {
			u64 data = stored(PAGE(1) - first, len);

			devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, rid,
					  PAGE(1) - first, first,
					  data & ((1ull << (8 * first)) - 1));
			devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, rid,
					  PAGE(1), len - first, data >> (8 * first));
			devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid,
					  PAGE(1) - first, first, 0);
			devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid,
					  PAGE(1), len - first, 0);
		}
	}
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- Instructions that make several accesses ------------------------------------------ */

static void guest_load16(u64 addr, u64 *to)
{
	asm volatile("movups (%0), %%xmm0\n\t"
		     "movups %%xmm0, (%1)"
		     : : "r"(addr), "r"(to) : "xmm0", "memory");
}

static void guest_store16(u64 addr, const u64 *from)
{
	asm volatile("movups (%0), %%xmm0\n\t"
		     "movups %%xmm0, (%1)"
		     : : "r"(from), "r"(addr) : "xmm0", "memory");
}

static void guest_sixteen(u64 offset)
{
	u64 data[2] = { stored(offset, 8), stored(offset + 8, 8) };

	guest_store16(DEVUSER_GPA + offset, data);
	guest_load16(DEVUSER_GPA + offset, data);
	GUEST_ASSERT_EQ(data[0], devuser_pattern(DEVUSER_RID_MMIO, offset, 8));
	GUEST_ASSERT_EQ(data[1], devuser_pattern(DEVUSER_RID_MMIO, offset + 8, 8));
}

static void guest_sse(void)
{
	guest_sixteen(0x40);
	guest_sixteen(0x103);
	guest_sixteen(PAGE(1) - 4);
	guest_sixteen(PAGE(2) - 13);
	GUEST_DONE();
}

/* The pieces of 16 bytes at @offset of which @first lie before the end of a page. */
static void check_sixteen(struct devuser_emul *emul, u32 *next, u64 offset, int first)
{
	u64 data[2] = { stored(offset, 8), stored(offset + 8, 8) };
	u8 type = KVM_DEV_USER_STORE;
	int at, len;

	do {
		for (at = 0; at < 16; at += len) {
			u64 piece = 0;

			len = min(at < first ? first - at : 16 - at, 8);
			memcpy(&piece, (u8 *)data + at, len);
			devuser_check_log(emul, next, type, 0, DEVUSER_RID_MMIO,
					  offset + at, len, piece);
		}
	} while (type-- != KVM_DEV_USER_LOAD);
}

/* R13: 16 bytes are requests of at most 8 bytes, in order. */
TEST(sixteen_bytes)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_sse);
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	check_sixteen(dv->emul, &next, 0x40, 16);
	check_sixteen(dv->emul, &next, 0x103, 16);
	check_sixteen(dv->emul, &next, PAGE(1) - 4, 4);
	check_sixteen(dv->emul, &next, PAGE(2) - 13, 13);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_read_modify_write(void)
{
	u32 expected = devuser_pattern(DEVUSER_RID_MMIO, 0x20, 4);
	u32 old = 0x1234;

	asm volatile("addl %1, %0" : "+m"(*(u32 *)(DEVUSER_GPA + 0x10)) : "r"(7));
	asm volatile("xchgl %1, %0" : "+m"(*(u32 *)(DEVUSER_GPA + 0x20)), "+r"(old));
	GUEST_ASSERT_EQ(old, expected);
	GUEST_DONE();
}

/* R13: a read-modify-write instruction is a load, then a store. */
TEST(read_modify_write)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_read_modify_write);
	const u32 rid = DEVUSER_RID_MMIO;
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid, 0x10, 4, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, rid, 0x10, 4,
			  (u32)(devuser_pattern(rid, 0x10, 4) + 7));
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid, 0x20, 4, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, rid, 0x20, 4, 0x1234);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

#define MOVS	33

static void guest_movs(void)
{
	u64 from = DEVUSER_GPA + 0x800, to = DEVUSER_GPA + 0x1800, count = MOVS;
	static u8 ram[MOVS];
	int i;

	/* From the device to the device, and to memory. */
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	GUEST_ASSERT_EQ(count, 0);
	from = DEVUSER_GPA + 0x801;
	to = (u64)ram;
	count = MOVS;
	asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	for (i = 0; i < MOVS; i++)
		GUEST_ASSERT_EQ(ram[i], devuser_pattern(DEVUSER_RID_MMIO, 0x801 + i, 1));
	GUEST_DONE();
}

/* R13: rep movs delivers each element once, in order. */
TEST(rep_movs)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_movs);
	const u32 rid = DEVUSER_RID_MMIO;
	u32 next = 0;
	int i;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	for (i = 0; i < MOVS; i++) {
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid, 0x800 + 4 * i, 4, 0);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, rid, 0x1800 + 4 * i, 4,
				  devuser_pattern(rid, 0x800 + 4 * i, 4));
	}
	for (i = 0; i < MOVS; i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, rid, 0x801 + i, 1, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- Memory: what was stored is what is loaded ------------------------------------------ */

#define MEMORY_ROUNDS	100

static u32 guest_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Compares the device, at random places and lengths, with a copy of its own. */
static void guest_memory(void)
{
	static u8 copy[SZ_256];
	u32 seed = 1;
	int i;

	for (i = 0; i < MEMORY_ROUNDS; i++) {
		int len = 1 << guest_random(&seed) % 4;
		u64 at = guest_random(&seed) % (sizeof(copy) - len);
		u64 addr = DEVUSER_GPA + PAGE(1) - sizeof(copy) / 2 + at;
		u64 val = (u64)guest_random(&seed) << 40 | guest_random(&seed), loaded = 0;

		guest_write(addr, len, val);
		memcpy(copy + at, &val, len);

		at = guest_random(&seed) % (sizeof(copy) - len);
		addr = DEVUSER_GPA + PAGE(1) - sizeof(copy) / 2 + at;
		val = 0;
		memcpy(&val, copy + at, len);
		loaded = guest_read(addr, len);
		GUEST_ASSERT_EQ(loaded, val);
	}
	GUEST_DONE();
}

static void serve_memory(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u8 memory[DEVUSER_MMIO_LEN];
	int i;

	for (i = 0; i < nr; i++) {
		u8 *at = memory + reqs[i].offset;

		if (reqs[i].type == KVM_DEV_USER_STORE)
			memcpy(at, reqs[i].data, reqs[i].len);
		else
			memcpy(reqs[i].data, at, reqs[i].len);
	}
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

/* R1, R13: a device that is memory behaves as memory. */
TEST(memory)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_memory);

	devuser_emul_serve(dv->emul, serve_memory);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_vm_free(dv);
}

/* --- Across the end of a range ------------------------------------------------------------ */

#define OTHER_RID	5

/* What the VMM answers loads of its own with. */
static u64 vmm_pattern(u64 addr, int len)
{
	return devuser_pattern(99, addr, len);
}

/* An access that left KVM_RUN. */
struct vmm_access {
	bool is_write;
	u64 addr;
	u32 len;
	u64 data;
};

/* Runs the guest, handles MMIO exits, returns how many there were. */
static int run_as_vmm(struct kvm_vcpu *vcpu, struct vmm_access *seen, int max)
{
	struct kvm_run *run = vcpu->run;
	int nr = 0;

	for (;;) {
		struct vmm_access *access = &seen[nr];
		u64 data;

		vcpu_run(vcpu);
		if (run->exit_reason != KVM_EXIT_MMIO)
			break;

		TEST_ASSERT(nr < max, "Too many MMIO exits");
		access->is_write = run->mmio.is_write;
		access->addr = run->mmio.phys_addr;
		access->len = run->mmio.len;
		access->data = 0;
		if (access->is_write) {
			memcpy(&access->data, run->mmio.data, access->len);
		} else {
			data = vmm_pattern(access->addr, access->len);
			memcpy(run->mmio.data, &data, sizeof(data));
		}
		nr++;
	}

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	return nr;
}

/* Ends what run_as_vmm() began. */
static void expect_done(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_DONE);
}

static void check_vmm(struct vmm_access *access, bool is_write, u64 addr, u32 len, u64 data)
{
	TEST_ASSERT_EQ(access->is_write, is_write);
	TEST_ASSERT_EQ(access->addr, addr);
	TEST_ASSERT_EQ(access->len, len);
	if (is_write)
		TEST_ASSERT_EQ(access->data, data);
}

#define LOW(val, bytes)		((val) & ((1ull << (8 * (bytes))) - 1))

static void guest_two_ranges(void)
{
	u64 addr = DEVUSER_GPA + PAGE(4) - 3, val;

	guest_write64(addr, stored(0, 8));
	val = guest_read64(addr);
	GUEST_ASSERT_EQ(LOW(val, 3), devuser_pattern(DEVUSER_RID_MMIO, PAGE(4) - 3, 3));
	GUEST_ASSERT_EQ(val >> 24, devuser_pattern(OTHER_RID, 0, 5));
	GUEST_DONE();
}

/* R13: from one range, across pages, into the next one. */
TEST(cross_ranges)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_two_ranges);
	u32 next = 0;

	devuser_set_range(dv->master, OTHER_RID, 0, DEVUSER_GPA + PAGE(4), SZ_4K);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO,
			  PAGE(4) - 3, 3, LOW(stored(0, 8), 3));
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, OTHER_RID, 0, 5,
			  stored(0, 8) >> 24);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO,
			  PAGE(4) - 3, 3, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, OTHER_RID, 0, 5, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_leave_range(void)
{
	u64 addr = DEVUSER_GPA + PAGE(4) - 3, val;

	guest_write64(addr, stored(0, 8));
	val = guest_read64(addr);
	GUEST_ASSERT_EQ(LOW(val, 3), devuser_pattern(DEVUSER_RID_MMIO, PAGE(4) - 3, 3));
	GUEST_ASSERT_EQ(val >> 24, vmm_pattern(DEVUSER_GPA + PAGE(4), 5));
	GUEST_DONE();
}

/* R13: from a range, across pages, to where the VMM is asked. */
TEST(cross_to_vmm)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_leave_range);
	struct vmm_access seen[2];
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(run_as_vmm(dv->vcpus[0], seen, ARRAY_SIZE(seen)), 2);
	expect_done(dv->vcpus[0]);
	check_vmm(&seen[0], true, DEVUSER_GPA + PAGE(4), 5, stored(0, 8) >> 24);
	check_vmm(&seen[1], false, DEVUSER_GPA + PAGE(4), 5, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO,
			  PAGE(4) - 3, 3, LOW(stored(0, 8), 3));
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO,
			  PAGE(4) - 3, 3, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_enter_range(void)
{
	u64 addr = DEVUSER_GPA + PAGE(8) - 3, val;

	guest_write64(addr, stored(0, 8));
	val = guest_read64(addr);
	GUEST_ASSERT_EQ(LOW(val, 3), vmm_pattern(addr, 3));
	GUEST_ASSERT_EQ(val >> 24, devuser_pattern(OTHER_RID, 0, 5));
	GUEST_DONE();
}

/* R13: from where the VMM is asked, across pages, into a range. */
TEST(cross_from_vmm)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_enter_range);
	struct vmm_access seen[2];
	u32 next = 0;

	devuser_set_range(dv->master, OTHER_RID, 0, DEVUSER_GPA + PAGE(8), SZ_4K);
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(run_as_vmm(dv->vcpus[0], seen, ARRAY_SIZE(seen)), 2);
	expect_done(dv->vcpus[0]);
	check_vmm(&seen[0], true, DEVUSER_GPA + PAGE(8) - 3, 3, LOW(stored(0, 8), 3));
	check_vmm(&seen[1], false, DEVUSER_GPA + PAGE(8) - 3, 3, 0);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, OTHER_RID, 0, 5,
			  stored(0, 8) >> 24);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, OTHER_RID, 0, 5, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

static void guest_enter_again(void)
{
	guest_write32(DEVUSER_GPA, 0);
	guest_write64(DEVUSER_GPA + PAGE(8) - 3, stored(0, 8));
	GUEST_DONE();
}

/* R13: the second piece is not delivered before the VMM has had the first. */
TEST(pieces_in_order)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_enter_again);
	struct kvm_vcpu *vcpu = dv->vcpus[0];

	devuser_set_range(dv->master, OTHER_RID, 0, DEVUSER_GPA + PAGE(8), SZ_4K);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_MMIO);
	TEST_ASSERT_EQ(vcpu->run->mmio.phys_addr, DEVUSER_GPA + PAGE(8) - 3);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, 1);
	devuser_vcpu_run_done(vcpu);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, 2);
	devuser_vm_free(dv);
}

/* Range OTHER_RID begins and ends within a page here, and touches a neighbour. */
#define STRADDLE	(PAGE(6) + 0x102)
#define STRADDLE_LEN	0x21

static void guest_straddle_one(u64 addr)
{
	guest_write32(addr, stored(addr, 4));
	GUEST_ASSERT_EQ(guest_read32(addr), vmm_pattern(addr, 4));
}

static void guest_straddle(void)
{
	guest_straddle_one(DEVUSER_GPA + STRADDLE - 1);
	guest_straddle_one(DEVUSER_GPA + STRADDLE + STRADDLE_LEN - 3);
	GUEST_DONE();
}

/* R13: what lies wholly in neither of two ranges, or half in one, is the VMM's. */
TEST(straddle)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_straddle);
	struct vmm_access seen[4];
	int i;

	devuser_set_range(dv->master, OTHER_RID, 0, DEVUSER_GPA + STRADDLE, STRADDLE_LEN);
	devuser_set_range(dv->master, OTHER_RID + 1, 0,
			  DEVUSER_GPA + STRADDLE + STRADDLE_LEN, 0x20);
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(run_as_vmm(dv->vcpus[0], seen, ARRAY_SIZE(seen)), 4);
	expect_done(dv->vcpus[0]);
	for (i = 0; i < 4; i += 2) {
		u64 addr = DEVUSER_GPA + (i ? STRADDLE + STRADDLE_LEN - 3 : STRADDLE - 1);

		check_vmm(&seen[i], true, addr, 4, stored(addr, 4));
		check_vmm(&seen[i + 1], false, addr, 4, 0);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 0);
	devuser_vm_free(dv);
}

static void guest_before_slave(void)
{
	guest_write32(DEVUSER_GPA, 1);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA), vmm_pattern(DEVUSER_GPA, 4));
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA), devuser_pattern(0, 0, 4));
	GUEST_DONE();
}

/* A device that has had no slave yet leaves its ranges to the VMM. */
TEST(before_the_slave)
{
	struct devuser_emul *emul = devuser_emul_start();
	struct vmm_access seen[2];
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int master;

	vm = vm_create_with_one_vcpu(&vcpu, guest_before_slave);
	virt_map(vm, DEVUSER_GPA, DEVUSER_GPA, 1);
	master = devuser_create(vm);
	devuser_set_range(master, 0, 0, DEVUSER_GPA, SZ_4K);
	TEST_ASSERT_EQ(run_as_vmm(vcpu, seen, ARRAY_SIZE(seen)), 2);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
	check_vmm(&seen[0], true, DEVUSER_GPA, 4, 1);
	check_vmm(&seen[1], false, DEVUSER_GPA, 4, 0);

	devuser_emul_attach(emul, devuser_slave_fd(master, 0));
	devuser_emul_serve(emul, devuser_serve);
	devuser_vcpu_run_done(vcpu);
	TEST_ASSERT_EQ(devuser_emul_nr(emul), 1);
	kvm_vm_free(vm);
	close(master);
	devuser_emul_free(emul);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
