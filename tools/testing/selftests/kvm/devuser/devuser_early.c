// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules for a vCPU that does not sleep: KVM_DEV_USER_SPIN lets it look for its
 * reply, first where it has come from, on KVM's I/O bus, then in KVM_RUN; and some
 * accesses have nothing to wait for at all.
 */
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define SPIN_NS		DEVUSER_SPIN_MAX
#define PROMPT_MS	2000	/* until an effect is seen, on a slow machine */

static bool stop;

/* --- R3 ------------------------------------------------------------------------------ */

#define ROUNDS_MIN	200
#define EARLY_MIN	20	/* loads that the bus's callback has completed */
#define ENOUGH_MS	8000	/* for EARLY_MIN loads */
#define GIVE_UP_MS	20000	/* for a single one */
#define LOOKS		300	/* for what should not come */
#define LOOK_EVERY	4	/* rounds: the others show that a vCPU is on the bus */

static u64 nr_rounds;

/* The second store tells that the load is over. */
static void guest_store_load_store(u64 index)
{
	u32 i;

	for (i = 0; !READ_ONCE(stop); i++) {
		guest_write32(DEVUSER_GPA, i);
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(RID, 8, 4));
		guest_write32(DEVUSER_GPA + 4, i);
		WRITE_ONCE(nr_rounds, i + 1);
	}
	GUEST_DONE();
}

/* Whether there is a request by now. */
static bool read_now(struct devuser_emul *emul, struct kvm_dev_user_request *req)
{
	struct iovec iov = { req, sizeof(*req) };

	return preadv2(emul->slave, &iov, 1, -1, RWF_NOWAIT) == sizeof(*req);
}

static void write_one(struct devuser_emul *emul, struct kvm_dev_user_request *req)
{
	DEVUSER_EXPECT(devuser_write(emul->slave, req, 1), 1);
}

/*
 * In the process: the load is answered at once, while the vCPU still looks for that.
 * The store before it is mostly answered together with it; but in every fourth round
 * when it can be told that the load has waited. Returns how often one has not.
 */
static long serve_load_first(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request reqs[2], next;
	long violations = 0;
	int i, round = 0;

	while (devuser_read(emul->slave, &reqs[0], 1) == 1) {
		if (reqs[0].offset) {
			write_one(emul, &reqs[0]);
			continue;
		}
		if (devuser_read(emul->slave, &reqs[1], 1) != 1)
			break;
		memcpy(reqs[1].data, arg, reqs[1].len);
		if (++round % LOOK_EVERY) {
			DEVUSER_EXPECT(devuser_write(emul->slave, reqs, 2), 2);
			continue;
		}
		write_one(emul, &reqs[1]);
		for (i = 0; i < LOOKS; i++) {
			if (!read_now(emul, &next))
				continue;
			violations++;
			write_one(emul, &next);
			break;
		}
		write_one(emul, &reqs[0]);
	}
	return violations;
}

/* Loads for which KVM has not left its I/O bus. */
static u64 nr_early(struct devuser_vm *dv)
{
	long exits = devuser_nr_mmio_exits();
	u64 loads = devuser_status(dv->master).loads;

	return exits < 0 || exits > loads ? 0 : loads - exits;
}

/*
 * R3: a load that its vCPU waits for on the bus is over when the older store has been
 * answered as well, though its own reply is there before.
 */
TEST(load_waits_for_store)
{
	u64 early, data = devuser_pattern(RID, 8, 4);
	u64 start = devuser_now_ms();
	struct devuser_vm *dv;
	u64 *rounds;

	if (get_nprocs() < 2)
		SKIP(return, "It takes two CPUs");
	/* Both look for each other at the same time, on a CPU each. */
	devuser_pin(pthread_self(), 1);
	dv = devuser_vm_create(1, guest_store_load_store);
	rounds = DEVUSER_GUEST_VAR(dv->vm, nr_rounds);
	devuser_set_spin(dv->master, SPIN_NS, SPIN_NS);
	devuser_emul_call_start(dv->emul, serve_load_first, &data, sizeof(data));
	devuser_vcpu_start(dv, 0);
	devuser_pin(dv->threads[0], 0);
	do {
		devuser_sleep_ms(10);
		early = nr_early(dv);
	} while (devuser_now_ms() - start < (early ? ENOUGH_MS : GIVE_UP_MS) &&
		 (READ_ONCE(*rounds) < ROUNDS_MIN || early < EARLY_MIN));
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 0);
	/* The last store is posted: the vCPU may end before it is answered. */
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	devuser_revoke(dv->master);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), 0);
	ksft_print_msg("%lu rounds, %lu loads were over on the bus\n", *rounds, early);
	TEST_ASSERT(early || devuser_nr_mmio_exits() < 0,
		    "No load was over on the bus: this test has tested nothing");
	devuser_vm_free(dv);
}

/* --- R10 ----------------------------------------------------------------------------- */

#define STORM_ROUNDS	200
#define STORM_EINTRS	30

static bool enough;

