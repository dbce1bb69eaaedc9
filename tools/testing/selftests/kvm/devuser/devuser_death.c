// SPDX-License-Identifier: GPL-2.0-only
/*
 * R8 of the user device: the slave is killed, in each state that a request can
 * have and with each choice of what becomes of the requests then.
 */
#include <sys/syscall.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define ANSWER		0x600dull
#define AFTER_GPA	(DEVUSER_GPA + 0x800)
#define NR_STORES	4

/* One store waits, so that many are queued. */
#define NR_QUEUED	(DEVUSER_STORES_MAX + 1)
#define NR_FULL		(NR_QUEUED + 20)
#define NR_READ		10

/* Each test has a process of its own. */
static struct devuser_vm *dv;
static int watch;
static u32 slave_flags;

FIXTURE(death) {
};

FIXTURE_VARIANT(death) {
	u32 flags;
};

FIXTURE_VARIANT_ADD(death, fail) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(death, hold) {
	.flags = KVM_DEV_USER_SLAVE_HOLD,
};

FIXTURE_VARIANT_ADD(death, replay) {
	.flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY,
};

FIXTURE_SETUP(death)
{
	slave_flags = variant->flags;
	devuser_catch_signals();
}

FIXTURE_TEARDOWN(death)
{
	close(watch);
	devuser_vm_free(dv);
}

static bool is_fail(void)
{
	return !slave_flags;
}

static bool is_replay(void)
{
	return slave_flags & KVM_DEV_USER_SLAVE_REPLAY;
}

/* A guest, and a slave with the variant's flags. */
static void start(u32 nr_vcpus, void *guest_code)
{
	dv = devuser_vm_create(nr_vcpus, guest_code);
	devuser_new_slave(dv, slave_flags);
	watch = devuser_watch(dv->master);
	TEST_ASSERT_EQ(devuser_told(watch), 0);
}

/* Kills the slave; the master is told once, and asks what happened. */
static void kill_slave(void)
{
	devuser_emul_kill(dv->emul);
	devuser_expect_state(dv->master,
			     is_fail() ? KVM_DEV_USER_FAILED : KVM_DEV_USER_HELD,
			     KVM_DEV_USER_REASON_CLOSED);
	TEST_ASSERT_EQ(devuser_told(watch), 1);
}

/* The next slave: the end of the failure, of which the master knows. */
static void next_slave(void)
{
	devuser_new_slave(dv, slave_flags);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_told(watch), 0);
}

static void expect_flags(const struct kvm_dev_user_request *reqs, int nr, u16 flags)
{
	int i;

	for (i = 0; i < nr; i++)
		TEST_ASSERT(reqs[i].flags == flags, "Request %d of %d has flags 0x%x", i + 1, nr,
			    reqs[i].flags);
}

/* Does a device with its new slave work, and have nothing else to do? */
static void expect_usable(u32 index)
{
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, index);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, DEVUSER_WAIT_MS * MSEC_NS), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
}

static void guest_idle(u64 index)
{
	GUEST_SYNC(0);
	GUEST_SYNC(guest_read32(DEVUSER_GPA));
	guest_write32(DEVUSER_GPA, 1);
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(guest_read32(AFTER_GPA), devuser_pattern(DEVUSER_RID_MMIO, 0x800, 4));
	GUEST_DONE();
}

/* R8: nothing was queued. What comes then fails, or waits for the next slave. */
TEST_F(death, idle)
{
	struct kvm_dev_user_request req;

	start(1, guest_idle);
	devuser_run_sync(dv->vcpus[0]);
	kill_slave();
	if (is_fail()) {
		TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ~0u);
		devuser_run_sync(dv->vcpus[0]);
		TEST_ASSERT_EQ(devuser_status(dv->master).discarded, 1);
		TEST_ASSERT_EQ(devuser_status(dv->master).loads, 0);
		next_slave();
	} else {
		devuser_run_unfinished(dv->vcpus[0], 100);
		TEST_ASSERT_EQ(devuser_status(dv->master).pending, 1);
		next_slave();
		devuser_emul_read(dv->emul, &req, 1);
		expect_flags(&req, 1, 0);
		devuser_emul_answer(dv->emul, &req, ANSWER);
		TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), ANSWER);
		devuser_run_sync(dv->vcpus[0]);
		TEST_ASSERT_EQ(devuser_status(dv->master).discarded, 0);
	}
	devuser_vcpu_start(dv, 0);
	expect_usable(0);
}

