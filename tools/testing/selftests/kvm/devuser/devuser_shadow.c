// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow image: which loads it serves, that they wait for their vCPU's
 * stores, and that the access map is replaced as a whole (R4).
 */
#include <sys/wait.h>

#include "devuser_util.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define IMAGE		(2 * SZ_4K)

/* An image byte; never that of devuser_pattern() at the same place. */
static u8 image_byte(u32 at)
{
	return at * 29 + 17;
}

static u64 image_pattern(u64 at, int len)
{
	u64 val = 0;
	int i;

	for (i = 0; i < len; i++)
		val |= (u64)image_byte(at + i) << (8 * i);
	return val;
}

/* Makes the emulator's image, with the above in it. */
static void make_image(struct devuser_emul *emul, const struct kvm_dev_user_shadow_area *areas,
		       u32 nr)
{
	u8 image[IMAGE];
	int i;

	for (i = 0; i < IMAGE; i++)
		image[i] = image_byte(i);
	devuser_emul_shadow(emul, IMAGE, areas, nr);
	devuser_emul_shadow_set(emul, 0, image, IMAGE);
}

static u64 guest_read(u64 offset, int len)
{
	switch (len) {
	case 1:
		return guest_read8(DEVUSER_GPA + offset);
	case 2:
		return guest_read16(DEVUSER_GPA + offset);
	case 4:
		return guest_read32(DEVUSER_GPA + offset);
	default:
		return guest_read64(DEVUSER_GPA + offset);
	}
}

/* --- What is served ------------------------------------------------------------------ */

/* From AREA_AT of the range, IMAGE_AT of the image. */
#define AREA_AT		0x100
#define AREA_LEN	0x40
#define IMAGE_AT	0xff0	/* crosses a page */

static const struct kvm_dev_user_shadow_area area = {
	.rid = RID,
	.access = 1 | 2 | 4 | 8,
	.offset = AREA_AT,
	.len = AREA_LEN,
	.image = IMAGE_AT,
};

static void guest_all(void)
{
	u64 at;
	int len;

	for (len = 1; len <= 8; len *= 2)
		for (at = 0; at < AREA_LEN; at += len)
			GUEST_ASSERT_EQ(guest_read(AREA_AT + at, len),
					image_pattern(IMAGE_AT + at, len));
	GUEST_DONE();
}

#define GUEST_ALL_LOADS	(AREA_LEN + AREA_LEN / 2 + AREA_LEN / 4 + AREA_LEN / 8)

/* R4: loads of every size, all over an area, without the slave. */
TEST(served)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_all);
	struct kvm_dev_user_status status;

	make_image(dv->emul, &area, 1);
	devuser_vcpu_run_done(dv->vcpus[0]);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.shadow_loads, GUEST_ALL_LOADS);
	TEST_ASSERT_EQ(status.loads, 0);
	TEST_ASSERT_EQ(status.pending, 0);
	devuser_vm_free(dv);
}

/* Loads that the slave has to answer, then one that it has not. */
static void guest_others(void)
{
	int len, at;

	/* Just outside. */
	for (len = 1; len <= 8; len *= 2) {
		at = AREA_AT - len;
		GUEST_ASSERT_EQ(guest_read(at, len), devuser_pattern(RID, at, len));
		at = AREA_AT + AREA_LEN;
		GUEST_ASSERT_EQ(guest_read(at, len), devuser_pattern(RID, at, len));
	}

	/* Not aligned. */
	for (len = 2; len <= 8; len *= 2)
		for (at = AREA_AT + 1; at < AREA_AT + len; at++)
			GUEST_ASSERT_EQ(guest_read(at, len), devuser_pattern(RID, at, len));

	GUEST_ASSERT_EQ(guest_read(AREA_AT, 8), image_pattern(IMAGE_AT, 8));
	GUEST_DONE();
}

#define GUEST_OTHERS_LOADS	(4 * 2 + 1 + 3 + 7)

/* R4: what is outside of the area or not naturally aligned goes to the slave. */
TEST(not_served)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_others);

	make_image(dv->emul, &area, 1);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), GUEST_OTHERS_LOADS);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, GUEST_OTHERS_LOADS);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 1);
	devuser_vm_free(dv);
}