static void guest_storm(u64 index)
{
	int i, offset;

	for (i = 0; i < STORM_ROUNDS || !READ_ONCE(enough); i++) {
		offset = 4 * (i % 64);
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + offset),
				devuser_pattern(RID, offset, 4));
		guest_write32(DEVUSER_GPA + offset, i);
		GUEST_ASSERT_EQ(guest_in16(DEVUSER_PORT + 8),
				devuser_pattern(DEVUSER_RID_PIO, 8, 2));
	}
	WRITE_ONCE(nr_rounds, i);
	GUEST_DONE();
}

static void check_storm(struct devuser_emul *emul, u32 rounds)
{
	u32 next = 0;
	int i;

	for (i = 0; i < rounds; i++) {
		u64 offset = 4 * (i % 64);

		devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, RID, offset, 4, 0);
		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, offset, 4, i);
		devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 8, 2, 0);
	}
	TEST_ASSERT_EQ(next, devuser_emul_nr(emul));
}

struct storm {
	pthread_t thread;
	pthread_t target;
	struct devuser_emul *emul;
	bool over;
};

/* Three of four signals wait for the vCPU to get somewhere, or it never would. */
static void *storm_thread(void *arg)
{
	struct storm *storm = arg;
	u32 done;
	int i;

	for (i = 1; !READ_ONCE(storm->over); i++) {
		done = devuser_emul_nr(storm->emul);
		usleep(i * 7919 % 700);
		while (i % 4 && devuser_emul_nr(storm->emul) == done && !READ_ONCE(storm->over))
			usleep(100);
		pthread_kill(storm->target, SIGUSR1);
	}
	return NULL;
}

static void run_in_storm(struct devuser_vm *dv)
{
	struct storm storm = { .target = pthread_self(), .emul = dv->emul };
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	struct ucall uc = { };
	int ret, eintrs = 0;

	TEST_ASSERT(!pthread_create(&storm.thread, NULL, storm_thread, &storm),
		    "pthread_create() failed");
	do {
		ret = devuser_run_once(vcpu);
		if (ret == -EINTR) {
			eintrs += !!(vcpu->run->flags & KVM_RUN_DEV_USER);
			if (eintrs == STORM_EINTRS)
				WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, enough), true);
			continue;
		}
		DEVUSER_EXPECT(ret, 0);
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, UCALL_EXIT_REASON);
		if (get_ucall(vcpu, &uc) == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
	} while (uc.cmd != UCALL_DONE);
	WRITE_ONCE(storm.over, true);
	pthread_join(storm.thread, NULL);
	ksft_print_msg("%d accesses were interrupted\n", eintrs);
}

/* In the process: some replies come while the vCPU looks on the bus, some in KVM_RUN, ... */
static void serve_late(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u32 count;

	/* ... and some when it has given up. */
	if (count++ % 3 == 0)
		usleep(count % 900);
	devuser_serve(emul, reqs, nr);
}

/* R10: each access once, in order, whenever signals come and wherever the vCPU looks. */
static void check_in_storm(u64 spin_ns)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_storm);
	struct kvm_dev_user_status status;

	devuser_catch_signals();
	devuser_set_spin(dv->master, spin_ns, 0);
	devuser_emul_serve(dv->emul, serve_late);
	run_in_storm(dv);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	check_storm(dv->emul, *DEVUSER_GUEST_VAR(dv->vm, nr_rounds));
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.stores + status.loads, devuser_emul_nr(dv->emul));
	TEST_ASSERT_EQ(status.discarded + status.refused, 0);
	TEST_ASSERT_EQ(status.vcpus, 0);
	devuser_vm_free(dv);
}

TEST(storm_short_spin)
{
	check_in_storm(100000);
}

TEST(storm_long_spin)
{
	check_in_storm(SPIN_NS);
}

/* --- R10: fatal signals -------------------------------------------------------------- */

/* What the victim and the test see both. */
struct victim {
	int what;
	u64 nr;
};

enum {
	SHADOW_LOADS,
	FAILED_LOADS,
	FAILED_STRINGS,
	LATE_LOADS,
	NR_VICTIMS,
};

static u8 string[64];

static void guest_loads_for_ever(u64 index)
{
	for (;;) {
		guest_read32(DEVUSER_GPA);
		WRITE_ONCE(nr_rounds, nr_rounds + 1);
	}
}

static void guest_strings_for_ever(u64 index)
{
	for (;;) {
		guest_in_string(DEVUSER_PORT, string, sizeof(string));
		guest_out_string(DEVUSER_PORT, string, sizeof(string));
		WRITE_ONCE(nr_rounds, nr_rounds + 1);
	}
}