static u64 loaded;

static void guest_load(u64 index)
{
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + 8));
	GUEST_ASSERT_EQ(guest_read32(AFTER_GPA), devuser_pattern(DEVUSER_RID_MMIO, 0x800, 4));
	GUEST_DONE();
}

static void guest_load_once(u64 index)
{
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + 8));
	GUEST_DONE();
}

static void *load_guest(void)
{
	return is_fail() ? guest_load_once : guest_load;
}

/* R8: a load that nobody had read. */
TEST_F(death, load_pending)
{
	struct kvm_dev_user_request req;

	start(1, load_guest());
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 1);
	kill_slave();
	if (is_fail()) {
		devuser_vcpu_join(dv, 0);
		TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), ~0u);
		next_slave();
		devuser_emul_expect_idle(dv->emul);
		return;
	}

	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 1);
	next_slave();
	devuser_emul_read(dv->emul, &req, 1);
	devuser_check_request(&req, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 8, 4);
	expect_flags(&req, 1, 0);
	devuser_emul_answer(dv->emul, &req, ANSWER);
	expect_usable(0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), ANSWER);
}

/* R8: a load that had been read: failed, or given to the next slave. */
TEST_F(death, load_sent)
{
	struct kvm_dev_user_request req, again;

	start(1, load_guest());
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	kill_slave();
	if (is_fail()) {
		devuser_vcpu_join(dv, 0);
		TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), ~0u);
		next_slave();
		devuser_emul_expect_idle(dv->emul);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ESTALE);
		return;
	}

	if (!is_replay()) {
		DEVUSER_WAIT(*DEVUSER_GUEST_VAR(dv->vm, loaded) == ~0u);
		next_slave();
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ESTALE);
	} else {
		next_slave();
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ENOENT);
		devuser_emul_read(dv->emul, &again, 1);
		expect_flags(&again, 1, KVM_DEV_USER_REPLAYED);
		TEST_ASSERT_EQ(again.seq, req.seq);
		devuser_check_request(&again, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 8, 4);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -EBADMSG);
		devuser_emul_answer(dv->emul, &again, ANSWER);
		DEVUSER_WAIT(*DEVUSER_GUEST_VAR(dv->vm, loaded) == ANSWER);
	}
	expect_usable(0);
}

static void guest_stores(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES; i++)
		guest_write32(DEVUSER_GPA + 4 * i, i);
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(guest_read32(AFTER_GPA), devuser_pattern(DEVUSER_RID_MMIO, 0x800, 4));
	GUEST_DONE();
}

static void check_stores(const struct kvm_dev_user_request *reqs, int first, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		devuser_check_request(&reqs[i], KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO,
				      4 * (first + i), 4);
		TEST_ASSERT_EQ(devuser_data(&reqs[i]), first + i);
		TEST_ASSERT(!i || reqs[i].seq > reqs[i - 1].seq, "Out of order");
	}
}

/* Reads and answers @nr stores, of which the first @nr_again are replayed. */
static void take_stores(int first, int nr, int nr_again)
{
	struct kvm_dev_user_request reqs[NR_QUEUED];

	devuser_emul_read(dv->emul, reqs, nr);
	check_stores(reqs, first, nr);
	expect_flags(reqs, nr_again, KVM_DEV_USER_REPLAYED);
	expect_flags(reqs + nr_again, nr - nr_again, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, nr), nr);
}

