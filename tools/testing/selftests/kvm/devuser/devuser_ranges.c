// SPDX-License-Identifier: GPL-2.0-only
/*
 * R12 of the user device: ranges are set, moved and removed while the guest runs.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define VMM_VALUE	0x5a17

/* Runs the vCPU up to an exit of the device's kind to the VMM. */
static void run_mmio(struct kvm_vcpu *vcpu, u64 gpa, u32 len)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_MMIO);
	TEST_ASSERT_EQ(vcpu->run->mmio.phys_addr, gpa);
	TEST_ASSERT_EQ(vcpu->run->mmio.len, len);
}

static void run_pio(struct kvm_vcpu *vcpu, u16 port, u8 size)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, port);
	TEST_ASSERT_EQ(vcpu->run->io.size, size);
}

/* --- Several ranges -------------------------------------------------------- */

/* Pages of DEVUSER_GPA, and ports, beyond those of devuser_vm_create(). */
static const struct place {
	u32 rid;
	u32 flags;
	u64 addr;
	u64 len;
} places[] = {
	{ 2, 0, DEVUSER_GPA + 4 * SZ_4K, SZ_4K },
	{ 63, 0, DEVUSER_GPA + 5 * SZ_4K, SZ_8K },
	{ 7, 0, DEVUSER_GPA + 8 * SZ_4K + 0x10, 0x20 },
	{ 3, KVM_DEV_USER_RANGE_PIO, 0x3000, 8 },
	{ 62, KVM_DEV_USER_RANGE_PIO, 0x3008, 8 },
	{ 8, KVM_DEV_USER_RANGE_PIO, 0xfff8, 8 },
};

/* The last bytes of each. */
static void guest_places(u64 index)
{
	u64 offset;
	int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		offset = places[i].len - 4;
		if (places[i].flags) {
			GUEST_ASSERT_EQ(guest_in32(places[i].addr + offset),
					devuser_pattern(places[i].rid, offset, 4));
			guest_out8(places[i].addr, i);
		} else {
			GUEST_ASSERT_EQ(guest_read32(places[i].addr + offset),
					devuser_pattern(places[i].rid, offset, 4));
			guest_write8(places[i].addr, i);
		}
	}
	GUEST_DONE();
}

/* R12: each range has its own id, and offsets that begin with zero. */
TEST(several)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_places);
	u32 next = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		devuser_set_range(dv->master, places[i].rid, places[i].flags, places[i].addr,
				  places[i].len);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, places[i].rid,
				  places[i].len - 4, 4, 0);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, places[i].rid, 0, 1, i);
	}
	TEST_ASSERT_EQ(next, devuser_emul_nr(dv->emul));
	devuser_vm_free(dv);
}

static void guest_nothing(u64 index)
{
	GUEST_DONE();
}

static void expect_overlap(int master, u32 flags, u64 addr, u64 len)
{
	DEVUSER_EXPECT(__devuser_set_range(master, 9, flags, addr, len), -EEXIST);
}

/* R12: no two ranges of a VM overlap, but a range and its own next place may. */
TEST(overlap)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_nothing);
	const u64 gpa = DEVUSER_GPA, len = DEVUSER_MMIO_LEN;
	int other = devuser_create(dv->vm);
	int masters[] = { dv->master, other };
	int i;

	for (i = 0; i < ARRAY_SIZE(masters); i++) {
		expect_overlap(masters[i], 0, gpa, len);
		expect_overlap(masters[i], 0, gpa + 1, 1);
		expect_overlap(masters[i], 0, gpa - 1, 2);
		expect_overlap(masters[i], 0, gpa + len - 1, 1);
		expect_overlap(masters[i], 0, gpa - SZ_4K, 4 * len);
		expect_overlap(masters[i], KVM_DEV_USER_RANGE_PIO,
			       DEVUSER_PORT + DEVUSER_PORT_LEN - 1, 4);
		DEVUSER_EXPECT(__devuser_remove_range(masters[i], 9), -ENOENT);
	}

	/* Beside it, and at the same numbers on the other bus. */
	devuser_set_range(other, 0, 0, gpa + len, len);
	devuser_set_range(other, 1, 0, gpa - SZ_4K, SZ_4K);
	devuser_set_range(other, 2, 0, DEVUSER_PORT, DEVUSER_PORT_LEN);
	devuser_set_range(other, 3, KVM_DEV_USER_RANGE_PIO, 0, DEVUSER_PORT);
	DEVUSER_EXPECT(__devuser_set_range(other, 0, 0, gpa + len - 1, len), -EEXIST);

	/* Its own place does not count: larger, smaller, moved by less than its length. */
	devuser_set_range(other, 0, 0, gpa + len, 2 * len);
	devuser_set_range(other, 0, 0, gpa + len + 8, len);
	devuser_set_range(other, 0, 0, gpa + len, 8);
	devuser_set_range(other, 0, 0, gpa + len, 8);
	devuser_set_range(dv->master, 0, 0, gpa + len + 8, len);
	DEVUSER_EXPECT(__devuser_set_range(other, 0, 0, gpa + len, 9), -EEXIST);

	/* What is removed, or closed, is free again. */
	devuser_remove_range(dv->master, 0);
	devuser_set_range(other, 0, 0, gpa + len, len);
	close(other);
	devuser_set_range(dv->master, 0, 0, gpa - SZ_4K, 4 * len);
	devuser_vm_free(dv);
}

