// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_USER_SPIN: who looks for the other side before it sleeps sees the same
 * as who sleeps at once.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define MAX_NS		DEVUSER_SPIN_MAX
#define SHORT_NS	100000
#define ROUNDS		200
#define LATE_LOADS	20
#define TRIES		3	/* on a busy machine others disturb the one or the other */
#define MOVES		500

TEST(bounds)
{
	struct devuser_vm *dv = devuser_vm_create(1, NULL);

	DEVUSER_EXPECT(__devuser_set_spin(dv->master, MAX_NS + 1ull, 0), -EINVAL);
	DEVUSER_EXPECT(__devuser_set_spin(dv->master, 0, MAX_NS + 1ull), -EINVAL);
	DEVUSER_EXPECT(__devuser_set_spin(dv->master, 1ull << 32, 0), -EINVAL);
	DEVUSER_EXPECT(__devuser_set_spin(dv->master, 0, 1ull << 32), -EINVAL);
	DEVUSER_EXPECT(__devuser_set_spin(dv->master, MAX_NS, MAX_NS), 0);
	DEVUSER_EXPECT(__devuser_set_spin(dv->master, 0, 0), 0);
	devuser_vm_free(dv);
}

static void guest_mix(u64 index)
{
	int i, offset;
	u32 val;

	for (i = 0; i < ROUNDS; i++) {
		offset = 4 * (i % 64);
		guest_write32(DEVUSER_GPA + offset, i);
		val = guest_read32(DEVUSER_GPA + offset);
		GUEST_ASSERT_EQ(val, devuser_pattern(RID, offset, 4));
	}
	GUEST_DONE();
}

/* The emulator's log of what guest_mix() does. */
static void check_mix(struct devuser_emul *emul)
{
	u32 i, next = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 offset = 4 * (i % 64);

		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, offset, 4, i);
		devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, RID, offset, 4, 0);
	}
}

/* Replies and the next requests by one system call, until the master is closed. */
static void serve_exchange(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	while (nr > 0) {
		devuser_fill(reqs, nr);
		nr = devuser_exchange(emul->slave, reqs, nr, reqs, DEVUSER_BATCH_MAX);
		if (nr > 0)
			devuser_emul_log(emul, reqs, nr);
	}
}

static void run_mix(u64 vcpu_ns, u64 slave_ns, devuser_serve_t serve)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_mix);

	devuser_set_spin(dv->master, vcpu_ns, slave_ns);
	devuser_emul_serve(dv->emul, serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	check_mix(dv->emul);
	devuser_vm_free(dv);
}

/* R1, R2, R3, whoever spins. */
TEST(order)
{
	run_mix(SHORT_NS, 0, devuser_serve);
	run_mix(0, SHORT_NS, devuser_serve);
	run_mix(SHORT_NS, SHORT_NS, devuser_serve);
	run_mix(SHORT_NS, SHORT_NS, serve_exchange);
}

static u64 cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static void guest_late_loads(u64 index)
{
	int i;

	for (i = 0; i < LATE_LOADS; i++)
		guest_read32(DEVUSER_GPA);
	GUEST_DONE();
}

/* The processor's time that a vCPU takes for loads that are answered late. */
static u64 run_late(u64 vcpu_ns)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_late_loads);
	u64 start;

	devuser_set_spin(dv->master, vcpu_ns, 0);
	dv->emul->shared->delay_us = MAX_NS / 1000;
	devuser_emul_serve(dv->emul, devuser_serve);
	start = cpu_ms();
	devuser_vcpu_run_done(dv->vcpus[0]);
	start = cpu_ms() - start;
	devuser_vm_free(dv);
	return start;
}

/* Who spins takes the processor for as long as that was allowed. */
TEST(takes_the_processor)
{
	u64 slept = -1ull, spun = 0;
	int i;

	for (i = 0; i < TRIES; i++) {
		slept = min(slept, run_late(0));
		spun = max(spun, run_late(MAX_NS));
	}
	TEST_ASSERT(spun > slept + LATE_LOADS * MAX_NS / MSEC_NS / 2,
		    "%lu ms with a spin, %lu ms without", spun, slept);
}

static void guest_load(u64 index)
{
	GUEST_SYNC(guest_read32(DEVUSER_GPA + 8));
	GUEST_SYNC(guest_read32(DEVUSER_GPA + 8));
	GUEST_DONE();
}

