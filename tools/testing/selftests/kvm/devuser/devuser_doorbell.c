// SPDX-License-Identifier: GPL-2.0-only
/*
 * R17 of the user device: a store that matches a doorbell signals its eventfd and
 * is done, with neither request nor reply; any other store is the slave's, and so
 * is one that would overtake another of its vCPU's.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define MMIO		DEVUSER_RID_MMIO
#define PORTS		DEVUSER_RID_PIO
#define VALUE		KVM_DEV_USER_DOORBELL_VALUE
#define NR_FDS		8
#define NR_BELLS	10
#define NONE		(-1)

/* A VM whose slave is this process's own. */
struct bells {
	struct devuser_vm *dv;
	int slave;
	int fds[NR_FDS];
};

static struct bells *bells_new(u32 nr_vcpus, void *guest_code, u32 flags)
{
	struct bells *b = calloc(1, sizeof(*b));
	int i;

	TEST_ASSERT(b, "Out of memory");
	b->dv = devuser_vm_create(nr_vcpus, guest_code);
	devuser_emul_kill(b->dv->emul);
	b->slave = devuser_slave_fd(b->dv->master, flags);
	TEST_ASSERT(!fcntl(b->slave, F_SETFL, O_NONBLOCK), "fcntl() failed");
	for (i = 0; i < NR_FDS; i++) {
		b->fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		TEST_ASSERT(b->fds[i] >= 0, "eventfd() failed");
	}
	return b;
}

static void bells_free(struct bells *b)
{
	int i;

	for (i = 0; i < NR_FDS; i++)
		close(b->fds[i]);
	close(b->slave);
	devuser_vm_free(b->dv);
	free(b);
}

/* Sets doorbells whose fd is an index into b->fds. */
static void bells_set(struct bells *b, const struct kvm_dev_user_doorbell *bells, u32 nr)
{
	struct kvm_dev_user_doorbell copy[NR_BELLS];
	u32 i;

	TEST_ASSERT(nr <= ARRAY_SIZE(copy), "%u doorbells are too many", nr);
	for (i = 0; i < nr; i++) {
		copy[i] = bells[i];
		copy[i].fd = b->fds[bells[i].fd];
	}
	DEVUSER_EXPECT(devuser_set_doorbells(b->slave, copy, nr), 0);
}

/* The eventfds have been signalled so often, all others not at all. */
static void expect_rung(struct bells *b, int fd, u64 nr)
{
	int i;

	for (i = 0; i < NR_FDS; i++) {
		u64 told = devuser_told(b->fds[i]), want = i == fd ? nr : 0;

		TEST_ASSERT(told == want, "Eventfd %d was signalled %lu times, not %lu", i, told,
			    want);
	}
}

/* The slave gets exactly this store next. */
static void expect_store(struct bells *b, u32 cpu, u32 rid, u64 offset, u8 len, u64 value,
			 struct kvm_dev_user_request *req)
{
	DEVUSER_EXPECT(devuser_read(b->slave, req, 1), 1);
	devuser_check_request(req, KVM_DEV_USER_STORE, cpu, rid, offset, len);
	TEST_ASSERT_EQ(devuser_data(req), value);
}

static void answer(struct bells *b, struct kvm_dev_user_request *req)
{
	DEVUSER_EXPECT(devuser_write(b->slave, req, 1), 1);
}

static void expect_no_request(struct bells *b)
{
	struct kvm_dev_user_request req;

	DEVUSER_EXPECT(devuser_read(b->slave, &req, 1), -EAGAIN);
}

/* --- What matches ---------------------------------------------------------------- */

struct store {
	u32 rid;
	u64 offset;
	u32 len;
	u64 value;
	int rings;		/* which eventfd, or NONE */
};

