// SPDX-License-Identifier: GPL-2.0-only
/*
 * R7 of the user device: the time-out is for the oldest request, not for each.
 * Who is slow, and goes on, is not failed for what is queued in front of a load; nor
 * who says that one request takes long, as far as the master believes it.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define LOADED_AT	4
#define SLACK_MS	3000	/* for a slow machine */

static u64 loaded;

/* vCPU 0 loads; vCPU 1 posts @nr stores before that. */
static void guest_load(u64 index)
{
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + LOADED_AT));
	GUEST_DONE();
}

static void guest_stores(u64 nr)
{
	while (nr--)
		guest_write32(DEVUSER_GPA, nr);
	GUEST_DONE();
}

static struct devuser_vm *create(u64 nr_stores, u32 timeout_ms)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_load);

	vcpu_arch_set_entry_point(dv->vcpus[1], guest_stores);
	vcpu_args_set(dv->vcpus[1], 1, nr_stores);
	devuser_vcpu_run_done(dv->vcpus[1]);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, nr_stores);
	devuser_set_timeout(dv->master, timeout_ms * MSEC_NS);
	return dv;
}

/* Returns when vCPU 0 has begun its load. */
static u64 start_load(struct devuser_vm *dv)
{
	u64 start = devuser_now_ms();

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).vcpus == 1);
	return start;
}

/* Waits until the device has failed; returns when. */
static u64 wait_failure(struct devuser_vm *dv)
{
	DEVUSER_WAIT(devuser_status(dv->master).state == KVM_DEV_USER_FAILED);
	return devuser_now_ms();
}

static void check_failure(struct devuser_vm *dv)
{
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), (u32)~0);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 1);
}

#define SLOW_MS		1000
#define SLOW_US		20000	/* for a store */

/* The load's turn comes after several time-outs, of which none had passed by. */
TEST(slow)
{
	struct devuser_vm *dv = create(DEVUSER_STORES_MAX, SLOW_MS);
	u64 start, ms;

	dv->emul->shared->batch = 1;
	dv->emul->shared->delay_us = SLOW_US;
	start = start_load(dv);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	ms = devuser_now_ms() - start;

	TEST_ASSERT(ms > 4 * SLOW_MS, "The load took %lu ms only", ms);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), devuser_pattern(RID, LOADED_AT, 4));
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 0);
	devuser_vm_free(dv);
}

#define DEAD_MS		400

static void check_duration(u64 ms, u64 min_ms, u64 max_ms)
{
	TEST_ASSERT(ms >= min_ms && ms <= max_ms, "Failed after %lu ms, not %lu to %lu", ms,
		    min_ms, max_ms);
}

/* One that does nothing at all. */
TEST(dead)
{
	struct devuser_vm *dv = create(1, DEAD_MS);
	u64 start = start_load(dv);

	check_duration(wait_failure(dv) - start, DEAD_MS, 2 * DEAD_MS + SLACK_MS);
	check_failure(dv);
	devuser_vm_free(dv);
}

#define NEWER_US	16000	/* for a reply: of all of them, longer than the test */

/* Answers all but the oldest, one after the other. */
static long answer_newer(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request reqs[DEVUSER_STORES_MAX];
	int i;

	DEVUSER_EXPECT(devuser_read(emul->slave, reqs, ARRAY_SIZE(reqs)), ARRAY_SIZE(reqs));
	for (i = ARRAY_SIZE(reqs) - 1; i; i--) {
		if (devuser_write(emul->slave, &reqs[i], 1) != 1)
			break;
		usleep(NEWER_US);
	}
	return i;
}

/* One that has lost a request, and is busy with others. */
TEST(never_the_oldest)
{
	struct devuser_vm *dv = create(DEVUSER_STORES_MAX, DEAD_MS);
	u64 start;

	devuser_emul_call_start(dv->emul, answer_newer, NULL, 0);
	DEVUSER_WAIT(devuser_status(dv->master).sent);
	start = start_load(dv);
	check_duration(wait_failure(dv) - start, DEAD_MS, 2 * DEAD_MS + SLACK_MS);
	check_failure(dv);
	TEST_ASSERT(devuser_emul_call_end(dv->emul, NULL), "It had nothing left to answer");
	devuser_vm_free(dv);
}

#define STOPS_MS	1500