static void guest_bus_change(u64 index)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(guest_in32(0x3004), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4), VMM_VALUE);
	GUEST_DONE();
}

/* R12: memory becomes ports; the old place is the VMM's. */
TEST(bus_change)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_bus_change);

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_run_sync(dv->vcpus[0]);
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, KVM_DEV_USER_RANGE_PIO, 0x3000, 16);
	run_mmio(dv->vcpus[0], DEVUSER_GPA + 4, 4);
	*(u32 *)dv->vcpus[0]->run->mmio.data = VMM_VALUE;
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_vm_free(dv);
}

/* --- What straddles an end ------------------------------------------------- */

#define EDGE_GPA	(DEVUSER_GPA + 4 * SZ_4K + 0x100)
#define EDGE_LEN	0x100
#define EDGE_PORT	0x3000
#define EDGE_PORT_LEN	8

static void guest_edges(u64 index)
{
	guest_write32(EDGE_GPA - 2, 1);
	GUEST_ASSERT_EQ(guest_read32(EDGE_GPA + EDGE_LEN - 2), VMM_VALUE);
	GUEST_ASSERT_EQ(guest_read64(EDGE_GPA + 2 * EDGE_LEN - 1), VMM_VALUE);
	guest_out32(EDGE_PORT - 1, 2);
	guest_out16(EDGE_PORT + EDGE_PORT_LEN - 1, 3);

	GUEST_ASSERT_EQ(guest_read32(EDGE_GPA), devuser_pattern(4, 0, 4));
	GUEST_ASSERT_EQ(guest_read32(EDGE_GPA + EDGE_LEN), devuser_pattern(5, 0, 4));
	GUEST_ASSERT_EQ(guest_in16(EDGE_PORT + EDGE_PORT_LEN - 2),
			devuser_pattern(6, EDGE_PORT_LEN - 2, 2));
	GUEST_DONE();
}

/* R12, R13: only what lies wholly in a range, and in one, is the device's. */
TEST(straddling)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_edges);
	struct kvm_vcpu *vcpu = dv->vcpus[0];

	devuser_set_range(dv->master, 4, 0, EDGE_GPA, EDGE_LEN);
	devuser_set_range(dv->master, 5, 0, EDGE_GPA + EDGE_LEN, EDGE_LEN);
	devuser_set_range(dv->master, 6, KVM_DEV_USER_RANGE_PIO, EDGE_PORT, EDGE_PORT_LEN);
	devuser_emul_serve(dv->emul, devuser_serve);

	run_mmio(vcpu, EDGE_GPA - 2, 4);
	TEST_ASSERT_EQ(*(u32 *)vcpu->run->mmio.data, 1);
	run_mmio(vcpu, EDGE_GPA + EDGE_LEN - 2, 4);
	*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	run_mmio(vcpu, EDGE_GPA + 2 * EDGE_LEN - 1, 8);
	*(u64 *)vcpu->run->mmio.data = VMM_VALUE;
	run_pio(vcpu, EDGE_PORT - 1, 4);
	run_pio(vcpu, EDGE_PORT + EDGE_PORT_LEN - 1, 2);
	devuser_vcpu_run_done(vcpu);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 3);
	devuser_vm_free(dv);
}

/* --- Long ranges ----------------------------------------------------------- */

/* Not aligned, so that one access may straddle whatever KVM cuts the range into. */
#define LONG_PAGE	(16ull * SZ_1G)
#define LONG_GPA	(LONG_PAGE + 0x100)
#define LONG_LEN	(5ull * SZ_1G + 0x800)
#define LONG_RID	11