static const struct kvm_dev_user_doorbell some_bells[NR_BELLS] = {
	{ .rid = MMIO, .offset = 0x10, .len = 4, .fd = 0 },
	{ .rid = MMIO, .offset = 0x20, .len = 4, .flags = VALUE, .value = 8, .fd = 2 },
	{ .rid = MMIO, .offset = 0x20, .len = 4, .flags = VALUE, .value = 7, .fd = 1 },
	{ .rid = MMIO, .offset = 0x20, .len = 2, .flags = VALUE, .value = 7, .fd = 3 },
	{ .rid = MMIO, .offset = 0x30, .len = 1, .fd = 4 },
	{ .rid = MMIO, .offset = 0x38, .len = 8, .flags = VALUE, .value = 0x8122334455667788,
	  .fd = 5 },
	{ .rid = PORTS, .offset = 4, .len = 1, .fd = 6 },
	{ .rid = PORTS, .offset = 8, .len = 2, .flags = VALUE, .value = 0xbeef, .fd = 7 },
	{ .rid = PORTS, .offset = 0x20, .len = 4, .fd = 0 },
	{ .rid = DEVUSER_RANGES_MAX - 1, .offset = 0x14, .len = 4, .fd = 0 },
};

static const struct store some_stores[] = {
	{ MMIO, 0x10, 4, 0, 0 },
	{ MMIO, 0x10, 4, 0xffffffff, 0 },
	{ MMIO, 0x10, 2, 0, NONE },
	{ MMIO, 0x10, 1, 0, NONE },
	{ MMIO, 0x10, 8, 0, NONE },
	{ MMIO, 0x0c, 4, 0, NONE },
	{ MMIO, 0x14, 4, 0, NONE },
	{ MMIO, 0x12, 2, 0, NONE },
	{ MMIO, 0x08, 8, 0, NONE },
	{ MMIO, 0x20, 4, 7, 1 },
	{ MMIO, 0x20, 4, 8, 2 },
	{ MMIO, 0x20, 4, 9, NONE },
	{ MMIO, 0x20, 4, 6, NONE },
	{ MMIO, 0x20, 4, 0x10007, NONE },
	{ MMIO, 0x20, 4, 0x07000000, NONE },
	{ MMIO, 0x20, 2, 7, 3 },
	{ MMIO, 0x20, 2, 8, NONE },
	{ MMIO, 0x20, 1, 7, NONE },
	{ MMIO, 0x20, 8, 7, NONE },
	{ MMIO, 0x30, 1, 0x80, 4 },
	{ MMIO, 0x31, 1, 0x80, NONE },
	{ MMIO, 0x38, 8, 0x8122334455667788, 5 },
	{ MMIO, 0x38, 8, 0x0122334455667788, NONE },
	{ MMIO, 0x38, 8, 0x8122334455667789, NONE },
	{ MMIO, 0x38, 4, 0x55667788, NONE },
	{ MMIO, 0x04, 1, 0, NONE },
	{ MMIO, 0x08, 2, 0xbeef, NONE },
	{ PORTS, 4, 1, 0x55, 6 },
	{ PORTS, 4, 2, 0x55, NONE },
	{ PORTS, 5, 1, 0x55, NONE },
	{ PORTS, 8, 2, 0xbeef, 7 },
	{ PORTS, 8, 2, 0xefbe, NONE },
	{ PORTS, 0x10, 4, 0, NONE },
	{ PORTS, 0x20, 4, 7, 0 },
	{ PORTS, 0x24, 4, 7, NONE },
};

static void guest_mmio_store(u64 addr, u32 len, u64 value)
{
	if (len == 1)
		guest_write8(addr, value);
	else if (len == 2)
		guest_write16(addr, value);
	else if (len == 4)
		guest_write32(addr, value);
	else
		guest_write64(addr, value);
}

static void guest_store(const struct store *store)
{
	if (store->rid == MMIO)
		guest_mmio_store(DEVUSER_GPA + store->offset, store->len, store->value);
	else if (store->len == 1)
		guest_out8(DEVUSER_PORT + store->offset, store->value);
	else if (store->len == 2)
		guest_out16(DEVUSER_PORT + store->offset, store->value);
	else
		guest_out32(DEVUSER_PORT + store->offset, store->value);
}