/* Never returns: its vCPU loads, stores or spins, and does not sleep. */
static void __noreturn run_victim(struct victim *victim)
{
	const struct kvm_dev_user_shadow_area area = { .rid = RID, .access = 4, .len = 8 };
	bool strings = victim->what == FAILED_STRINGS;
	struct devuser_vm *dv;
	u64 *rounds;

	dv = devuser_vm_create(1, strings ? (void *)guest_strings_for_ever :
					    (void *)guest_loads_for_ever);
	rounds = DEVUSER_GUEST_VAR(dv->vm, nr_rounds);
	if (victim->what == SHADOW_LOADS)
		devuser_emul_shadow(dv->emul, SZ_4K, &area, 1);
	else if (victim->what == LATE_LOADS)
		devuser_set_spin(dv->master, SPIN_NS, 0);
	else
		devuser_emul_kill(dv->emul);
	devuser_vcpu_start(dv, 0);
	for (;;) {
		if (victim->what == LATE_LOADS)
			WRITE_ONCE(victim->nr, devuser_status(dv->master).loads * 100);
		else
			WRITE_ONCE(victim->nr, READ_ONCE(*rounds));
		usleep(1000);
	}
}

static void kill_victim(int what)
{
	struct victim *victim = mmap(NULL, sizeof(*victim), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	u64 start;
	pid_t pid;

	TEST_ASSERT(victim != MAP_FAILED, "mmap() failed");
	victim->what = what;
	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		run_victim(victim);

	DEVUSER_WAIT(READ_ONCE(victim->nr) >= 100);
	start = devuser_now_ms();
	TEST_ASSERT(!kill(pid, SIGKILL), "kill() failed");
	DEVUSER_WAIT(waitpid(pid, &status, WNOHANG) == pid);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "Status 0x%x", status);
	TEST_ASSERT(devuser_now_ms() - start < PROMPT_MS, "It took %lu ms",
		    devuser_now_ms() - start);
	munmap(victim, sizeof(*victim));
}

/* R10: a VMM is killed at once also while its vCPU has no reason to sleep. */
TEST(sigkill)
{
	int what;

	for (what = 0; what < NR_VICTIMS; what++)
		kill_victim(what);
}

/* --- R11 ----------------------------------------------------------------------------- */

#define SLOT		100
#define SLOT_GPA	(16ull * SZ_1G)
#define NR_CHANGES	2
#define NR_LATE		20	/* loads: now and then another task runs on the CPU */

/* The first load goes another way: it is the others that are on the bus. */
static void guest_late_loads(u64 index)
{
	int i;

	for (i = 0; i <= NR_LATE; i++)
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(RID, 8, 4));
	GUEST_DONE();
}

struct changer {
	pthread_t thread;
	struct devuser_vm *dv;
	void *mem;
	int nr;
};

static long set_slot(struct changer *c, u64 size)
{
	return devuser_ret(__vm_set_user_memory_region(c->dv->vm, SLOT, 0, SLOT_GPA, size,
						       c->mem));
}

/* What waits for every vCPU that is on a bus, or in a memslot. */
static void *changer_thread(void *arg)
{
	struct changer *c = arg;
	int i;

	for (i = 0; i < NR_CHANGES; i++) {
		DEVUSER_EXPECT(set_slot(c, i % 2 ? 0 : SZ_2M), 0);
		devuser_set_range(c->dv->master, 7, 0, SLOT_GPA + SZ_1G + i * SZ_4K, SZ_4K);
		WRITE_ONCE(c->nr, i + 1);
	}
	return NULL;
}

static void expect_changes(struct changer *c)
{
	u64 start = devuser_now_ms();

	c->nr = 0;
	TEST_ASSERT(!pthread_create(&c->thread, NULL, changer_thread, c),
		    "pthread_create() failed");
	while (READ_ONCE(c->nr) < NR_CHANGES && devuser_now_ms() - start < DEVUSER_WAIT_MS)
		devuser_sleep_ms(1);
	if (READ_ONCE(c->nr) < NR_CHANGES) {
		/* So that the test can end. */
		devuser_emul_kill(c->dv->emul);
		TEST_FAIL("A change waited for the emulator");
	}
	pthread_join(c->thread, NULL);
}

/*
 * R11: while a load is not answered, and its vCPU does not sleep but looks, a change of
 * memslots or of ranges does not wait for the answer.
 */
TEST(changes_do_not_wait)
{
	struct kvm_dev_user_request req;
	struct changer c = {};
	int i;

	if (get_nprocs() < 2)
		SKIP(return, "It takes two CPUs");
	/* A vCPU that shares its CPU does not look. */
	devuser_pin(pthread_self(), 1);
	c.dv = devuser_vm_create(1, guest_late_loads);
	c.mem = mmap(NULL, SZ_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(c.mem != MAP_FAILED, "mmap() failed");
	devuser_set_spin(c.dv->master, SPIN_NS, 0);
	devuser_vcpu_start(c.dv, 0);
	devuser_pin(c.dv->threads[0], 0);

	for (i = 0; i <= NR_LATE; i++) {
		devuser_emul_read(c.dv->emul, &req, 1);
		if (i)
			expect_changes(&c);
		TEST_ASSERT_EQ(devuser_status(c.dv->master).sent, 1);
		devuser_fill(&req, 1);
		DEVUSER_EXPECT(devuser_emul_write(c.dv->emul, &req, 1), 1);
	}
	devuser_vcpu_join(c.dv, 0);
	devuser_vm_free(c.dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