/* Offsets of accesses, in pages that are mapped: around each GiB, and the ends. */
static u64 long_offset(int gib, int i)
{
	static const int around[] = { -4, -3, -2, -1, 0, 4 };

	return gib * (u64)SZ_1G + around[i];
}

static bool long_is_inside(u64 offset)
{
	return offset < LONG_LEN && offset + 4 <= LONG_LEN;
}

static void guest_long(u64 index)
{
	u64 offset;
	int gib, i;

	for (gib = 0; gib <= 5; gib++) {
		for (i = 0; i < 6; i++) {
			offset = long_offset(gib, i);
			if (!long_is_inside(offset))
				continue;
			GUEST_ASSERT_EQ(guest_read32(LONG_GPA + offset),
					devuser_pattern(LONG_RID, offset, 4));
			guest_write32(LONG_GPA + offset, gib * 8 + i);
		}
	}
	GUEST_ASSERT_EQ(guest_read32(LONG_GPA + LONG_LEN - 4),
			devuser_pattern(LONG_RID, LONG_LEN - 4, 4));
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(guest_read32(LONG_GPA + LONG_LEN - 3), VMM_VALUE);
	GUEST_ASSERT_EQ(guest_read32(LONG_GPA - 1), VMM_VALUE);
	GUEST_SYNC(1);
	for (gib = 0; gib <= 5; gib++)
		GUEST_ASSERT_EQ(guest_read32(LONG_GPA + gib * (u64)SZ_1G), VMM_VALUE);
	GUEST_DONE();
}

/* R12: above 4 GiB, and several GiB long, with nothing lost at the seams. */
TEST(long_range)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_long);
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	u32 next = 0;
	int gib, i;

	TEST_REQUIRE(dv->vm->max_gfn > (LONG_GPA + LONG_LEN) / SZ_4K);
	for (gib = 0; gib <= 5; gib++)
		virt_map(dv->vm, LONG_PAGE + gib * (u64)SZ_1G, LONG_PAGE + gib * (u64)SZ_1G, 1);
	devuser_set_range(dv->master, LONG_RID, 0, LONG_GPA, LONG_LEN);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_run_sync(vcpu);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	for (gib = 0; gib <= 5; gib++) {
		for (i = 0; i < 6; i++) {
			if (!long_is_inside(long_offset(gib, i)))
				continue;
			devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, LONG_RID,
					  long_offset(gib, i), 4, 0);
			devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, LONG_RID,
					  long_offset(gib, i), 4, gib * 8 + i);
		}
	}

	run_mmio(vcpu, LONG_GPA + LONG_LEN - 3, 4);
	*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	run_mmio(vcpu, LONG_GPA - 1, 4);
	*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	devuser_run_sync(vcpu);

	/* Removed, it is removed everywhere. */
	devuser_remove_range(dv->master, LONG_RID);
	for (gib = 0; gib <= 5; gib++) {
		run_mmio(vcpu, LONG_GPA + gib * (u64)SZ_1G, 4);
		*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	}
	devuser_vcpu_run_done(vcpu);
	devuser_vm_free(dv);
}

/* --- A full bus ------------------------------------------------------------ */

/* Of the kernel: NR_IOBUS_DEVS, of which the interrupt controllers take some. */
#define BUS_MAX		1000
#define BUS_MIN		980

static void guest_loads(u64 index)
{
	for (;;)
		GUEST_SYNC(guest_read32(DEVUSER_GPA + 4));
}

/* R12: ENOSPC, and then nothing has changed. */
TEST(bus_full)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	const u64 far = 1ull << 42;
	u32 places = 1 + 500 + 450;
	long ret;
	u32 rid;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_set_range(dv->master, 2, 0, far, 500ull * SZ_1G);
	DEVUSER_EXPECT(__devuser_set_range(dv->master, 3, 0, 2 * far, 600ull * SZ_1G), -ENOSPC);
	DEVUSER_EXPECT(__devuser_remove_range(dv->master, 3), -ENOENT);
	devuser_set_range(dv->master, 3, 0, 2 * far, 450ull * SZ_1G);

	/* A move needs both places for a moment. */
	DEVUSER_EXPECT(__devuser_set_range(dv->master, 3, 0, 3 * far, 450ull * SZ_1G), -ENOSPC);

	for (rid = 4; rid < DEVUSER_RANGES_MAX; rid++) {
		ret = __devuser_set_range(dv->master, rid, 0, 4 * far + rid * SZ_4K, SZ_4K);
		if (ret)
			break;
		places++;
	}
	DEVUSER_EXPECT(ret, -ENOSPC);
	TEST_ASSERT(places >= BUS_MIN && places <= BUS_MAX, "%u places fit the bus", places);
	DEVUSER_EXPECT(__devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0,
					   DEVUSER_GPA + 5 * SZ_4K, SZ_4K), -ENOSPC);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));

	devuser_remove_range(dv->master, rid - 1);
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA + 4, DEVUSER_MMIO_LEN);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), devuser_pattern(DEVUSER_RID_MMIO, 0, 4));
	devuser_vm_free(dv);
}

