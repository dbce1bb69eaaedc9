// SPDX-License-Identifier: GPL-2.0-only
/*
 * R7 of the user device: an access that waits longer than the time-out fails the
 * device, and says so to all who are concerned.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define TIMEOUT_MS	400
#define NR_LATER	8

static u64 loaded[2];

static void guest_fail(u64 index)
{
	int i;

	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), ~0u);
	for (i = 0; i < NR_LATER; i++) {
		GUEST_ASSERT_EQ(guest_read8(DEVUSER_GPA + i), 0xff);
		GUEST_ASSERT_EQ(guest_read16(DEVUSER_GPA + 2 * i), 0xffff);
		GUEST_ASSERT_EQ(guest_read64(DEVUSER_GPA + 8 * i), ~0ull);
		GUEST_ASSERT_EQ(guest_in32(DEVUSER_PORT + 4 * i), ~0u);
		guest_write32(DEVUSER_GPA, i);
		guest_out8(DEVUSER_PORT, i);
	}
	GUEST_DONE();
}

static void guest_load(u64 index)
{
	WRITE_ONCE(loaded[index], guest_read32(DEVUSER_GPA + 4 * index));
	GUEST_DONE();
}

static void guest_loads(u64 index)
{
	for (;;)
		GUEST_SYNC(guest_read32(DEVUSER_GPA + 4));
}

/* R7: all ones, the device failed; later loads at once, later stores discarded. */
TEST(load_reads_ones)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_fail);
	int eventfd = devuser_watch(dv->master);
	struct kvm_dev_user_status status;
	struct kvm_dev_user_request req;
	u64 start = devuser_now_ms();
	u64 ms;

	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_told(eventfd), 0);
	devuser_vcpu_join(dv, 0);

	/* One time-out was waited for, by the first load. */
	ms = devuser_now_ms() - start;
	TEST_ASSERT(ms >= TIMEOUT_MS && ms < TIMEOUT_MS * (NR_LATER - 1),
		    "The guest was done after %lu ms", ms);

	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.state, KVM_DEV_USER_FAILED);
	TEST_ASSERT_EQ(status.reason, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(status.timeouts, 1);
	TEST_ASSERT_EQ(status.loads, 1);
	TEST_ASSERT_EQ(status.stores, 0);
	TEST_ASSERT_EQ(status.discarded, 2 * NR_LATER);
	TEST_ASSERT_EQ(status.pending + status.sent + status.vcpus, 0);
	TEST_ASSERT_EQ(devuser_told(eventfd), 1);
	devuser_vm_free(dv);
}

/* R7, R6: what the slave is told, and that its late reply is refused. */
TEST(slave_is_told)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;

	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);

	/* Sleeps in read() while the device fails. */
	DEVUSER_EXPECT(devuser_emul_read_one(dv->emul), -EIO);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded[0]), ~0u);

	TEST_ASSERT_EQ(devuser_emul_poll(dv->emul), POLLOUT | POLLERR);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -EIO);
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, 1);
	devuser_vm_free(dv);
}

#define NR_STORES	(DEVUSER_STORES_MAX + 40)

static void guest_stores(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES; i++)
		guest_write32(DEVUSER_GPA, i);
	GUEST_DONE();
}

/* R7, R5: a store that waits for room in the queue times out like a load. */
TEST(store_waits_for_room)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores);
	int eventfd = devuser_watch(dv->master);
	struct kvm_dev_user_status status;
	struct kvm_dev_user_request req;
	u64 start = devuser_now_ms();

	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT(devuser_now_ms() - start >= TIMEOUT_MS, "The last store did not wait");

	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.state, KVM_DEV_USER_FAILED);
	TEST_ASSERT_EQ(status.reason, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(status.timeouts, 1);
	TEST_ASSERT_EQ(status.stores, DEVUSER_STORES_MAX + 1);
	TEST_ASSERT_EQ(status.discarded, NR_STORES);
	TEST_ASSERT_EQ(status.pending + status.sent, 0);
	TEST_ASSERT_EQ(devuser_told(eventfd), 1);
	devuser_vm_free(dv);
}