static void guest_some_stores(u64 index)
{
	int i;

	for (;;) {
		for (i = 0; i < ARRAY_SIZE(some_stores); i++) {
			guest_store(&some_stores[i]);
			GUEST_SYNC(i);
		}
	}
}

/* Runs the guest for one of them. */
static void expect_some_store(struct bells *b, const struct store *store)
{
	struct kvm_dev_user_request req;

	devuser_run_sync(b->dv->vcpus[0]);
	expect_rung(b, store->rings, 1);
	if (store->rings == NONE) {
		expect_store(b, 0, store->rid, store->offset, store->len, store->value, &req);
		answer(b, &req);
	}
	expect_no_request(b);
}

/* By range, offset, length and value; what matches in all but one goes to the slave. */
TEST(match)
{
	struct bells *b = bells_new(1, guest_some_stores, 0);
	struct kvm_dev_user_status status;
	u64 rings = 0;
	int i, round;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(some_stores); i++) {
			expect_some_store(b, &some_stores[i]);
			rings += some_stores[i].rings != NONE;
		}
	}
	status = devuser_status(b->dv->master);
	TEST_ASSERT_EQ(status.doorbells, rings);
	TEST_ASSERT_EQ(status.stores, round * ARRAY_SIZE(some_stores) - rings);
	bells_free(b);
}

static void guest_load_bell(u64 index)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 0x10), 0x600dcafe);
	GUEST_SYNC(0);
	GUEST_DONE();
}

/* A load is no store. */
TEST(load)
{
	struct bells *b = bells_new(1, guest_load_bell, 0);
	struct kvm_dev_user_request req;
	const u32 value = 0x600dcafe;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	devuser_vcpu_start(b->dv, 0);
	DEVUSER_WAIT(devuser_status(b->dv->master).pending == 1);
	DEVUSER_EXPECT(devuser_read(b->slave, &req, 1), 1);
	memcpy(req.data, &value, sizeof(value));
	answer(b, &req);
	devuser_vcpu_join(b->dv, 0);
	expect_rung(b, NONE, 0);
	bells_free(b);
}

static long fdinfo_doorbells(int fd)
{
	char path[64], line[128];
	long nr = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	TEST_ASSERT(file, "Cannot open %s", path);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "devuser-doorbells: %ld", &nr);
	fclose(file);
	return nr;
}

/* Counted in the status and in both descriptors' fdinfo. */
TEST(counted)
{
	struct bells *b = bells_new(1, guest_some_stores, 0);
	int i;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	for (i = 0; i < 2; i++) {
		TEST_ASSERT_EQ(devuser_status(b->dv->master).doorbells, i);
		TEST_ASSERT_EQ(fdinfo_doorbells(b->dv->master), i);
		TEST_ASSERT_EQ(fdinfo_doorbells(b->slave), i);
		devuser_run_sync(b->dv->vcpus[0]);
	}
	TEST_ASSERT_EQ(devuser_status(b->dv->master).stores, 0);
	bells_free(b);
}

/* --- What it may not overtake ---------------------------------------------------- */

#define BELL		0x10		/* of some_bells, with eventfd 0 */
#define PLAIN		0x80		/* none */

/* Stores where the host says, in the order of its GUEST_SYNC()s. */
static u64 place[2];

static void guest_at_place(u64 index)
{
	for (;;) {
		guest_write32(DEVUSER_GPA + READ_ONCE(place[index]), index);
		GUEST_SYNC(0);
	}
}

static void store_at(struct bells *b, u32 index, u64 offset)
{
	WRITE_ONCE((*DEVUSER_GUEST_VAR(b->dv->vm, place))[index], offset);
	devuser_run_sync(b->dv->vcpus[index]);
}

/*
 * With a posted store outstanding, pending or sent, the doorbell's is queued
 * behind it; and another behind that one. When all are answered it signals again.
 */
