// SPDX-License-Identifier: GPL-2.0-only
/*
 * R16 of the user device: the stores to a range that is KVM_DEV_USER_RANGE_NONPOSTED
 * come back to the guest with their reply.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define MMIO		DEVUSER_RID_MMIO
#define PORTS		DEVUSER_RID_PIO
#define REPLAY		(KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY)
#define RUNS		10
#define SOON_MS		20	/* until the signal comes */

/* How far each vCPU is. */
static u32 progress[DEVUSER_VCPUS_MAX];

static u32 guest_progress(struct devuser_vm *dv, u32 index)
{
	return READ_ONCE((*DEVUSER_GUEST_VAR(dv->vm, progress))[index]);
}

static void guest_did(u64 index)
{
	WRITE_ONCE(progress[index], progress[index] + 1);
}

/* Either of the ranges becomes a non-posted one, or a posted one again. */
static void set_flags(struct devuser_vm *dv, u32 rid, u32 flags)
{
	if (rid == MMIO)
		devuser_set_range(dv->master, rid, flags, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	else
		devuser_set_range(dv->master, rid, DEVUSER_PORTS_FLAG | flags,
				  DEVUSER_PORTS_BASE + DEVUSER_PORT, DEVUSER_PORT_LEN);
}

static struct devuser_vm *nonposted_vm(u32 nr_vcpus, void *guest_code, u32 rid)
{
	struct devuser_vm *dv = devuser_vm_create(nr_vcpus, guest_code);

	set_flags(dv, rid, KVM_DEV_USER_RANGE_NONPOSTED);
	return dv;
}

/* KVM_RUN until an access is unfinished and queued: the first signal may come between. */
static void run_queued(struct kvm_vcpu *vcpu)
{
	devuser_run_unfinished(vcpu, SOON_MS);
	devuser_run_interrupted(vcpu, SOON_MS);
}

static void expect_request(struct devuser_vm *dv, struct kvm_dev_user_request *req, u8 type,
			   u32 cpu, u32 rid, u64 offset, u8 len, u64 data)
{
	devuser_emul_read(dv->emul, req, 1);
	devuser_check_request(req, type, cpu, rid, offset, len);
	TEST_ASSERT_EQ(devuser_data(req), data);
}

/* --- The reply -------------------------------------------------------------------- */

FIXTURE(bus)
{
};

FIXTURE_VARIANT(bus)
{
	u32 rid;
	u64 spin_ns;
};

FIXTURE_VARIANT_ADD(bus, memory) { .rid = MMIO };
FIXTURE_VARIANT_ADD(bus, ports) { .rid = PORTS };
FIXTURE_VARIANT_ADD(bus, memory_spin) { .rid = MMIO, .spin_ns = 100000 };
FIXTURE_VARIANT_ADD(bus, ports_spin) { .rid = PORTS, .spin_ns = 100000 };

FIXTURE_SETUP(bus)
{
}

FIXTURE_TEARDOWN(bus)
{
}

static u32 bus_rid;

static void guest_four_stores(u64 index)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (READ_ONCE(bus_rid) == MMIO)
			guest_write16(DEVUSER_GPA + 2 * i, 0x1111 * i);
		else
			guest_out16(DEVUSER_PORT + 2 * i, 0x1111 * i);
		guest_did(index);
	}
	GUEST_DONE();
}

/* Store by store the guest waits for the reply, of whose data nothing is read. */
TEST_F(bus, waits_for_its_reply)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_four_stores, variant->rid);
	struct kvm_dev_user_request req;
	int i;

	*DEVUSER_GUEST_VAR(dv->vm, bus_rid) = variant->rid;
	devuser_set_spin(dv->master, variant->spin_ns, 0);
	devuser_vcpu_start(dv, 0);
	for (i = 0; i < 4; i++) {
		expect_request(dv, &req, KVM_DEV_USER_STORE, 0, variant->rid, 2 * i, 2, 0x1111 * i);
		DEVUSER_STAYS(guest_progress(dv, 0) == i);
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		TEST_ASSERT_EQ(devuser_status(dv->master).stores, i + 1);
		memset(req.data, 0xa5, sizeof(req.data));
		devuser_emul_answer(dv->emul, &req, 0);
		DEVUSER_WAIT(guest_progress(dv, 0) == i + 1);
	}
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, 0);
	devuser_vm_free(dv);
}

/* The range's flag can change while the guest runs; what is queued stays as it was. */
TEST_F(bus, changed)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_four_stores, variant->rid);
	struct kvm_dev_user_request reqs[4];

	*DEVUSER_GUEST_VAR(dv->vm, bus_rid) = variant->rid;
	devuser_set_spin(dv->master, variant->spin_ns, 0);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 1);
	set_flags(dv, variant->rid, 0);
	DEVUSER_STAYS(!guest_progress(dv, 0));
	devuser_emul_answer(dv->emul, &reqs[0], 0);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 3);
	devuser_vm_free(dv);
}

