// SPDX-License-Identifier: GPL-2.0-only
/*
 * R14 of the user device: the master waits until the device is quiet.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define SHORT_MS	100
#define LONG_NS		(DEVUSER_WAIT_MS * MSEC_NS)
#define NR_STORES	3
#define NR_BARRIERS	50

/* Stores, as many as the VMM asks for by this port. */
#define ASK_PORT	0x3000

static void guest_stores(u64 index)
{
	u32 i, nr, value = 0;

	for (;;) {
		nr = guest_in8(ASK_PORT);
		if (!nr)
			GUEST_DONE();
		for (i = 0; i < nr; i++)
			guest_write32(DEVUSER_GPA, value++);
	}
}

/* Until the guest asks; KVM_RUN completes its stores then. */
static void run_stores(struct kvm_vcpu *vcpu, u8 nr)
{
	struct kvm_run *run = vcpu->run;

	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(run->io.port, ASK_PORT);
	*((u8 *)run + run->io.data_offset) = nr;
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(run->io.port, ASK_PORT);
	*((u8 *)run + run->io.data_offset) = 0;
}

struct waiter {
	pthread_t thread;
	int master;
	u32 flags;
	long ret;
	bool started;
	bool done;
};

static void *waiter_thread(void *arg)
{
	struct waiter *waiter = arg;

	WRITE_ONCE(waiter->started, true);
	waiter->ret = __devuser_quiet(waiter->master, waiter->flags, 0);
	WRITE_ONCE(waiter->done, true);
	return NULL;
}

/* A thread that waits for ever, and by now is at it. */
static void waiter_start(struct waiter *waiter, int master, u32 flags)
{
	*waiter = (struct waiter) { .master = master, .flags = flags };
	TEST_ASSERT(!pthread_create(&waiter->thread, NULL, waiter_thread, waiter),
		    "pthread_create() failed");
	DEVUSER_WAIT(READ_ONCE(waiter->started));
	DEVUSER_STAYS(!READ_ONCE(waiter->done));
}

static void waiter_join(struct waiter *waiter, long want)
{
	DEVUSER_WAIT(READ_ONCE(waiter->done));
	pthread_join(waiter->thread, NULL);
	DEVUSER_EXPECT(waiter->ret, want);
}

FIXTURE(quiet) {
	struct devuser_vm *dv;
};

FIXTURE_VARIANT(quiet) {
	u32 flags;
};

FIXTURE_VARIANT_ADD(quiet, full) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(quiet, barrier) {
	.flags = KVM_DEV_USER_QUIET_BARRIER,
};

FIXTURE_SETUP(quiet)
{
	self->dv = devuser_vm_create(1, guest_stores);
	devuser_catch_signals();
}

FIXTURE_TEARDOWN(quiet)
{
	devuser_vm_free(self->dv);
}

/* R14: nothing was queued, or all of it was answered: no wait. */
TEST_F(quiet, at_once)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct devuser_vm *dv = self->dv;

	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 0), 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 1), 0);
	run_stores(dv->vcpus[0], NR_STORES);
	devuser_emul_read(dv->emul, reqs, NR_STORES);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_STORES), NR_STORES);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 0), 0);
}

/* R14: it waits for what is pending, then for what is sent, to the last reply. */
TEST_F(quiet, waits)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct devuser_vm *dv = self->dv;
	struct waiter waiter;
	int i;

	run_stores(dv->vcpus[0], NR_STORES);
	waiter_start(&waiter, dv->master, variant->flags);
	devuser_emul_read(dv->emul, reqs, NR_STORES);
	for (i = NR_STORES - 1; i >= 0; i--) {
		DEVUSER_STAYS(!READ_ONCE(waiter.done));
		devuser_emul_answer(dv->emul, &reqs[i], 0);
	}
	waiter_join(&waiter, 0);
}

/* R14: the time-out; the device does not mind. */
TEST_F(quiet, timeout)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct devuser_vm *dv = self->dv;
	u64 start, ms;

	run_stores(dv->vcpus[0], NR_STORES);
	start = devuser_now_ms();
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, SHORT_MS * MSEC_NS),
		       -ETIMEDOUT);
	ms = devuser_now_ms() - start;
	TEST_ASSERT(ms >= SHORT_MS && ms < 20 * SHORT_MS, "It took %lu ms", ms);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 1), -ETIMEDOUT);

	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, NR_STORES);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 0);
	devuser_emul_read(dv->emul, reqs, NR_STORES);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 1), -ETIMEDOUT);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_STORES), NR_STORES);
}