/* Sixteen areas, one for each set of sizes. */
static void guest_sizes(void)
{
	u32 access;
	int len;

	for (access = 1; access < 16; access++) {
		u64 at = access * 16 + 8;

		for (len = 1; len <= 8; len *= 2)
			GUEST_ASSERT_EQ(guest_read(at, len), access & len ?
					image_pattern(access * 8, len) :
					devuser_pattern(RID, at, len));
	}
	GUEST_DONE();
}

/* R4: each area serves the sizes that it says. */
TEST(sizes)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_sizes);
	struct kvm_dev_user_shadow_area areas[15];
	u32 access;

	/* Not in the order of their offsets. */
	for (access = 1; access < 16; access++)
		areas[(access * 7) % 15] = (struct kvm_dev_user_shadow_area) {
			.rid = RID,
			.access = access,
			.offset = access * 16 + 8,
			.len = 8,
			.image = access * 8,
		};
	make_image(dv->emul, areas, ARRAY_SIZE(areas));
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 15 * 4 - 4 * 8);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 4 * 8);
	devuser_vm_free(dv);
}

static void guest_ports(void)
{
	GUEST_ASSERT_EQ(guest_in8(DEVUSER_PORT + 3), image_pattern(3, 1));
	GUEST_ASSERT_EQ(guest_in16(DEVUSER_PORT + 2), image_pattern(2, 2));
	GUEST_ASSERT_EQ(guest_in32(DEVUSER_PORT + 4), image_pattern(4, 4));

	/* The same offsets of the other range. */
	GUEST_ASSERT_EQ(guest_read(4, 4), devuser_pattern(RID, 4, 4));
	GUEST_DONE();
}

/* R4: an area of a range of ports; other ranges have nothing to do with it. */
TEST(ports)
{
	const struct kvm_dev_user_shadow_area ports = {
		.rid = DEVUSER_RID_PIO,
		.access = 1 | 2 | 4,
		.len = 8,
	};
	struct devuser_vm *dv = devuser_vm_create(1, guest_ports);

	make_image(dv->emul, &ports, 1);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 1);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 3);
	devuser_vm_free(dv);
}

static void guest_syncs(void)
{
	for (;;)
		GUEST_SYNC1(guest_read(AREA_AT, 4));
}

/* The guest's next load. */
static u64 next_load(struct devuser_vm *dv)
{
	struct ucall uc;

	TEST_ASSERT_EQ(devuser_vcpu_run(dv->vcpus[0], &uc), UCALL_SYNC);
	return uc.args[0];
}

/* R4: what the slave writes to the image is there at once; no map, no service. */
TEST(image_and_map)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_syncs);
	const u32 value = 0x87654321;

	devuser_emul_shadow(dv->emul, IMAGE, NULL, 0);
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(next_load(dv), devuser_pattern(RID, AREA_AT, 4));
	devuser_emul_free(dv->emul);

	dv->emul = devuser_emul_start();
	devuser_emul_attach(dv->emul, devuser_slave_fd(dv->master, 0));
	devuser_emul_shadow(dv->emul, IMAGE, &area, 1);
	TEST_ASSERT_EQ(next_load(dv), 0);
	devuser_emul_shadow_set(dv->emul, IMAGE_AT, &value, sizeof(value));
	TEST_ASSERT_EQ(next_load(dv), value);

	/* The image goes with its slave. */
	devuser_emul_free(dv->emul);
	dv->emul = devuser_emul_start();
	devuser_emul_attach(dv->emul, devuser_slave_fd(dv->master, 0));
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(next_load(dv), devuser_pattern(RID, AREA_AT, 4));
	devuser_emul_shadow(dv->emul, IMAGE, &area, 1);
	TEST_ASSERT_EQ(next_load(dv), 0);
	devuser_vm_free(dv);
}

/* --- Stores ------------------------------------------------------------------------------- */

static u32 loaded[2];
static bool has_loaded[2];