/* --- Among other requests ------------------------------------------------------------ */

static void guest_mixed(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);		/* posted */
	guest_did(index);
	guest_out8(DEVUSER_PORT, 2);
	guest_did(index);
	guest_write32(DEVUSER_GPA + 4, 3);	/* posted */
	guest_did(index);
	guest_out8(DEVUSER_PORT + 1, 4);
	guest_did(index);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(MMIO, 8, 4));
	guest_did(index);
	GUEST_DONE();
}

/*
 * R1, R3: one queue for both kinds. The store that is not posted waits for its own
 * reply and no other; the load still waits for the posted ones.
 */
TEST(beside_posted_stores)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_mixed, PORTS);
	struct kvm_dev_user_request posted[2], out[2], load;

	devuser_vcpu_start(dv, 0);
	expect_request(dv, &posted[0], KVM_DEV_USER_STORE, 0, MMIO, 0, 4, 1);
	expect_request(dv, &out[0], KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 2);
	DEVUSER_STAYS(guest_progress(dv, 0) == 1);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_answer(dv->emul, &out[0], 0);
	expect_request(dv, &posted[1], KVM_DEV_USER_STORE, 0, MMIO, 4, 4, 3);
	expect_request(dv, &out[1], KVM_DEV_USER_STORE, 0, PORTS, 1, 1, 4);

	/* The replies to what was posted do not let it go. */
	devuser_emul_answer(dv->emul, &posted[1], 0);
	DEVUSER_STAYS(guest_progress(dv, 0) == 3);
	devuser_emul_answer(dv->emul, &out[1], 0);
	expect_request(dv, &load, KVM_DEV_USER_LOAD, 0, MMIO, 8, 4, 0);
	devuser_fill(&load, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &load, 1), 1);
	DEVUSER_STAYS(guest_progress(dv, 0) == 4);
	devuser_emul_answer(dv->emul, &posted[0], 0);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

static void guest_fill_or_out(u64 index)
{
	int i;

	for (i = 0; !index && i < DEVUSER_STORES_MAX; i++)
		guest_write32(DEVUSER_GPA, i);
	if (index)
		guest_out8(DEVUSER_PORT, 5);
	guest_did(index);
	GUEST_DONE();
}

/* R5: it needs none of the requests that posted stores have used up. */
TEST(with_a_full_queue)
{
	struct devuser_vm *dv = nonposted_vm(2, guest_fill_or_out, PORTS);
	struct kvm_dev_user_request *reqs = calloc(DEVUSER_STORES_MAX, sizeof(*reqs)), req;

	TEST_ASSERT(reqs, "Out of memory");
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_vcpu_start(dv, 1);
	devuser_emul_read(dv->emul, reqs, DEVUSER_STORES_MAX);
	expect_request(dv, &req, KVM_DEV_USER_STORE, 1, PORTS, 0, 1, 5);
	DEVUSER_STAYS(!guest_progress(dv, 1));
	devuser_emul_answer(dv->emul, &req, 0);
	devuser_vcpu_join(dv, 1);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, DEVUSER_STORES_MAX);
	free(reqs);
	devuser_vm_free(dv);
}

/* --- Signals ------------------------------------------------------------------------- */

static void guest_out_then_load(u64 index)
{
	guest_out8(DEVUSER_PORT, 6);
	guest_did(index);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(MMIO, 8, 4));
	guest_did(index);
	GUEST_DONE();
}

static bool unfinished(struct kvm_vcpu *vcpu)
{
	return vcpu->run->flags & KVM_RUN_DEV_USER;
}

static void run_immediate_exit(struct kvm_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	DEVUSER_EXPECT(devuser_run_once(vcpu), -EINTR);
	vcpu->run->immediate_exit = 0;
}