/* --- Requests in flight ---------------------------------------------------- */

static void guest_flight(u64 index)
{
	guest_write32(DEVUSER_GPA + 8, 5);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 12), devuser_pattern(DEVUSER_RID_MMIO, 12, 4));
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 12), VMM_VALUE);
	GUEST_DONE();
}

static void *flight_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	run_mmio(vcpu, DEVUSER_GPA + 12, 4);
	*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	devuser_vcpu_run_done(vcpu);
	return NULL;
}

/* R12: what has been queued keeps its rid and offset, whether it has been read or not. */
static void run_flight(bool sent, bool remove)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_flight);
	struct kvm_dev_user_request reqs[2];

	TEST_ASSERT(!pthread_create(&dv->threads[0], NULL, flight_thread, dv->vcpus[0]),
		    "pthread_create() failed");
	if (sent)
		devuser_emul_read(dv->emul, reqs, 2);
	else
		DEVUSER_WAIT(devuser_status(dv->master).pending == 2);

	if (remove)
		devuser_remove_range(dv->master, DEVUSER_RID_MMIO);
	else
		devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA + 5 * SZ_4K,
				  SZ_4K);
	devuser_set_range(dv->master, 5, 0, DEVUSER_GPA + 2 * SZ_4K, SZ_4K);

	if (!sent)
		devuser_emul_read(dv->emul, reqs, 2);
	devuser_check_request(&reqs[0], KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO, 8, 4);
	devuser_check_request(&reqs[1], KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 12, 4);
	devuser_fill(reqs, 2);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 2), 2);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

TEST(in_flight_moved)
{
	run_flight(false, false);
	run_flight(true, false);
}

TEST(in_flight_removed)
{
	run_flight(false, true);
	run_flight(true, true);
}

/* --- Under fire ------------------------------------------------------------ */

#define NR_VCPUS	3
#define NR_MOVES	60
#define STORES_MAX	20000		/* of each vCPU */
#define LOAD_OFFSET	0x40

static bool stop;
static u32 nr_stores[NR_VCPUS];

/* Where the range is, or is not. */
static const u64 fires[] = { DEVUSER_GPA, DEVUSER_GPA + 2 * SZ_4K };

/* Numbered stores to every place, and loads of what the device or the VMM says. */
static void guest_fire(u64 index)
{
	const u64 offset = LOAD_OFFSET + 4 * index;
	u32 val, i, nr = 0;

	while (!READ_ONCE(stop) && nr < STORES_MAX) {
		for (i = 0; i < ARRAY_SIZE(fires); i++) {
			guest_write32(fires[i] + 8 * index, nr++);
			val = guest_read32(fires[i] + offset);
			GUEST_ASSERT(val == (u32)devuser_pattern(DEVUSER_RID_MMIO, offset, 4) ||
				     val == VMM_VALUE);
		}
	}
	WRITE_ONCE(nr_stores[index], nr);
	GUEST_DONE();
}

/* What came to the VMM instead, by vCPU. */
static u8 seen[NR_VCPUS][STORES_MAX + ARRAY_SIZE(fires)];
static u32 nr_to_vmm;

static void *fire_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct kvm_run *run = vcpu->run;
	struct ucall uc;

	for (;;) {
		vcpu_run(vcpu);
		if (run->exit_reason != KVM_EXIT_MMIO)
			break;
		TEST_ASSERT_EQ(run->mmio.len, 4);
		if (run->mmio.is_write)
			seen[vcpu->id][*(u32 *)run->mmio.data]++;
		else
			*(u32 *)run->mmio.data = VMM_VALUE;
		__atomic_fetch_add(&nr_to_vmm, 1, __ATOMIC_RELAXED);
	}
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	return NULL;
}

