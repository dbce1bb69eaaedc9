// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of requests (R1), and loads that wait for their vCPU's older stores
 * (R3).
 */
#include "devuser_util.h"
#include "kvm_test_harness.h"

#define RID_EXTRA	9
#define GPA_EXTRA	(DEVUSER_GPA + 8ull * SZ_4K)

/* --- R1: one FIFO ------------------------------------------------------------------- */

#define ROUNDS		40	/* of eight accesses each */
#define VCPUS		4

/* Stores say who made them and when. */
static u32 stamp(u64 index, u32 count)
{
	return index << 24 | count;
}

static void guest_everywhere(u64 index)
{
	u32 count = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		guest_write32(DEVUSER_GPA + 0x10, stamp(index, count++));
		guest_write32(GPA_EXTRA, stamp(index, count++));
		guest_out32(DEVUSER_PORT + 4, stamp(index, count++));
		guest_read32(DEVUSER_GPA + 0x20);
		guest_write32(GPA_EXTRA + 8, stamp(index, count++));
		guest_in16(DEVUSER_PORT + 8);
		guest_out32(DEVUSER_PORT, stamp(index, count++));
		guest_read64(GPA_EXTRA + 16);
	}
	GUEST_DONE();
}

/* Checks access @nr of guest_everywhere(). */
static void check_everywhere(const struct kvm_dev_user_request *req, u32 index, u32 nr)
{
	static const struct {
		u8 type;
		u32 rid;
		u64 offset;
		u8 len;
	} accesses[] = {
		{ KVM_DEV_USER_STORE, DEVUSER_RID_MMIO, 0x10, 4 },
		{ KVM_DEV_USER_STORE, RID_EXTRA, 0, 4 },
		{ KVM_DEV_USER_STORE, DEVUSER_RID_PIO, 4, 4 },
		{ KVM_DEV_USER_LOAD, DEVUSER_RID_MMIO, 0x20, 4 },
		{ KVM_DEV_USER_STORE, RID_EXTRA, 8, 4 },
		{ KVM_DEV_USER_LOAD, DEVUSER_RID_PIO, 8, 2 },
		{ KVM_DEV_USER_STORE, DEVUSER_RID_PIO, 0, 4 },
		{ KVM_DEV_USER_LOAD, RID_EXTRA, 16, 8 },
	};
	static const u8 stores_before[] = { 0, 1, 2, 3, 3, 4, 4, 5 };
	const u32 at = nr % ARRAY_SIZE(accesses);
	const u32 round = nr / ARRAY_SIZE(accesses);

	devuser_check_request(req, accesses[at].type, index, accesses[at].rid,
			      accesses[at].offset, accesses[at].len);
	if (req->type == KVM_DEV_USER_STORE)
		TEST_ASSERT_EQ(devuser_data(req), stamp(index, round * 5 + stores_before[at]));
}

/* R1: all requests in one queue, each vCPU's in the order of its program. */
static void check_fifo(u32 vcpus)
{
	struct devuser_vm *dv = devuser_vm_create(vcpus, guest_everywhere);
	const struct kvm_dev_user_request *log = dv->emul->shared->log;
	u32 nr[VCPUS] = { 0 }, i;

	devuser_set_range(dv->master, RID_EXTRA, 0, GPA_EXTRA, SZ_4K);
	devuser_emul_serve(dv->emul, devuser_serve);
	for (i = 0; i < vcpus; i++)
		devuser_vcpu_start(dv, i);
	for (i = 0; i < vcpus; i++)
		devuser_vcpu_join(dv, i);

	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), vcpus * ROUNDS * 8);
	for (i = 0; i < vcpus * ROUNDS * 8; i++) {
		TEST_ASSERT(log[i].cpu < vcpus, "There is no vCPU %u", log[i].cpu);
		TEST_ASSERT(!i || log[i].seq > log[i - 1].seq,
			    "Sequence numbers do not increase");
		check_everywhere(&log[i], log[i].cpu, nr[log[i].cpu]++);
	}
	devuser_vm_free(dv);
}

TEST(fifo_of_one_vcpu)
{
	check_fifo(1);
}

TEST(fifo_of_several_vcpus)
{
	check_fifo(VCPUS);
}

/* R1: cpu is the id that KVM_CREATE_VCPU gave, not a count. */
static void guest_who(void)
{
	guest_write8(DEVUSER_GPA, 1);
	guest_read8(DEVUSER_GPA);
	GUEST_DONE();
}

TEST(cpu_is_the_vcpu_id)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_who);
	struct kvm_vcpu *vcpu = vm_vcpu_add(dv->vm, 7, guest_who);
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(vcpu);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 7, DEVUSER_RID_MMIO, 0, 1, 1);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 7, DEVUSER_RID_MMIO, 0, 1, 0);
	devuser_vm_free(dv);
}