/* The spin ends; the reply comes later. */
TEST(late_reply)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);

	devuser_set_spin(dv->master, 1000, 1000);
	dv->emul->shared->delay_us = 50000;
	devuser_emul_serve(dv->emul, devuser_serve);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), devuser_pattern(RID, 8, 4));
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), devuser_pattern(RID, 8, 4));
	devuser_vm_free(dv);
}

/* R10: a signal ends the spin and what follows; the access goes on as it was. */
TEST(signals)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	devuser_set_spin(dv->master, MAX_NS, MAX_NS);
	for (i = 0; i < 10; i++) {
		devuser_run_unfinished(dv->vcpus[0], 4);
		TEST_ASSERT_EQ(devuser_status(dv->master).loads, 1);
	}
	devuser_emul_read(dv->emul, &req, 1);
	devuser_emul_answer(dv->emul, &req, 0x600dcafe);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 0x600dcafe);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 1);
	devuser_vm_free(dv);
}

/* R7: the time-out holds for one that spins. */
TEST(timeout)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);

	devuser_set_spin(dv->master, MAX_NS, 0);
	devuser_set_timeout(dv->master, 100 * MSEC_NS);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), (u32)~0);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), (u32)~0);
	TEST_ASSERT_EQ(devuser_status(dv->master).timeouts, 1);
	devuser_vm_free(dv);
}

static bool stop;
static u64 nr_loads;

static void guest_count_loads(u64 index)
{
	for (; !READ_ONCE(stop); nr_loads++)
		guest_read32(DEVUSER_GPA + SZ_4K);
	GUEST_DONE();
}

/* The vCPU loads all the time, while the range that it loads from comes and goes. */
static struct kvm_dev_user_status load_while_moved(struct devuser_vm *dv, u32 delay_us)
{
	int i;

	devuser_set_spin(dv->master, SHORT_NS, 0);
	dv->emul->shared->delay_us = delay_us;
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_start(dv, 0);
	for (i = 0; i < MOVES; i++)
		devuser_set_range(dv->master, RID, 0, DEVUSER_GPA + i % 2 * SZ_4K,
				  DEVUSER_MMIO_LEN);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 0);
	return devuser_status(dv->master);
}

/*
 * While a range is moved, both its places are on the bus.  A load that the one
 * declines comes to the other, and is one load all the same.
 */
TEST(moved)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_count_loads);
	struct kvm_dev_user_status status;

	status = load_while_moved(dv, 1);
	TEST_ASSERT_EQ(status.loads, *DEVUSER_GUEST_VAR(dv->vm, nr_loads));
	TEST_ASSERT_EQ(status.vcpus, 0);
	devuser_vm_free(dv);
}

/*
 * The same where one of the places is served by the shadow image: the other one's
 * declined load is not served by it.
 */
TEST(moved_over_image)
{
	const struct kvm_dev_user_shadow_area area = { .rid = RID, .access = 4, .len = 8 };
	struct devuser_vm *dv = devuser_vm_create(1, guest_count_loads);
	struct kvm_dev_user_status status;

	devuser_emul_shadow(dv->emul, SZ_4K, &area, 1);
	status = load_while_moved(dv, 300);
	TEST_ASSERT(status.loads && status.shadow_loads, "Not both places were tried");
	TEST_ASSERT_EQ(status.loads + status.shadow_loads, *DEVUSER_GUEST_VAR(dv->vm, nr_loads));
	TEST_ASSERT_EQ(status.vcpus, 0);
	devuser_vm_free(dv);
}

/* Only x86 cuts an access in two where a page ends. */
#ifdef __x86_64__

#define END_OF_MAP	(DEVUSER_GPA + DEVUSER_PAGES * SZ_4K)

static void guest_half_fault(void)
{
	u8 vector;

	/* The vCPU's first access is not like others. */
	guest_read32(DEVUSER_GPA);
	vector = kvm_asm_safe("cmpq $0, (%[at])", [at] "r"(END_OF_MAP - 4));
	GUEST_ASSERT_EQ(vector, PF_VECTOR);
	guest_read32(DEVUSER_GPA);
	GUEST_DONE();
}

/* A load whose second piece faults is none; the first piece is not left behind. */
TEST(half_fault)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_half_fault);
	struct kvm_dev_user_status status;

	devuser_set_range(dv->master, RID, 0, DEVUSER_GPA, DEVUSER_PAGES * SZ_4K);
	devuser_set_spin(dv->master, SHORT_NS, 0);
	dv->emul->shared->delay_us = 1000;
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.loads, 2);
	TEST_ASSERT_EQ(status.vcpus, 0);
	devuser_vm_free(dv);
}

#endif

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