/* R8: posted stores, of which the slave had read the first @nr_sent. */
static void run_stores(int nr_sent)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	int nr_lost = NR_STORES, nr_again = 0;

	start(1, guest_stores);
	if (!is_fail()) {
		nr_again = is_replay() ? nr_sent : 0;
		nr_lost = nr_sent - nr_again;
	}

	devuser_run_sync(dv->vcpus[0]);
	if (nr_sent)
		devuser_emul_read(dv->emul, reqs, nr_sent);
	kill_slave();
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, nr_lost);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, NR_STORES - nr_lost);

	next_slave();
	if (nr_lost < NR_STORES)
		take_stores(nr_lost, NR_STORES - nr_lost, nr_again);
	devuser_emul_expect_idle(dv->emul);
	devuser_vcpu_start(dv, 0);
	expect_usable(0);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, nr_lost);
}

TEST_F(death, stores_pending)
{
	run_stores(0);
}

TEST_F(death, stores_some_sent)
{
	run_stores(NR_STORES / 2);
}

TEST_F(death, stores_sent)
{
	run_stores(NR_STORES);
}

/* R8: replayed requests are replayed once more, still before all others. */
TEST_F(death, twice)
{
	struct kvm_dev_user_request reqs[NR_STORES];

	start(1, guest_stores);
	if (!is_replay())
		return;

	devuser_run_sync(dv->vcpus[0]);
	devuser_emul_read(dv->emul, reqs, 2);
	kill_slave();
	next_slave();
	devuser_emul_read(dv->emul, reqs, 1);
	expect_flags(reqs, 1, KVM_DEV_USER_REPLAYED);
	kill_slave();
	next_slave();
	take_stores(0, NR_STORES, 2);
	devuser_vcpu_start(dv, 0);
	expect_usable(0);
}

static void guest_store_load(u64 index)
{
	guest_write32(DEVUSER_GPA, 0);
	guest_write32(DEVUSER_GPA + 4, 1);
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + 8));
	GUEST_DONE();
}

/*
 * R8, R3: a load that was answered, but waits for older stores. Its answer holds;
 * what it waits for is failed, or has to be answered by the next slave.
 */
TEST_F(death, load_behind_stores)
{
	struct kvm_dev_user_request reqs[3];

	start(1, guest_store_load);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 3);
	devuser_emul_answer(dv->emul, &reqs[2], ANSWER);
	devuser_sleep_ms(50);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	kill_slave();
	if (is_replay()) {
		next_slave();
		devuser_emul_read(dv->emul, reqs, 2);
		check_stores(reqs, 0, 2);
		expect_flags(reqs, 2, KVM_DEV_USER_REPLAYED);
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 2), 2);
	}
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), ANSWER);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, is_replay() ? 0 : 2);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	if (!is_replay())
		next_slave();
	devuser_emul_expect_idle(dv->emul);
}

static void guest_fill(u64 index)
{
	int i;

	for (i = 0; i < NR_FULL; i++)
		guest_write32(DEVUSER_GPA + 4 * i, i);
	GUEST_DONE();
}

/* R8, R5: a store waits for room, with some of the queue read. */
TEST_F(death, queue_full)
{
	int nr_lost = is_replay() ? 0 : is_fail() ? NR_FULL : NR_READ;
	struct kvm_dev_user_request reqs[NR_READ];

	start(1, guest_fill);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == NR_QUEUED);
	devuser_emul_read(dv->emul, reqs, NR_READ);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	kill_slave();
	if (is_fail()) {
		devuser_vcpu_join(dv, 0);
		next_slave();
		devuser_emul_expect_idle(dv->emul);
	} else {
		next_slave();
		take_stores(nr_lost, NR_QUEUED - nr_lost, NR_READ - nr_lost);
		take_stores(NR_QUEUED, NR_FULL - NR_QUEUED, 0);
		devuser_vcpu_join(dv, 0);
	}
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, nr_lost);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);
}

static const struct kvm_dev_user_shadow_area whole_page = {
	.rid = DEVUSER_RID_MMIO,
	.access = 4,
	.len = SZ_4K,
};

static void guest_shadow(u64 index)
{
	/* The first access is never served from the shadow image's fast path. */
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), ANSWER);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), ANSWER);
	GUEST_SYNC(0);
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + 8));
	GUEST_DONE();
}