/* R10: one request all the time, before it is read and after. */
TEST(signals)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_out_then_load, PORTS);
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	for (i = 0; i < RUNS; i++) {
		run_queued(dv->vcpus[0]);
		TEST_ASSERT_EQ(devuser_status(dv->master).stores, 1);
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		TEST_ASSERT_EQ(guest_progress(dv, 0), 0);
		if (i == RUNS / 2)
			expect_request(dv, &req, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
	}

	/* The reply finds the vCPU outside of KVM_RUN. */
	devuser_emul_answer(dv->emul, &req, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	TEST_ASSERT(unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is not set");
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, 1);
	devuser_vm_free(dv);
}

/* --- Abandon --------------------------------------------------------------------------- */

/*
 * The guest goes on, the store is delivered nevertheless. The load behind it does
 * not overtake it (R3): its request is the one that the store still has.
 */
static void check_abandon(bool sent)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_out_then_load, PORTS);
	struct kvm_dev_user_request store, load;

	devuser_catch_signals();
	run_queued(dv->vcpus[0]);
	if (sent)
		expect_request(dv, &store, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
	devuser_abandon(dv->master);
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, !sent);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, sent);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, 0);

	devuser_vcpu_start(dv, 0);
	if (!sent)
		expect_request(dv, &store, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
	DEVUSER_WAIT(guest_progress(dv, 0) == 1);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_answer(dv->emul, &store, 0);
	expect_request(dv, &load, KVM_DEV_USER_LOAD, 0, MMIO, 8, 4, 0);
	devuser_fill(&load, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &load, 1), 1);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, 1);
	devuser_vm_free(dv);
}

TEST(abandon_pending)
{
	check_abandon(false);
}

TEST(abandon_sent)
{
	check_abandon(true);
}

static void guest_two_outs(u64 index)
{
	guest_out8(DEVUSER_PORT, 6);
	guest_did(index);
	guest_out8(DEVUSER_PORT, 7);
	guest_did(index);
	GUEST_DONE();
}

/* The next one needs the vCPU's own request, which the abandoned one has: it waits. */
TEST(abandon_then_another)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_two_outs, PORTS);
	struct kvm_dev_user_request first, second;

	devuser_vcpu_start(dv, 0);
	expect_request(dv, &first, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
	devuser_abandon(dv->master);
	DEVUSER_WAIT(guest_progress(dv, 0) == 1);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_answer(dv->emul, &first, 0);
	expect_request(dv, &second, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 7);
	DEVUSER_STAYS(guest_progress(dv, 0) == 1);
	devuser_emul_answer(dv->emul, &second, 0);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* --- The slave stops ------------------------------------------------------------------- */

/* R7: the time-out fails the device and discards the store. */
TEST(timeout)
{
	struct devuser_vm *dv = nonposted_vm(1, guest_two_outs, PORTS);
	struct kvm_dev_user_status status;

	devuser_set_timeout(dv->master, 50 * MSEC_NS);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.timeouts, 1);
	TEST_ASSERT_EQ(status.discarded, 2);
	TEST_ASSERT_EQ(status.stores, 1);
	TEST_ASSERT_EQ(status.vcpus, 0);
	devuser_vm_free(dv);
}

FIXTURE(lost)
{
};

FIXTURE_VARIANT(lost)
{
	u32 flags;
	bool sent;
};

FIXTURE_VARIANT_ADD(lost, fail_pending) { .flags = 0 };
FIXTURE_VARIANT_ADD(lost, fail_sent) { .flags = 0, .sent = true };
FIXTURE_VARIANT_ADD(lost, hold_pending) { .flags = KVM_DEV_USER_SLAVE_HOLD };
FIXTURE_VARIANT_ADD(lost, hold_sent) { .flags = KVM_DEV_USER_SLAVE_HOLD, .sent = true };
FIXTURE_VARIANT_ADD(lost, replay_pending) { .flags = REPLAY };
FIXTURE_VARIANT_ADD(lost, replay_sent) { .flags = REPLAY, .sent = true };

FIXTURE_SETUP(lost)
{
}

FIXTURE_TEARDOWN(lost)
{
}

/* R8: the store is discarded, or waits for the next slave. */
TEST_F(lost, slave)
{
	bool kept = variant->flags == REPLAY || (variant->flags && !variant->sent);
	struct devuser_vm *dv = nonposted_vm(1, guest_two_outs, PORTS);
	struct kvm_dev_user_request req;

	devuser_new_slave(dv, variant->flags);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 1);
	if (variant->sent)
		expect_request(dv, &req, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
	devuser_emul_kill(dv->emul);
	if (kept)
		DEVUSER_STAYS(!guest_progress(dv, 0));
	else
		DEVUSER_WAIT(guest_progress(dv, 0));
	TEST_ASSERT(variant->flags || devuser_status(dv->master).discarded,
		    "Nothing was discarded");
	if (variant->flags) {
		devuser_new_slave(dv, variant->flags);
		if (kept) {
			expect_request(dv, &req, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 6);
			TEST_ASSERT_EQ(req.flags, variant->sent ? KVM_DEV_USER_REPLAYED : 0);
			devuser_emul_answer(dv->emul, &req, 0);
		}
		expect_request(dv, &req, KVM_DEV_USER_STORE, 0, PORTS, 0, 1, 7);
		devuser_emul_answer(dv->emul, &req, 0);
	}
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