/* --- R3: a load waits for older stores ----------------------------------------------------- */

/* What the guest loaded, once it has. */
static u32 loaded;
static bool has_loaded;

/* vCPU 0 stores in every range, then loads; others only load. */
static void guest_stores_then_load(u64 index)
{
	if (!index) {
		guest_write32(DEVUSER_GPA, 1);
		guest_write32(GPA_EXTRA, 2);
		guest_out32(DEVUSER_PORT, 3);
	}
	loaded = guest_read32(DEVUSER_GPA + 8);
	WRITE_ONCE(has_loaded, true);
	GUEST_DONE();
}

static bool guest_has_loaded(struct devuser_vm *dv)
{
	return READ_ONCE(*DEVUSER_GUEST_VAR(dv->vm, has_loaded));
}

static void write_reply(struct devuser_vm *dv, const struct kvm_dev_user_request *reply)
{
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reply, 1), 1);
}

static struct devuser_vm *order_vm(u32 vcpus, void *guest_code)
{
	struct devuser_vm *dv = devuser_vm_create(vcpus, guest_code);

	devuser_set_range(dv->master, RID_EXTRA, 0, GPA_EXTRA, SZ_4K);
	return dv;
}

/*
 * R3: the load's reply comes first, then those to the stores in any order; the
 * load completes with the last of them.
 */
static void check_load_waits(const int *replies)
{
	struct devuser_vm *dv = order_vm(1, guest_stores_then_load);
	struct kvm_dev_user_request reqs[4];
	int i;

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 4);
	TEST_ASSERT_EQ(reqs[3].type, KVM_DEV_USER_LOAD);
	devuser_fill(reqs, 4);
	for (i = 0; i < 4; i++) {
		DEVUSER_STAYS(!guest_has_loaded(dv));
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		write_reply(dv, &reqs[replies[i]]);
	}
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded),
		       devuser_pattern(DEVUSER_RID_MMIO, 8, 4));
	devuser_vm_free(dv);
}

TEST(load_waits_for_first_store)
{
	check_load_waits((const int []){ 3, 1, 2, 0 });
}

TEST(load_waits_for_last_store)
{
	check_load_waits((const int []){ 3, 0, 1, 2 });
}

TEST(load_waits_for_middle_store)
{
	check_load_waits((const int []){ 2, 3, 0, 1 });
}

/* R3: a load waits for its own reply when the stores have theirs. */
TEST(load_waits_for_its_reply)
{
	check_load_waits((const int []){ 2, 1, 0, 3 });
}

/* R3: all of them in one write(), the load's first. */
TEST(load_first_in_a_batch)
{
	struct devuser_vm *dv = order_vm(1, guest_stores_then_load);
	struct kvm_dev_user_request reqs[4], replies[4];
	int i;

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 4);
	devuser_fill(reqs, 4);
	for (i = 0; i < 4; i++)
		replies[i] = reqs[3 - i];
	DEVUSER_STAYS(!guest_has_loaded(dv));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, replies, 4), 4);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded),
		       devuser_pattern(DEVUSER_RID_MMIO, 8, 4));
	devuser_vm_free(dv);
}

/* R3: another vCPU's stores are no reason to wait. */
TEST(other_vcpus_stores)
{
	struct devuser_vm *dv = order_vm(2, guest_stores_then_load);
	struct kvm_dev_user_request reqs[5];

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 4);
	devuser_vcpu_start(dv, 1);
	devuser_emul_read(dv->emul, &reqs[4], 1);
	devuser_check_request(&reqs[4], KVM_DEV_USER_LOAD, 1, DEVUSER_RID_MMIO, 8, 4);
	devuser_fill(reqs, 5);
	write_reply(dv, &reqs[4]);
	devuser_vcpu_join(dv, 1);
	TEST_ASSERT(guest_has_loaded(dv), "The guest did not load");

	/* As the load of vCPU 0 still does. */
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 4);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 4), 4);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

#define GPA_OTHER	(DEVUSER_GPA + 12ull * SZ_4K)

static void guest_two_devices(void)
{
	guest_write32(GPA_OTHER, 1);
	loaded = guest_read32(DEVUSER_GPA);
	GUEST_DONE();
}

/* R3: another device's stores are no reason to wait. */
TEST(other_devices_stores)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_two_devices);
	struct devuser_emul *emul = devuser_emul_start();
	struct kvm_dev_user_request store;
	int other = devuser_create(dv->vm);

	devuser_emul_attach(emul, devuser_slave_fd(other, 0));
	devuser_set_range(other, 0, 0, GPA_OTHER, SZ_4K);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 1);
	TEST_ASSERT_EQ(devuser_status(other).pending, 1);
	devuser_emul_read(emul, &store, 1);
	devuser_check_request(&store, KVM_DEV_USER_STORE, 0, 0, 0, 4);

	close(other);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