TEST(behind_posted_stores)
{
	struct bells *b = bells_new(1, guest_at_place, 0);
	struct kvm_dev_user_request first, second, third;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);
	store_at(b, 0, PLAIN);
	store_at(b, 0, BELL);
	expect_rung(b, NONE, 0);
	expect_store(b, 0, MMIO, PLAIN, 4, 0, &first);
	expect_store(b, 0, MMIO, BELL, 4, 0, &second);
	expect_no_request(b);

	store_at(b, 0, BELL);
	expect_store(b, 0, MMIO, BELL, 4, 0, &third);
	answer(b, &first);
	answer(b, &third);
	store_at(b, 0, BELL);
	expect_rung(b, NONE, 0);
	expect_store(b, 0, MMIO, BELL, 4, 0, &third);
	answer(b, &second);
	answer(b, &third);
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);
	expect_no_request(b);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).doorbells, 2);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).stores, 4);
	bells_free(b);
}

/* Another vCPU's stores are no reason to wait. */
TEST(beside_another_vcpu)
{
	struct bells *b = bells_new(2, guest_at_place, 0);
	struct kvm_dev_user_request req;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	store_at(b, 0, PLAIN);
	store_at(b, 1, BELL);
	expect_rung(b, 0, 1);
	expect_store(b, 0, MMIO, PLAIN, 4, 0, &req);
	store_at(b, 1, BELL);
	expect_rung(b, 0, 1);
	answer(b, &req);
	bells_free(b);
}

#define OTHER_RID	7
#define OTHER_GPA	(DEVUSER_GPA + DEVUSER_MMIO_LEN)

static void guest_two_devices(u64 index)
{
	guest_write32(OTHER_GPA, 1);
	guest_write32(DEVUSER_GPA + BELL, 1);
	GUEST_SYNC(0);
}

/* Nor are those to another device. */
TEST(beside_another_device)
{
	struct bells *b = bells_new(1, guest_two_devices, 0);
	int other = devuser_create(b->dv->vm);
	int slave = devuser_slave_fd(other, 0);

	devuser_set_range(other, OTHER_RID, 0, OTHER_GPA, SZ_4K);
	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	devuser_run_sync(b->dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(other).pending, 1);
	expect_rung(b, 0, 1);
	close(slave);
	close(other);
	bells_free(b);
}

/* --- Where it is looked for ------------------------------------------------------ */

/* A vCPU's first access, which goes another way than all that follow. */
TEST(first_access)
{
	struct bells *b = bells_new(1, guest_at_place, 0);

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);
	expect_no_request(b);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).stores, 0);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).vcpus, 0);
	bells_free(b);
}

/* A doorbell belongs to a range's id, wherever the range is, and before it is there. */
TEST(moving_range)
{
	const struct kvm_dev_user_doorbell bell = {
		.rid = OTHER_RID, .offset = BELL, .len = 4, .fd = 3,
	};
	struct bells *b = bells_new(1, guest_at_place, 0);
	struct kvm_dev_user_request req;

	bells_set(b, &bell, 1);
	store_at(b, 0, BELL);
	expect_store(b, 0, MMIO, BELL, 4, 0, &req);
	answer(b, &req);
	devuser_set_range(b->dv->master, OTHER_RID, 0, OTHER_GPA, SZ_4K);
	store_at(b, 0, DEVUSER_MMIO_LEN + BELL);
	expect_rung(b, 3, 1);
	devuser_set_range(b->dv->master, OTHER_RID, 0, OTHER_GPA + SZ_4K, SZ_4K);
	store_at(b, 0, DEVUSER_MMIO_LEN + SZ_4K + BELL);
	expect_rung(b, 3, 1);
	expect_no_request(b);
	bells_free(b);
}

/* The range's stores are not posted; a doorbell's has no reply to wait for all the same. */
TEST(nonposted_range)
{
	struct bells *b = bells_new(1, guest_some_stores, 0);
	long exits = 0;
	int i;

	devuser_set_range(b->dv->master, MMIO, KVM_DEV_USER_RANGE_NONPOSTED, DEVUSER_GPA,
			  DEVUSER_MMIO_LEN);
	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	for (i = 0; i < 2; i++) {
		exits = devuser_nr_mmio_exits();
		devuser_run_sync(b->dv->vcpus[0]);
		expect_rung(b, 0, 1);
		expect_no_request(b);
	}
	TEST_ASSERT_EQ(devuser_status(b->dv->master).stores, 0);

	/* All but a vCPU's first access rings it on the bus. */
	TEST_ASSERT_EQ(devuser_nr_mmio_exits(), exits);
	bells_free(b);
}