/* R7: 0, at first or set again, is for ever, as far as a test can tell. */
TEST(zero_is_for_ever)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	for (i = 0; i < 2; i++) {
		devuser_run_unfinished(dv->vcpus[0], 2 * TIMEOUT_MS);
		devuser_emul_read(dv->emul, &req, 1);
		devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
		devuser_emul_answer(dv->emul, &req, 5 + i);
		TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 5 + i);

		devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS / 2);
		devuser_set_timeout(dv->master, 0);
	}
	devuser_vm_free(dv);
}

/* R7: 2^64 - 1 nanoseconds, a time-out beyond what a clock can hold, does not wrap. */
TEST(longest)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	const u64 timeouts[] = { ~0ull, ~0ull >> 1, (~0ull >> 1) - 1 };
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		devuser_set_timeout(dv->master, timeouts[i]);
		devuser_run_unfinished(dv->vcpus[0], 50);
		devuser_emul_read(dv->emul, &req, 1);
		devuser_emul_answer(dv->emul, &req, i);
		TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), i);
	}
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 0);
	devuser_vm_free(dv);
}

/*
 * R7: a time-out holds for accesses that begin after it was set. The one that
 * expires fails the device, and so the other load, which would wait for ever.
 */
TEST(fails_every_waiter)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_load);
	u64 *guest_loaded = DEVUSER_GUEST_VAR(dv->vm, loaded[0]);
	int i;

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 1);
	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	devuser_sleep_ms(TIMEOUT_MS + 200);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);

	devuser_vcpu_start(dv, 1);
	for (i = 0; i < 2; i++) {
		devuser_vcpu_join(dv, i);
		TEST_ASSERT_EQ(guest_loaded[i], ~0u);
	}
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 1);
	devuser_vm_free(dv);
}

/* R7, R10: signals neither stop the clock nor set it back. */
TEST(signals_do_not_prolong)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	u64 start = devuser_now_ms();
	int ret, eintrs = 0;
	u64 ms;

	devuser_catch_signals();
	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	devuser_alarm_ms(TIMEOUT_MS / 10);
	while ((ret = devuser_run_once(dv->vcpus[0])) == -EINTR) {
		TEST_ASSERT(devuser_now_ms() - start < 10 * TIMEOUT_MS,
			    "No time-out after %d signals", eintrs);
		eintrs++;
	}
	devuser_alarm_ms(0);
	ms = devuser_now_ms() - start;

	DEVUSER_EXPECT(ret, 0);
	TEST_ASSERT(eintrs >= 2, "KVM_RUN was interrupted %d times only", eintrs);
	TEST_ASSERT(ms >= TIMEOUT_MS, "Timed out after %lu ms", ms);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	devuser_vm_free(dv);
}

/* R7, R10: nor does the time that the vCPU spends outside of KVM_RUN count less. */
TEST(runs_on_outside)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	u64 start;

	devuser_catch_signals();
	devuser_set_timeout(dv->master, 3 * TIMEOUT_MS * MSEC_NS);
	devuser_run_unfinished(dv->vcpus[0], 50);
	devuser_sleep_ms(3 * TIMEOUT_MS);

	start = devuser_now_ms();
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ~0u);
	TEST_ASSERT(devuser_now_ms() - start < 2 * TIMEOUT_MS, "The clock was set back");
	devuser_vm_free(dv);
}

/* R7: a failed device works again with its next slave, once the hung one is closed. */
TEST(next_slave)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	struct kvm_dev_user_slave arg = { .size = sizeof(arg) };
	int eventfd = devuser_watch(dv->master);

	devuser_set_timeout(dv->master, TIMEOUT_MS * MSEC_NS);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ~0u);
	TEST_ASSERT_EQ(devuser_told(eventfd), 1);
	DEVUSER_EXPECT(devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD, &arg), -EBUSY);

	devuser_emul_kill(dv->emul);
	TEST_ASSERT_EQ(devuser_told(eventfd), 1);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ~0u);

	devuser_new_slave(dv, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));

	/* The time-out is the device's, not the slave's. */
	devuser_emul_serve(dv->emul, NULL);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ~0u);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 2);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