/* vCPU 0 stores to the register before it loads it, vCPU 1 only loads. */
static void guest_store_load(u64 index)
{
	if (!index) {
		guest_write32(DEVUSER_GPA + AREA_AT, 0x01020304);
		guest_out8(DEVUSER_PORT, 5);
	}
	loaded[index] = guest_read(AREA_AT, 4);
	WRITE_ONCE(has_loaded[index], true);
	GUEST_DONE();
}

static bool guest_has_loaded(struct devuser_vm *dv, int index)
{
	return READ_ONCE((*DEVUSER_GUEST_VAR(dv->vm, has_loaded))[index]);
}

/*
 * R4: a load waits for its vCPU's own stores, and then is served from the
 * image, as the slave left it before it answered them.
 */
TEST(waits_for_own_stores)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_load);
	struct kvm_dev_user_request reqs[2];
	const u32 value = 0xabcdef01;

	make_image(dv->emul, &area, 1);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 2);
	devuser_check_request(&reqs[0], KVM_DEV_USER_STORE, 0, RID, AREA_AT, 4);
	devuser_check_request(&reqs[1], KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 0, 1);
	DEVUSER_STAYS(!guest_has_loaded(dv, 0));
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);

	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[1], 1), 1);
	DEVUSER_STAYS(!guest_has_loaded(dv, 0));
	devuser_emul_shadow_set(dv->emul, IMAGE_AT, &value, sizeof(value));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[0], 1), 1);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ((*DEVUSER_GUEST_VAR(dv->vm, loaded))[0], value);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 1);
	devuser_vm_free(dv);
}

/* R4: another vCPU's stores are no reason to wait. */
TEST(other_vcpus_stores)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_store_load);
	struct kvm_dev_user_request reqs[2];

	make_image(dv->emul, &area, 1);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 2);
	devuser_vcpu_run_done(dv->vcpus[1]);
	TEST_ASSERT_EQ((*DEVUSER_GUEST_VAR(dv->vm, loaded))[1], image_pattern(IMAGE_AT, 4));
	TEST_ASSERT(!guest_has_loaded(dv, 0), "A load did not wait for its vCPU's stores");
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 2), 2);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R4: a map that comes or goes while the load waits is the one that counts. */
static long clear_map(struct devuser_emul *emul, void *arg)
{
	return devuser_shadow_ctrl(emul->slave, NULL, 0);
}

TEST(map_goes_while_load_waits)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_load);
	struct kvm_dev_user_request reqs[2];

	make_image(dv->emul, &area, 1);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 2);
	DEVUSER_STAYS(!guest_has_loaded(dv, 0));
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, clear_map, NULL, 0), 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 2), 2);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ((*DEVUSER_GUEST_VAR(dv->vm, loaded))[0],
		       devuser_pattern(RID, AREA_AT, 4));
	devuser_vm_free(dv);
}

/* Only x86 cuts an access in two where a page ends. */
#ifdef __x86_64__

#define PIECES_AT	(SZ_4K - 4)

static void guest_pieces(void)
{
	u64 val;

	/* The vCPU's first access is not like others. */
	guest_read(AREA_AT, 4);
	val = guest_read(PIECES_AT, 8);
	GUEST_ASSERT_EQ((u32)val, devuser_pattern(RID, PIECES_AT, 4));
	GUEST_ASSERT_EQ(val >> 32, 0x600df00d);
	GUEST_DONE();
}

/* R4, R13: a load of two pieces, of which only the second one can be served. */
TEST(second_piece)
{
	const struct kvm_dev_user_shadow_area areas[] = {
		area,
		{ .rid = RID, .access = 4, .offset = SZ_4K, .len = 8 },
	};
	struct devuser_vm *dv = devuser_vm_create(1, guest_pieces);
	struct kvm_dev_user_request req;
	const u32 value = 0x600df00d;

	make_image(dv->emul, areas, ARRAY_SIZE(areas));
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_check_request(&req, KVM_DEV_USER_LOAD, 0, RID, PIECES_AT, 4);
	devuser_emul_shadow_set(dv->emul, 0, &value, sizeof(value));
	devuser_fill(&req, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), 1);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 2);
	devuser_vm_free(dv);
}

#endif

#define STORE_ROUNDS	60