/* One that stops: each request has had the whole of the time when it fails. */
TEST(stops)
{
	struct devuser_vm *dv = create(2, STOPS_MS);
	struct kvm_dev_user_request reqs[2];
	u64 start, stop, end;

	devuser_emul_read(dv->emul, reqs, 2);
	start = start_load(dv);
	devuser_sleep_ms(STOPS_MS / 5);
	stop = devuser_now_ms();
	devuser_emul_answer(dv->emul, &reqs[0], 0);

	end = wait_failure(dv);
	check_duration(end - stop, STOPS_MS, 2 * STOPS_MS + SLACK_MS);
	check_duration(end - start, 2 * STOPS_MS, 2 * STOPS_MS + SLACK_MS);
	check_failure(dv);
	devuser_vm_free(dv);
}

#define BUSY_MS		400
#define BUSY_TICKS	4		/* in a time-out */
#define FOR_EVER	(~0ull)

/* The emulator says that it is busy, so many times; returns the last time's error. */
struct busy {
	u32 times;
	u32 first_ms;
};

static long say_busy(struct devuser_emul *emul, void *arg)
{
	struct busy *busy = arg;
	long ret = 0;

	usleep(busy->first_ms * 1000);
	while (!ret && busy->times--) {
		ret = devuser_busy(emul->slave);
		usleep(BUSY_MS * 1000 / BUSY_TICKS);
	}
	return ret;
}

/* A VM whose load has been read, by one who is believed for so long. */
static struct devuser_vm *create_busy(u64 believed_ns, struct kvm_dev_user_request *req,
				      u64 *start)
{
	struct devuser_vm *dv = create(0, BUSY_MS);

	devuser_set_timeouts(dv->master, BUSY_MS * MSEC_NS, believed_ns);
	*start = start_load(dv);
	devuser_emul_read(dv->emul, req, 1);
	return dv;
}

/* One that is busy for several time-outs, and then answers. */
TEST(busy)
{
	struct busy busy = { .times = 5 * BUSY_TICKS };
	struct kvm_dev_user_request req;
	struct devuser_vm *dv;
	u64 start;

	dv = create_busy(FOR_EVER, &req, &start);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, say_busy, &busy, sizeof(busy)), 0);
	devuser_emul_answer(dv->emul, &req, 7);
	devuser_vcpu_join(dv, 0);

	TEST_ASSERT(devuser_now_ms() - start > 4 * BUSY_MS, "It was not busy for long");
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), 7);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).busy, 5 * BUSY_TICKS);
	devuser_vm_free(dv);
}

/* One that only says so is believed for as long as the master lets it. */
TEST(busy_for_too_long)
{
	struct busy busy = { .times = ~0u };
	struct kvm_dev_user_request req;
	struct devuser_vm *dv;
	u64 start;

	dv = create_busy(3 * BUSY_MS * MSEC_NS, &req, &start);
	devuser_emul_call_start(dv->emul, say_busy, &busy, sizeof(busy));
	check_duration(wait_failure(dv) - start, 3 * BUSY_MS, 5 * BUSY_MS + SLACK_MS);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, &busy), -EIO);
	check_failure(dv);
	devuser_vm_free(dv);
}

/* By default it is not believed at all. */
TEST(busy_in_vain)
{
	struct busy busy = { .times = ~0u };
	struct kvm_dev_user_request req;
	struct devuser_vm *dv;
	u64 start;

	dv = create_busy(0, &req, &start);
	devuser_emul_call_start(dv->emul, say_busy, &busy, sizeof(busy));
	check_duration(wait_failure(dv) - start, BUSY_MS, 2 * BUSY_MS + SLACK_MS);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, &busy), -EIO);
	check_failure(dv);
	devuser_vm_free(dv);
}

/* One that hangs after it has said so has the time once more, and not for ever. */
TEST(busy_and_hangs)
{
	struct busy busy = { .times = 1, .first_ms = BUSY_MS / 2 };
	struct kvm_dev_user_request req;
	struct devuser_vm *dv;
	u64 start;

	dv = create_busy(FOR_EVER, &req, &start);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, say_busy, &busy, sizeof(busy)), 0);
	check_duration(wait_failure(dv) - start, 2 * BUSY_MS, 3 * BUSY_MS + SLACK_MS);
	check_failure(dv);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