static bool rung;

static void guest_plain_then_bell(u64 index)
{
	guest_out8(DEVUSER_PORT, 1);
	guest_write32(DEVUSER_GPA + BELL, 2);
	WRITE_ONCE(rung, true);
	GUEST_DONE();
}

/* Behind a posted store it is as any other of the range: it waits for its reply. */
TEST(nonposted_behind_posted)
{
	struct bells *b = bells_new(1, guest_plain_then_bell, 0);
	struct kvm_dev_user_request first, second;

	devuser_set_range(b->dv->master, MMIO, KVM_DEV_USER_RANGE_NONPOSTED, DEVUSER_GPA,
			  DEVUSER_MMIO_LEN);
	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	devuser_vcpu_start(b->dv, 0);
	DEVUSER_WAIT(devuser_status(b->dv->master).pending == 2);
	expect_store(b, 0, PORTS, 0, 1, 1, &first);
	expect_store(b, 0, MMIO, BELL, 4, 2, &second);
	answer(b, &first);
	DEVUSER_STAYS(!READ_ONCE(*DEVUSER_GUEST_VAR(b->dv->vm, rung)));
	expect_rung(b, NONE, 0);
	answer(b, &second);
	devuser_vcpu_join(b->dv, 0);
	expect_rung(b, NONE, 0);
	bells_free(b);
}

static u8 string[] = { 7, 7, 1, 7, 7 };

static void guest_string(u64 index)
{
	guest_out_string(DEVUSER_PORT + 4, string, ARRAY_SIZE(string));
	GUEST_SYNC(0);
}

/* Each element of string I/O, up to the first that the slave gets. */
TEST(string_io)
{
	const struct kvm_dev_user_doorbell bell = {
		.rid = PORTS, .offset = 4, .len = 1, .flags = VALUE, .value = 7, .fd = 2,
	};
	struct bells *b = bells_new(1, guest_string, 0);
	struct kvm_dev_user_request req;
	int i;

	bells_set(b, &bell, 1);
	devuser_run_sync(b->dv->vcpus[0]);
	expect_rung(b, 2, 2);
	for (i = 2; i < ARRAY_SIZE(string); i++)
		expect_store(b, 0, PORTS, 4, 1, i == 2 ? 1 : 7, &req);
	expect_no_request(b);
	bells_free(b);
}

/* Only x86 cuts an access in two where a page ends. */
#ifdef __x86_64__

static void guest_two_pages(u64 index)
{
	/* The vCPU's first access is not like others. */
	guest_read32(DEVUSER_GPA + PLAIN);
	guest_write64(DEVUSER_GPA + SZ_4K - 4, 0x0000000200000001);
	WRITE_ONCE(rung, true);
	GUEST_DONE();
}

/* The second half of a store rings when the first one has been carried out, not before. */
TEST(behind_a_piece)
{
	const struct kvm_dev_user_doorbell bell = {
		.rid = MMIO, .offset = SZ_4K, .len = 4, .fd = 1,
	};
	struct bells *b = bells_new(1, guest_two_pages, 0);
	struct kvm_dev_user_request req;

	devuser_set_range(b->dv->master, MMIO, KVM_DEV_USER_RANGE_NONPOSTED, DEVUSER_GPA,
			  DEVUSER_MMIO_LEN);
	bells_set(b, &bell, 1);
	devuser_vcpu_start(b->dv, 0);
	DEVUSER_WAIT(devuser_status(b->dv->master).pending == 1);
	DEVUSER_EXPECT(devuser_read(b->slave, &req, 1), 1);
	answer(b, &req);
	DEVUSER_WAIT(devuser_status(b->dv->master).pending == 1);
	expect_store(b, 0, MMIO, SZ_4K - 4, 4, 1, &req);
	DEVUSER_STAYS(!READ_ONCE(*DEVUSER_GUEST_VAR(b->dv->vm, rung)));
	expect_rung(b, NONE, 0);
	answer(b, &req);
	devuser_vcpu_join(b->dv, 0);
	expect_rung(b, 1, 1);
	expect_no_request(b);
	bells_free(b);
}