/* R8, R4: the shadow image ends with its slave. */
TEST_F(death, shadow)
{
	const u32 value = ANSWER;

	start(1, guest_shadow);
	devuser_emul_shadow(dv->emul, SZ_4K, &whole_page, 1);
	devuser_emul_shadow_set(dv->emul, 8, &value, sizeof(value));
	devuser_run_sync(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 2);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 0);
	kill_slave();
	devuser_vcpu_start(dv, 0);
	if (is_fail()) {
		devuser_vcpu_join(dv, 0);
		TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded), ~0u);
		next_slave();
	} else {
		next_slave();
		expect_usable(0);
		TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded),
			       devuser_pattern(DEVUSER_RID_MMIO, 8, 4));
	}
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, 2);
}

static bool stop;

/* Loads that the shadow may serve, and others. */
static void guest_hammer(u64 index)
{
	u32 val;

	while (!READ_ONCE(stop)) {
		val = guest_read32(DEVUSER_GPA + 8);
		GUEST_ASSERT(val == ANSWER || val == ~0u);
		val = guest_read16(DEVUSER_GPA + 8);
		GUEST_ASSERT(val == (u16)devuser_pattern(DEVUSER_RID_MMIO, 8, 2) ||
			     val == (u16)~0u);
		guest_write32(DEVUSER_GPA + 16, val);
	}
	GUEST_DONE();
}

static void serve_answer(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	const u32 answer = ANSWER;
	int i;

	devuser_fill(reqs, nr);
	for (i = 0; i < nr; i++) {
		if (reqs[i].type == KVM_DEV_USER_LOAD && reqs[i].len == 4)
			memcpy(reqs[i].data, &answer, sizeof(answer));
	}
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

/* R8: killed under fire, with a shadow image that vCPUs read at that moment. */
TEST_F(death, under_fire)
{
	const u32 value = ANSWER;
	int i;

	start(2, guest_hammer);
	for (i = 0; i < 2; i++)
		devuser_vcpu_start(dv, i);
	for (i = 0; i < 8; i++) {
		devuser_emul_serve(dv->emul, serve_answer);
		devuser_emul_shadow(dv->emul, SZ_4K, NULL, 0);
		devuser_emul_shadow_set(dv->emul, 8, &value, sizeof(value));
		devuser_sleep_ms(10 * i);
		kill_slave();
		next_slave();
	}
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_emul_serve(dv->emul, serve_answer);
	for (i = 0; i < 2; i++)
		devuser_vcpu_join(dv, i);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, DEVUSER_WAIT_MS * MSEC_NS), 0);
}

/* In the emulator's process: a child that holds the slave as well, and serves. */
static long fork_server(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request reqs[8];
	pid_t pid = fork();
	long nr;

	if (pid)
		return pid;

	close(emul->sock);
	while ((nr = devuser_read(emul->slave, reqs, ARRAY_SIZE(reqs))) > 0)
		devuser_serve(emul, reqs, nr);
	_exit(0);
}

static void wait_exit(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	TEST_ASSERT(poll(&fd, 1, DEVUSER_WAIT_MS) == 1, "The process lives on");
	close(pidfd);
}

/* R8: the slave lives for as long as a process has it. */
TEST_F(death, last_of_two)
{
	struct kvm_dev_user_slave arg = { .size = sizeof(arg) };
	int pid, pidfd;

	start(1, guest_load);
	pid = devuser_emul_call(dv->emul, fork_server, NULL, 0);
	TEST_ASSERT(pid > 0, "fork() failed");
	pidfd = syscall(__NR_pidfd_open, pid, 0);
	TEST_ASSERT(pidfd >= 0, "pidfd_open() failed");

	devuser_emul_kill(dv->emul);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_told(watch), 0);
	DEVUSER_EXPECT(devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD, &arg), -EBUSY);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded),
		       devuser_pattern(DEVUSER_RID_MMIO, 8, 4));

	kill(pid, SIGKILL);
	wait_exit(pidfd);
	kill_slave();
	next_slave();
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