/* In the emulator's process: stores come in order, and with their own offset. */
static void serve_fire(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u64 next[NR_VCPUS];
	u32 cpu;
	int i;

	for (i = 0; i < nr; i++) {
		cpu = reqs[i].cpu;
		TEST_ASSERT_EQ(reqs[i].rid, DEVUSER_RID_MMIO);
		if (reqs[i].type == KVM_DEV_USER_LOAD) {
			TEST_ASSERT_EQ(reqs[i].offset, LOAD_OFFSET + 4 * cpu);
			continue;
		}
		TEST_ASSERT_EQ(reqs[i].offset, 8 * cpu);
		TEST_ASSERT(devuser_data(&reqs[i]) >= next[cpu], "Store %lu came after %lu",
			    devuser_data(&reqs[i]), next[cpu] - 1);
		next[cpu] = devuser_data(&reqs[i]) + 1;
	}
	devuser_serve(emul, reqs, nr);
}

static void fire_move(struct devuser_vm *dv, int where)
{
	if (where < ARRAY_SIZE(fires))
		devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, fires[where], SZ_4K);
	else
		devuser_remove_range(dv->master, DEVUSER_RID_MMIO);
}

/* Every store came to exactly one of both. */
static void check_fire(struct devuser_vm *dv)
{
	struct devuser_emul_shared *shared = dv->emul->shared;
	u32 i, cpu, nr, to_device = 0;

	for (i = 0; i < shared->nr; i++) {
		if (shared->log[i].type != KVM_DEV_USER_STORE)
			continue;
		seen[shared->log[i].cpu][devuser_data(&shared->log[i])]++;
		to_device++;
	}
	for (cpu = 0; cpu < NR_VCPUS; cpu++) {
		nr = DEVUSER_GUEST_VAR(dv->vm, nr_stores[0])[cpu];
		for (i = 0; i < nr; i++)
			TEST_ASSERT(seen[cpu][i] == 1, "Store %u of vCPU %u came %u times",
				    i, cpu, seen[cpu][i]);
	}
	ksft_print_msg("%u stores to the device, %u accesses to the VMM\n", to_device, nr_to_vmm);
	TEST_ASSERT(to_device && nr_to_vmm, "Not all was tried");
}

/* R12: moved under fire, no access is lost, none is made twice. */
TEST(under_fire)
{
	struct devuser_vm *dv = devuser_vm_create(NR_VCPUS, guest_fire);
	bool *guest_stop = DEVUSER_GUEST_VAR(dv->vm, stop);
	int i;

	fire_move(dv, 0);
	devuser_emul_serve(dv->emul, serve_fire);
	for (i = 0; i < NR_VCPUS; i++)
		TEST_ASSERT(!pthread_create(&dv->threads[i], NULL, fire_thread, dv->vcpus[i]),
			    "pthread_create() failed");
	for (i = 0; i < NR_MOVES; i++) {
		fire_move(dv, (i + 1) % 3);
		usleep(500 * (i % 5));
	}
	WRITE_ONCE(*guest_stop, true);
	for (i = 0; i < NR_VCPUS; i++)
		devuser_vcpu_join(dv, i);
	fire_move(dv, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	check_fire(dv);
	devuser_vm_free(dv);
}

/* What belongs to both the old and the new place. */
#define BOTH_GPA	(DEVUSER_GPA + SZ_4K)

static void guest_both(u64 index)
{
	u32 val, nr = 0;

	while (!READ_ONCE(stop) && nr < STORES_MAX) {
		guest_write32(BOTH_GPA + 8 * index, nr++);
		val = guest_read32(BOTH_GPA + 8 * index);
		GUEST_ASSERT(val == (u32)devuser_pattern(DEVUSER_RID_MMIO, 8 * index, 4) ||
			     val == (u32)devuser_pattern(DEVUSER_RID_MMIO, SZ_4K + 8 * index, 4));
	}
	WRITE_ONCE(nr_stores[index], nr);
	GUEST_DONE();
}

/* R12: there is no moment at which neither place is the device's. */
TEST(never_nobodys)
{
	struct devuser_vm *dv = devuser_vm_create(NR_VCPUS, guest_both);
	struct kvm_dev_user_status status;
	u64 nr = 0;
	int i;

	devuser_emul_serve(dv->emul, devuser_serve);

	/* devuser_vcpu_start() bears no exit to the VMM. */
	for (i = 0; i < NR_VCPUS; i++)
		devuser_vcpu_start(dv, i);
	for (i = 0; i < NR_MOVES; i++) {
		devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0,
				  DEVUSER_GPA + (i % 2 ? 0 : SZ_4K), 2 * SZ_4K);
		usleep(500 * (i % 5));
	}
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	for (i = 0; i < NR_VCPUS; i++) {
		devuser_vcpu_join(dv, i);
		nr += DEVUSER_GUEST_VAR(dv->vm, nr_stores[0])[i];
	}
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.stores, nr);
	TEST_ASSERT_EQ(status.loads, nr);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