#endif

/* --- Its life ---------------------------------------------------------------------- */

/* A table that is refused leaves the one before; the next one replaces it wholly. */
TEST(replaced)
{
	const struct kvm_dev_user_doorbell other = {
		.rid = MMIO, .offset = PLAIN, .len = 4, .fd = 4,
	};
	struct kvm_dev_user_doorbell bad = { .rid = MMIO, .offset = PLAIN, .len = 3 };
	struct bells *b = bells_new(1, guest_at_place, 0);
	struct kvm_dev_user_request req;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	bad.fd = b->fds[0];
	DEVUSER_EXPECT(devuser_set_doorbells(b->slave, &bad, 1), -EINVAL);
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);

	bells_set(b, &other, 1);
	store_at(b, 0, PLAIN);
	expect_rung(b, 4, 1);
	store_at(b, 0, BELL);
	expect_rung(b, NONE, 0);
	expect_store(b, 0, MMIO, BELL, 4, 0, &req);
	answer(b, &req);

	bells_set(b, NULL, 0);
	store_at(b, 0, PLAIN);
	expect_rung(b, NONE, 0);
	expect_store(b, 0, MMIO, PLAIN, 4, 0, &req);
	answer(b, &req);
	bells_free(b);
}

/* The slave's doorbells end with it: the next one has none. */
TEST(slave_closed)
{
	struct bells *b = bells_new(1, guest_at_place, KVM_DEV_USER_SLAVE_HOLD);
	struct kvm_dev_user_request req;

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);
	close(b->slave);
	store_at(b, 0, BELL);
	expect_rung(b, NONE, 0);
	b->slave = devuser_slave_fd(b->dv->master, 0);
	TEST_ASSERT(!fcntl(b->slave, F_SETFL, O_NONBLOCK), "fcntl() failed");
	store_at(b, 0, BELL);
	expect_rung(b, NONE, 0);
	expect_store(b, 0, MMIO, BELL, 4, 0, &req);
	answer(b, &req);
	expect_store(b, 0, MMIO, BELL, 4, 0, &req);
	answer(b, &req);
	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	store_at(b, 0, BELL);
	expect_rung(b, 0, 1);
	bells_free(b);
}

static void guest_load_then_bells(u64 index)
{
	guest_read32(DEVUSER_GPA);
	for (;;) {
		guest_write32(DEVUSER_GPA + BELL, 1);
		GUEST_SYNC(0);
	}
}

/* R7: a device that has failed discards the store; its slave cannot change that. */
TEST(failed_device)
{
	struct bells *b = bells_new(1, guest_load_then_bells, 0);

	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	devuser_set_timeout(b->dv->master, 20 * MSEC_NS);
	devuser_run_sync(b->dv->vcpus[0]);
	devuser_expect_state(b->dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).discarded, 1);
	bells_set(b, some_bells, ARRAY_SIZE(some_bells));
	devuser_run_sync(b->dv->vcpus[0]);
	expect_rung(b, NONE, 0);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).discarded, 2);
	TEST_ASSERT_EQ(devuser_status(b->dv->master).doorbells, 0);
	bells_free(b);
}

/* --- Under fire -------------------------------------------------------------------- */

#define TABLES_MAX	150
#define TABLES_MIN	30
#define FIRE_MS		3000	/* for more than that */
#define FIRE_VCPUS	2

static bool stop;
static u64 nr_stores[FIRE_VCPUS];

static void guest_fire(u64 index)
{
	u64 nr = 0;

	while (!READ_ONCE(stop)) {
		guest_write32(DEVUSER_GPA + BELL, nr++ % 3);
		WRITE_ONCE(nr_stores[index], nr);
	}
	GUEST_DONE();
}

struct server {
	pthread_t thread;
	struct bells *b;
	u64 nr;
	bool stop;
};

