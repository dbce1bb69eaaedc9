// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posted stores: the guest goes on at once, none is lost or merged (R2), and a
 * full queue makes a vCPU sleep but locks out no other (R5).
 */
#include "devuser_util.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define MAX		DEVUSER_STORES_MAX

/* Stores of each vCPU; what each has done so far. */
static u32 nr_stores;
static u32 progress[DEVUSER_VCPUS_MAX];
static u32 loaded[DEVUSER_VCPUS_MAX];

/* All to the same address: nothing may merge them. */
static void guest_stores(u64 index)
{
	u32 i;

	for (i = 0; i < nr_stores; i++) {
		guest_write64(DEVUSER_GPA, index << 32 | i);
		WRITE_ONCE(progress[index], i + 1);
	}
	GUEST_DONE();
}

/* vCPU 0 stores, the others load. */
static void guest_stores_or_loads(u64 index)
{
	if (!index)
		guest_stores(index);

	loaded[index] = guest_read32(DEVUSER_GPA + 8 * index);
	WRITE_ONCE(progress[index], 1);
	GUEST_DONE();
}

static struct devuser_vm *posting_vm(u32 vcpus, void *guest_code, u32 stores)
{
	struct devuser_vm *dv = devuser_vm_create(vcpus, guest_code);

	*DEVUSER_GUEST_VAR(dv->vm, nr_stores) = stores;
	return dv;
}

static u32 guest_progress(struct devuser_vm *dv, u32 index)
{
	return READ_ONCE((*DEVUSER_GUEST_VAR(dv->vm, progress))[index]);
}

/* Each vCPU's stores in the log are all there, once, in its order. */
static void check_stores(struct devuser_vm *dv, u32 vcpus, u32 stores)
{
	const struct kvm_dev_user_request *log = dv->emul->shared->log;
	u32 seen[DEVUSER_VCPUS_MAX] = { 0 }, i;

	DEVUSER_WAIT(devuser_emul_nr(dv->emul) >= vcpus * stores);
	DEVUSER_STAYS(devuser_emul_nr(dv->emul) == vcpus * stores);
	for (i = 0; i < vcpus * stores; i++) {
		u64 cpu = log[i].cpu;

		TEST_ASSERT(cpu < vcpus, "There is no vCPU %lu", cpu);
		devuser_check_request(&log[i], KVM_DEV_USER_STORE, cpu, RID, 0, 8);
		TEST_ASSERT_EQ(devuser_data(&log[i]), cpu << 32 | seen[cpu]++);
	}
}

/* --- R2 ------------------------------------------------------------------------------- */

#define FEW		10

/* R2: the guest does not wait for the emulator, the data is kept. */
TEST(stores_return_at_once)
{
	struct devuser_vm *dv = posting_vm(1, guest_stores, FEW);
	struct kvm_dev_user_status status;

	devuser_vcpu_run_done(dv->vcpus[0]);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.pending, FEW);
	TEST_ASSERT_EQ(status.sent, 0);
	TEST_ASSERT_EQ(status.stores, FEW);
	TEST_ASSERT_EQ(status.vcpus, 0);

	devuser_emul_serve(dv->emul, devuser_serve);
	check_stores(dv, 1, FEW);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, NSEC_PER_SEC), 0);
	devuser_vm_free(dv);
}

#define HAMMER_VCPUS	8
#define HAMMER_STORES	150

/* R2, R5: vCPUs that overrun a slow emulator, whatever number it takes at a time. */
static void hammer(u32 batch, u32 delay_us)
{
	struct devuser_vm *dv = posting_vm(HAMMER_VCPUS, guest_stores, HAMMER_STORES);
	struct kvm_dev_user_status status;
	u32 i;

	dv->emul->shared->batch = batch;
	dv->emul->shared->delay_us = delay_us;
	for (i = 0; i < HAMMER_VCPUS; i++)
		devuser_vcpu_start(dv, i);
	DEVUSER_WAIT(devuser_status(dv->master).pending >= MAX);
	devuser_emul_serve(dv->emul, devuser_serve);
	for (i = 0; i < HAMMER_VCPUS; i++)
		devuser_vcpu_join(dv, i);

	check_stores(dv, HAMMER_VCPUS, HAMMER_STORES);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, NSEC_PER_SEC), 0);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.stores, HAMMER_VCPUS * HAMMER_STORES);
	TEST_ASSERT_EQ(status.discarded, 0);
	TEST_ASSERT_EQ(status.refused, 0);
	devuser_vm_free(dv);
}

TEST(hammer_batches)
{
	hammer(DEVUSER_BATCH_MAX, 2000);
}