/* Stores count; the image shows the last one. */
static void guest_counts(u64 index)
{
	u64 at = index * 8;
	u32 i;

	for (i = 1; i <= STORE_ROUNDS; i++) {
		guest_write32(DEVUSER_GPA + AREA_AT + at, i);
		GUEST_ASSERT_EQ(guest_read(AREA_AT + at, 4), i);
	}
	GUEST_DONE();
}

static void serve_registers(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		TEST_ASSERT_EQ(reqs[i].type, KVM_DEV_USER_STORE);
		memcpy(emul->shadow + IMAGE_AT + reqs[i].offset - AREA_AT, reqs[i].data,
		       reqs[i].len);
		DEVUSER_EXPECT(devuser_write(emul->slave, &reqs[i], 1), 1);
	}
}

/* R4: two vCPUs read back what they stored, always, and never from the slave. */
TEST(reads_own_stores)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_counts);
	u32 i;

	make_image(dv->emul, &area, 1);
	devuser_emul_serve(dv->emul, serve_registers);
	for (i = 0; i < 2; i++)
		devuser_vcpu_start(dv, i);
	for (i = 0; i < 2; i++)
		devuser_vcpu_join(dv, i);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 2 * STORE_ROUNDS);
	devuser_vm_free(dv);
}

/* --- Replacing the map under load ----------------------------------------------------------- */

#define LOADERS		3
#define REPLACEMENTS	60

static bool stop;

/* Both maps serve this load, from different places of the image. */
static void guest_loads_on(void)
{
	u64 a = image_pattern(0, 8), b = image_pattern(SZ_4K, 8), val;
	bool seen_a = false, seen_b = false;

	while (!READ_ONCE(stop)) {
		val = guest_read(0x800, 8);
		GUEST_ASSERT(val == a || val == b);
		seen_a |= val == a;
		seen_b |= val == b;
	}
	GUEST_ASSERT(seen_a && seen_b);
	GUEST_DONE();
}

/* Changes between a map of one area and one of as many as there may be. */
static long replace_maps(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_shadow_area areas[DEVUSER_AREAS_MAX];
	int i;

	for (i = 0; i < ARRAY_SIZE(areas); i++)
		areas[i] = (struct kvm_dev_user_shadow_area) {
			.rid = RID, .access = 8, .offset = 0x800 + 8 * i, .len = 8,
		};

	for (i = 0; i < REPLACEMENTS; i++) {
		areas[0].image = i % 2 ? SZ_4K : 0;
		DEVUSER_EXPECT(devuser_shadow_ctrl(emul->slave, areas,
						   i % 2 ? 1 : ARRAY_SIZE(areas)), 0);
		usleep(500);
	}
	return 0;
}

/* R4: each load sees the old map or the new one; none is without a map. */
TEST(replaced_under_load)
{
	struct devuser_vm *dv = devuser_vm_create(LOADERS, guest_loads_on);
	const struct kvm_dev_user_shadow_area first = {
		.rid = RID, .access = 8, .offset = 0x800, .len = 8,
	};
	u32 i;

	make_image(dv->emul, &first, 1);
	for (i = 0; i < LOADERS; i++)
		devuser_vcpu_start(dv, i);
	DEVUSER_WAIT(devuser_status(dv->master).shadow_loads > 100);
	devuser_emul_call(dv->emul, replace_maps, NULL, 0);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	for (i = 0; i < LOADERS; i++)
		devuser_vcpu_join(dv, i);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 0);
	devuser_vm_free(dv);
}

/* R4: a map that is refused leaves the old one. */
TEST(refused_map)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_syncs);
	struct kvm_dev_user_shadow_area bad[2] = { area, area };
	int slave;

	devuser_emul_kill(dv->emul);
	slave = devuser_slave_fd(dv->master, 0);
	DEVUSER_EXPECT(devuser_shadow_size(slave, IMAGE), 0);
	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, &area, 1), 0);
	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, bad, 2), -EINVAL);
	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, NULL, 1), -EFAULT);
	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, NULL, DEVUSER_AREAS_MAX + 1), -E2BIG);
	TEST_ASSERT_EQ(next_load(dv), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 1);
	close(slave);
	devuser_vm_free(dv);
}