/* Answers whatever comes instead of a ring. */
static void *server_thread(void *arg)
{
	struct server *server = arg;
	struct kvm_dev_user_request reqs[16];
	struct pollfd fd = { .fd = server->b->slave, .events = POLLIN };
	long nr;

	while (!READ_ONCE(server->stop)) {
		poll(&fd, 1, 10);
		nr = devuser_read(server->b->slave, reqs, ARRAY_SIZE(reqs));
		if (nr == -EAGAIN)
			continue;
		TEST_ASSERT(nr > 0, "read() returned %ld", nr);
		DEVUSER_EXPECT(devuser_write(server->b->slave, reqs, nr), nr);
		server->nr += nr;
	}
	return NULL;
}

/* What the eventfds of a table have counted, which nobody signals any more. */
static u64 close_rung(const int *fds)
{
	u64 rings = 0;
	int i;

	for (i = 0; i < NR_FDS; i++) {
		rings += devuser_told(fds[i]);
		close(fds[i]);
	}
	return rings;
}

/* Sets one of three kinds of tables, all of whose eventfds are new. */
static void set_table(struct bells *b, int kind, int *fds)
{
	struct kvm_dev_user_doorbell bells[NR_FDS];
	int i;

	for (i = 0; i < NR_FDS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		TEST_ASSERT(fds[i] >= 0, "eventfd() failed");
		bells[i] = (struct kvm_dev_user_doorbell) {
			.rid = MMIO,
			.offset = BELL,
			.len = 4,
			.flags = kind ? VALUE : 0,
			.value = kind ? i : 0,
			.fd = fds[i],
		};
	}
	DEVUSER_EXPECT(devuser_set_doorbells(b->slave, bells,
					     kind == 0 ? 1 : kind == 1 ? NR_FDS : 0), 0);
}

/* Replaces table by table, and returns how often all of them have rung. */
static u64 replace_tables(struct bells *b)
{
	u64 rings = 0, start = devuser_now_ms();
	int fds[2][NR_FDS];
	int i;

	set_table(b, 2, fds[0]);
	for (i = 1; i <= TABLES_MIN ||
	     (i <= TABLES_MAX && devuser_now_ms() - start < FIRE_MS); i++) {
		set_table(b, i % 3, fds[i % 2]);
		rings += close_rung(fds[(i - 1) % 2]);
		usleep(1000);
	}
	set_table(b, 2, fds[i % 2]);
	close_rung(fds[i % 2]);
	return rings + close_rung(fds[(i - 1) % 2]);
}

/* Each store rings once or comes once, whichever table it finds. */
TEST(replaced_under_fire)
{
	struct bells *b = bells_new(FIRE_VCPUS, guest_fire, 0);
	struct server server = { .b = b };
	struct kvm_dev_user_status status;
	u64 rings, stores = 0;
	int i;

	TEST_ASSERT(!pthread_create(&server.thread, NULL, server_thread, &server),
		    "pthread_create() failed");
	for (i = 0; i < FIRE_VCPUS; i++)
		devuser_vcpu_start(b->dv, i);
	rings = replace_tables(b);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(b->dv->vm, stop), true);
	for (i = 0; i < FIRE_VCPUS; i++) {
		devuser_vcpu_join(b->dv, i);
		stores += (*DEVUSER_GUEST_VAR(b->dv->vm, nr_stores))[i];
	}
	DEVUSER_EXPECT(__devuser_quiet(b->dv->master, 0, 0), 0);
	WRITE_ONCE(server.stop, true);
	pthread_join(server.thread, NULL);

	status = devuser_status(b->dv->master);
	ksft_print_msg("%lu stores, %lu rings\n", stores, rings);
	TEST_ASSERT(rings && server.nr, "%lu rings, %lu requests: not all was tried", rings,
		    server.nr);
	TEST_ASSERT_EQ(status.doorbells, rings);
	TEST_ASSERT_EQ(status.stores, server.nr);
	TEST_ASSERT_EQ(rings + server.nr, stores);
	bells_free(b);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