TEST(hammer_some)
{
	hammer(17, 200);
}

TEST(hammer_one_by_one)
{
	hammer(1, 0);
}

/* --- R5 -------------------------------------------------------------------------------- */

#define BEYOND		20	/* stores that find no room */

/* Lets vCPU 0 store until it sleeps, returns how many it had done by then. */
static u32 fill_queue(struct devuser_vm *dv)
{
	u32 done;

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(guest_progress(dv, 0) >= MAX - 1 &&
		     devuser_status(dv->master).pending >= MAX);
	usleep(20000);
	done = guest_progress(dv, 0);
	TEST_ASSERT(done <= MAX + 1, "%u stores fit a queue of %u", done, MAX);
	DEVUSER_STAYS(guest_progress(dv, 0) == done);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	return done;
}

/* R5: a full queue makes the vCPU sleep, and no store is ever ahead of its room. */
TEST(full_queue_sleeps)
{
	struct devuser_vm *dv = posting_vm(1, guest_stores, MAX + BEYOND);
	struct kvm_dev_user_request req;
	u32 done, i;

	done = fill_queue(dv);
	for (i = 1; i < BEYOND / 2; i++) {
		devuser_emul_read(dv->emul, &req, 1);

		/* It is the reply that makes room, not that it has been read. */
		if (i == 1)
			DEVUSER_STAYS(guest_progress(dv, 0) == done);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), 1);
		usleep(5000);
		TEST_ASSERT(guest_progress(dv, 0) <= done + i + 1,
			    "%u replies let the guest do %u stores", i,
			    guest_progress(dv, 0) - done);
	}

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	check_stores(dv, 1, MAX + BEYOND);
	devuser_vm_free(dv);
}

/* R5: replies in any order make room. */
TEST(full_queue_answered_backwards)
{
	struct devuser_vm *dv = posting_vm(1, guest_stores, MAX + BEYOND);
	struct kvm_dev_user_request reqs[MAX], reply;
	u32 i;

	fill_queue(dv);
	devuser_emul_read(dv->emul, reqs, MAX);
	for (i = MAX; i-- > 0;) {
		reply = reqs[i];
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reply, 1), 1);
	}
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	check_stores(dv, 1, MAX + BEYOND);
	devuser_vm_free(dv);
}

#define LOADERS		3

/* R5: with a queue full of one vCPU's stores, others' loads get in and complete. */
TEST(loads_get_in)
{
	struct devuser_vm *dv = posting_vm(1 + LOADERS, guest_stores_or_loads, MAX + BEYOND);
	struct kvm_dev_user_request reqs[MAX + 1 + LOADERS];
	u32 done = fill_queue(dv), i, nr;

	for (i = 1; i <= LOADERS; i++)
		devuser_vcpu_start(dv, i);
	DEVUSER_WAIT(devuser_status(dv->master).loads == LOADERS);
	nr = devuser_status(dv->master).pending;
	TEST_ASSERT(nr <= ARRAY_SIZE(reqs), "%u requests are pending", nr);
	devuser_emul_read(dv->emul, reqs, nr);
	devuser_fill(reqs, nr);
	for (i = 0; i < nr; i++)
		if (reqs[i].type == KVM_DEV_USER_LOAD)
			DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), 1);
	for (i = 1; i <= LOADERS; i++) {
		devuser_vcpu_join(dv, i);
		TEST_ASSERT_EQ((*DEVUSER_GUEST_VAR(dv->vm, loaded))[i],
			       devuser_pattern(RID, 8 * i, 4));
	}
	TEST_ASSERT_EQ(guest_progress(dv, 0), done);

	for (i = 0; i < nr; i++)
		if (reqs[i].type == KVM_DEV_USER_STORE)
			DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), 1);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R5: the same when the queue is full of what has been read but not answered. */
TEST(loads_get_in_behind_sent_stores)
{
	struct devuser_vm *dv = posting_vm(2, guest_stores_or_loads, MAX + BEYOND);
	struct kvm_dev_user_request reqs[MAX + 1], load;
	u32 nr;

	fill_queue(dv);
	nr = devuser_status(dv->master).pending;
	TEST_ASSERT(nr <= ARRAY_SIZE(reqs), "%u requests are pending", nr);
	devuser_emul_read(dv->emul, reqs, nr);
	devuser_vcpu_start(dv, 1);
	devuser_emul_read(dv->emul, &load, 1);
	devuser_check_request(&load, KVM_DEV_USER_LOAD, 1, RID, 8, 4);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &load, 1), 1);
	devuser_vcpu_join(dv, 1);

	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, nr), nr);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