/* --- mmap() ---------------------------------------------------------------------------------- */

/* Returns 0 or -errno. */
static long try_mmap(int slave, size_t size, int prot, int flags, off_t offset)
{
	void *map = mmap(NULL, size, prot, flags, slave, offset);

	if (map == MAP_FAILED)
		return devuser_ret(-1);
	munmap(map, size);
	return 0;
}

/* R15: how the image cannot be mapped. */
TEST(mmap_refusals)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct devuser_vm *dv = devuser_vm_create(1, guest_syncs);
	int slave, r;
	void *map;

	devuser_emul_kill(dv->emul);
	slave = devuser_slave_fd(dv->master, 0);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, rw, MAP_SHARED, 0), -ENXIO);
	DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K + 1), 0);

	DEVUSER_EXPECT(try_mmap(slave, 2 * SZ_4K, rw, MAP_SHARED, 0), 0);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, PROT_READ, MAP_SHARED, 0), 0);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, rw, MAP_SHARED, SZ_4K), 0);

	DEVUSER_EXPECT(try_mmap(slave, 3 * SZ_4K, rw, MAP_SHARED, 0), -EINVAL);
	DEVUSER_EXPECT(try_mmap(slave, 2 * SZ_4K, rw, MAP_SHARED, SZ_4K), -EINVAL);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, rw, MAP_SHARED, 2 * SZ_4K), -EINVAL);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, rw, MAP_SHARED, 1ull << 40), -EINVAL);
	DEVUSER_EXPECT(try_mmap(slave, SZ_4K, rw, MAP_PRIVATE, 0), -EINVAL);
	/* Later kernels refuse it for any anonymous inode. */
	r = try_mmap(slave, SZ_4K, rw | PROT_EXEC, MAP_SHARED, 0);
	TEST_ASSERT(r == -EINVAL || r == -EPERM, "Executable: %d", r);

	/* Neither made executable nor larger later. */
	map = mmap(NULL, SZ_4K, rw, MAP_SHARED, slave, 0);
	TEST_ASSERT(map != MAP_FAILED, "mmap() failed");
	DEVUSER_EXPECT(devuser_ret(mprotect(map, SZ_4K, PROT_READ | PROT_EXEC)), -EACCES);
	TEST_ASSERT(mremap(map, SZ_4K, 2 * SZ_4K, MREMAP_MAYMOVE) == MAP_FAILED,
		    "The mapping has grown");

	munmap(map, SZ_4K);
	close(slave);
	devuser_vm_free(dv);
}

/* R4, R9: a mapping keeps the slave; what it shows is zero at first, and shared. */
TEST(mmap_keeps_the_slave)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_syncs);
	struct kvm_dev_user_slave again = { .size = sizeof(again) };
	int slave, status, i;
	pid_t pid;
	u8 *map;

	devuser_emul_kill(dv->emul);
	slave = devuser_slave_fd(dv->master, 0);
	DEVUSER_EXPECT(devuser_shadow_size(slave, IMAGE), 0);
	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, &area, 1), 0);
	map = mmap(NULL, IMAGE, PROT_READ | PROT_WRITE, MAP_SHARED, slave, 0);
	TEST_ASSERT(map != MAP_FAILED, "mmap() failed");
	for (i = 0; i < IMAGE; i++)
		TEST_ASSERT(!map[i], "Byte %d of a new image is 0x%x", i, map[i]);

	close(slave);
	DEVUSER_EXPECT(devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD, &again), -EBUSY);
	TEST_ASSERT_EQ(devuser_status(dv->master).state, KVM_DEV_USER_LIVE);

	/* A child has the same image, not a copy. */
	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid) {
		map[IMAGE_AT + 1] = 0x77;
		_exit(0);
	}
	TEST_ASSERT(waitpid(pid, &status, 0) == pid && !status, "The child failed");
	TEST_ASSERT_EQ(next_load(dv), 0x7700);

	munmap(map, IMAGE);
	TEST_ASSERT_EQ(devuser_status(dv->master).state, KVM_DEV_USER_FAILED);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