/* R14: a time-out of 2^64 - 1 nanoseconds is not over at once. */
TEST_F(quiet, longest)
{
	struct devuser_vm *dv = self->dv;

	run_stores(dv->vcpus[0], NR_STORES);
	devuser_alarm_ms(SHORT_MS);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, ~0ull), -EINTR);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, ~0ull >> 1), -EINTR);
	devuser_alarm_ms(0);
}

/* R14: a signal. */
TEST_F(quiet, signal)
{
	struct devuser_vm *dv = self->dv;

	run_stores(dv->vcpus[0], NR_STORES);
	devuser_alarm_ms(SHORT_MS);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, 0), -EINTR);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, variant->flags, LONG_NS), -EINTR);
	devuser_alarm_ms(0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
}

/* R14, R8: it ends with the slave. */
TEST_F(quiet, slave_dies)
{
	struct devuser_vm *dv = self->dv;
	struct waiter waiter;

	run_stores(dv->vcpus[0], NR_STORES);
	waiter_start(&waiter, dv->master, variant->flags);
	devuser_emul_kill(dv->emul);
	waiter_join(&waiter, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, NR_STORES);
}

/* R14, R8: but not when requests are kept for the next slave. */
TEST_F(quiet, slave_is_replaced)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct devuser_vm *dv = self->dv;
	struct waiter waiter;

	devuser_new_slave(dv, KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY);
	run_stores(dv->vcpus[0], NR_STORES);
	devuser_emul_read(dv->emul, reqs, 1);
	waiter_start(&waiter, dv->master, variant->flags);
	devuser_new_slave(dv, 0);
	devuser_emul_read(dv->emul, reqs, NR_STORES);
	DEVUSER_STAYS(!READ_ONCE(waiter.done));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_STORES), NR_STORES);
	waiter_join(&waiter, 0);
}

/* R14: what comes after the call is waited for, or is not. */
TEST_F(quiet, later_stores)
{
	struct kvm_dev_user_request reqs[2 * NR_STORES];
	struct devuser_vm *dv = self->dv;
	struct waiter waiter;

	run_stores(dv->vcpus[0], NR_STORES);
	waiter_start(&waiter, dv->master, variant->flags);
	*((u8 *)dv->vcpus[0]->run + dv->vcpus[0]->run->io.data_offset) = NR_STORES;
	vcpu_run(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 2 * NR_STORES);
	devuser_emul_read(dv->emul, reqs, 2 * NR_STORES);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_STORES), NR_STORES);
	if (variant->flags) {
		waiter_join(&waiter, 0);
		TEST_ASSERT_EQ(devuser_status(dv->master).sent, NR_STORES);
		return;
	}
	DEVUSER_STAYS(!READ_ONCE(waiter.done));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs + NR_STORES, NR_STORES), NR_STORES);
	waiter_join(&waiter, 0);
}

static bool stop;

/* The first vCPU stores a few and exits, the others never cease to store. */
static void guest_barrier(u64 index)
{
	u32 i, j, value = 0;

	if (index) {
		while (!READ_ONCE(stop))
			guest_write32(DEVUSER_GPA + 16 * index, value++);
		GUEST_DONE();
	}

	for (i = 0; i < NR_BARRIERS; i++) {
		for (j = 0; j < NR_STORES; j++)
			guest_write32(DEVUSER_GPA, value++);
		GUEST_SYNC(value);
	}
	GUEST_DONE();
}

/* How many stores of the first vCPU were answered, counted where they are. */
static void serve_count(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (reqs[i].cpu)
			continue;
		TEST_ASSERT_EQ(devuser_data(&reqs[i]), emul->shared->scratch[0]);
		WRITE_ONCE(emul->shared->scratch[0], emul->shared->scratch[0] + 1);
	}
	devuser_serve(emul, reqs, nr);
	emul->shared->nr = 0;
}

/* R14: what QEMU does before a PCI config access, while others keep on storing. */
TEST(barrier_under_load)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_barrier);
	int i;

	dv->emul->shared->batch = 16;
	devuser_emul_serve(dv->emul, serve_count);
	devuser_vcpu_start(dv, 1);
	for (i = 0; i < NR_BARRIERS; i++) {
		TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), (i + 1) * NR_STORES);
		DEVUSER_EXPECT(__devuser_quiet(dv->master, KVM_DEV_USER_QUIET_BARRIER, LONG_NS), 0);
		TEST_ASSERT_EQ(READ_ONCE(dv->emul->shared->scratch[0]), (i + 1) * NR_STORES);
	}
	TEST_ASSERT(devuser_status(dv->master).stores > NR_BARRIERS * NR_STORES,
		    "The other vCPU did not store");

	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 1);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, LONG_NS), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending + devuser_status(dv->master).sent, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
