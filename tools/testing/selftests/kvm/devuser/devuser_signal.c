// SPDX-License-Identifier: GPL-2.0-only
/*
 * R10 of the user device: a signal ends the wait of a vCPU at once, and the next
 * KVM_RUN goes on with the same access: none is issued twice, none is lost.
 */
#include <sys/wait.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define ANSWER		0x600dcafe
#define RUNS		10
#define SOON_MS		20	/* until the signal comes */
#define PROMPT_MS	2000	/* until its effect is seen, on a slow machine */

DEVUSER_MARKED_LOAD(guest_marked_load);

static void guest_load(u64 index)
{
	GUEST_ASSERT_EQ(guest_marked_load(DEVUSER_GPA + 8), ANSWER);
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 16), devuser_pattern(DEVUSER_RID_MMIO, 16, 4));
	GUEST_DONE();
}

static bool unfinished(struct kvm_vcpu *vcpu)
{
	return vcpu->run->flags & KVM_RUN_DEV_USER;
}

/* The instruction that does the access has not been executed. */
static void expect_not_executed(struct kvm_vcpu *vcpu)
{
	TEST_ASSERT(unfinished(vcpu), "KVM_RUN_DEV_USER is not set");
	TEST_ASSERT_EQ(devuser_vcpu_pc(vcpu), (u64)guest_marked_load);
}

/* It has been, with this result, and nothing else since. */
static void expect_executed(struct kvm_vcpu *vcpu, u64 result)
{
	TEST_ASSERT(!unfinished(vcpu), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_vcpu_pc(vcpu), (u64)guest_marked_load + DEVUSER_MARKED_LOAD_LEN);
	TEST_ASSERT_EQ(devuser_vcpu_result(vcpu), result);
}

/* KVM_RUN that does not run the guest. */
static void run_immediate_exit(struct kvm_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	DEVUSER_EXPECT(devuser_run_once(vcpu), -EINTR);
	vcpu->run->immediate_exit = 0;
}

/* The only request is answered, and the guest goes on to its end. */
static void finish(struct devuser_vm *dv, struct kvm_dev_user_request *req)
{
	devuser_emul_answer(dv->emul, req, ANSWER);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 1);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, 2);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 2);
	devuser_vm_free(dv);
}

/* R10: -EINTR promptly, as often as signals come, with one request all the time. */
TEST(signal_ends_wait)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;
	u64 start = devuser_now_ms();
	int i;

	devuser_catch_signals();
	for (i = 0; i < RUNS; i++) {
		devuser_run_unfinished(dv->vcpus[0], SOON_MS);
		expect_not_executed(dv->vcpus[0]);
		TEST_ASSERT_EQ(dv->vcpus[0]->run->exit_reason, KVM_EXIT_INTR);
		TEST_ASSERT_EQ(devuser_status(dv->master).loads, 1);
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		if (i == RUNS / 2)
			devuser_emul_read(dv->emul, &req, 1);
	}
	TEST_ASSERT(devuser_now_ms() - start < PROMPT_MS, "Signals took %lu ms",
		    devuser_now_ms() - start);
	finish(dv, &req);
}

/* R10: the reply comes while the vCPU is outside of KVM_RUN; its wait was ended before. */
TEST(reply_outside)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_emul_answer(dv->emul, &req, ANSWER);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);

	/* Before its state is saved: the instruction is finished, no more. */
	expect_not_executed(dv->vcpus[0]);
	run_immediate_exit(dv->vcpus[0]);
	expect_executed(dv->vcpus[0], ANSWER);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	run_immediate_exit(dv->vcpus[0]);
	expect_executed(dv->vcpus[0], ANSWER);

	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 1);
	devuser_vm_free(dv);
}

/* R10: immediate_exit neither waits, nor issues the access again. */
TEST(immediate_exit)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "The guest has not run yet");
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	for (i = 0; i < RUNS; i++) {
		run_immediate_exit(dv->vcpus[0]);
		expect_not_executed(dv->vcpus[0]);
		TEST_ASSERT_EQ(devuser_status(dv->master).loads, 1);
	}
	devuser_emul_read(dv->emul, &req, 1);
	finish(dv, &req);
}

static bool go;

static void guest_wait_then_load(u64 index)
{
	while (!READ_ONCE(go))
		;
	guest_load(index);
}

struct runner {
	pthread_t thread;
	struct kvm_vcpu *vcpu;
	int ret;
	bool over;
};

static void *runner_thread(void *arg)
{
	struct runner *runner = arg;

	runner->ret = devuser_run_once(runner->vcpu);
	WRITE_ONCE(runner->over, true);
	return NULL;
}

/* R10: immediate_exit that another thread sets while the guest runs, without a signal. */
TEST(immediate_exit_while_running)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_wait_then_load);
	struct runner runner = { .vcpu = dv->vcpus[0] };
	struct kvm_dev_user_request req;

	TEST_ASSERT(!pthread_create(&runner.thread, NULL, runner_thread, &runner),
		    "pthread_create() failed");
	devuser_sleep_ms(SOON_MS);
	WRITE_ONCE(dv->vcpus[0]->run->immediate_exit, 1);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, go), true);
	DEVUSER_WAIT(READ_ONCE(runner.over));
	pthread_join(runner.thread, NULL);
	DEVUSER_EXPECT(runner.ret, -EINTR);
	dv->vcpus[0]->run->immediate_exit = 0;
	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	expect_not_executed(dv->vcpus[0]);
	devuser_emul_read(dv->emul, &req, 1);
	finish(dv, &req);
}

static struct kvm_run *alarm_run;

static void on_alarm_exit(int sig)
{
	alarm_run->immediate_exit = 1;
}

/* R10: as VMMs do it, immediate_exit set by the handler of the signal. */
TEST(handler_sets_immediate_exit)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct sigaction action = { .sa_handler = on_alarm_exit };
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	alarm_run = dv->vcpus[0]->run;
	TEST_ASSERT(!sigaction(SIGALRM, &action, NULL), "sigaction() failed");
	for (i = 0; i < RUNS; i++) {
		devuser_run_interrupted(dv->vcpus[0], SOON_MS);
		TEST_ASSERT_EQ(alarm_run->immediate_exit, 1);
		alarm_run->immediate_exit = 0;
		expect_not_executed(dv->vcpus[0]);
	}
	devuser_emul_read(dv->emul, &req, 1);
	finish(dv, &req);
}

static void guest_spin(u64 index)
{
	for (;;)
		;
}

/* The flag tells an access from a guest that was just running. */
TEST(flag_is_off_without_access)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_spin);

	devuser_catch_signals();
	devuser_run_interrupted(dv->vcpus[0], SOON_MS);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	devuser_vm_free(dv);
}

/* --- KVM_SET_SIGNAL_MASK --------------------------------------------------- */

/* The kernel's sigset is shorter than the C library's. */
static void set_signal_mask(struct kvm_vcpu *vcpu, u64 blocked)
{
	u8 buf[sizeof(struct kvm_signal_mask) + sizeof(blocked)];
	struct kvm_signal_mask *mask = (void *)buf;

	mask->len = sizeof(blocked);
	memcpy(mask->sigset, &blocked, sizeof(blocked));
	vcpu_ioctl(vcpu, KVM_SET_SIGNAL_MASK, mask);
}

static void block_sigusr1(int how, sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	TEST_ASSERT(!pthread_sigmask(how, set, NULL), "pthread_sigmask() failed");
}

/* R10: a signal that only KVM_RUN lets in ends the wait, and stays pending. */
TEST(sigmask_lets_in)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	const struct timespec now = { };
	struct kvm_dev_user_request req;
	sigset_t set;
	int i;

	devuser_catch_signals();
	block_sigusr1(SIG_BLOCK, &set);
	set_signal_mask(dv->vcpus[0], 0);
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	for (i = 0; i < RUNS; i++) {
		TEST_ASSERT(!pthread_kill(pthread_self(), SIGUSR1), "pthread_kill() failed");
		DEVUSER_EXPECT(devuser_run_once(dv->vcpus[0]), -EINTR);
		expect_not_executed(dv->vcpus[0]);
		TEST_ASSERT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
	}
	devuser_emul_read(dv->emul, &req, 1);
	finish(dv, &req);
}

static int nr_handled;

static void on_sigusr1(int sig)
{
	nr_handled++;
}

/* R10: a signal that KVM_RUN keeps out does not end the wait. */
TEST(sigmask_keeps_out)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct sigaction action = { .sa_handler = on_sigusr1 };
	struct kvm_dev_user_request req;

	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "sigaction() failed");
	set_signal_mask(dv->vcpus[0], 1ull << (SIGUSR1 - 1));
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	TEST_ASSERT(!pthread_kill(dv->threads[0], SIGUSR1), "pthread_kill() failed");
	devuser_sleep_ms(200);
	TEST_ASSERT_EQ(READ_ONCE(nr_handled), 0);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN was interrupted");

	devuser_emul_answer(dv->emul, &req, ANSWER);
	DEVUSER_WAIT(READ_ONCE(nr_handled) == 1);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* --- Exactly once ---------------------------------------------------------- */

#define NR_ROUNDS	200
#define NR_EINTRS	100	/* and so many interrupted waits, at least */
#define NR_STRING	12
#define STRING_EVERY	32

/* Set by the host, and by the guest in the end. */
static bool enough;
static u32 nr_rounds;

static u8 string[512];

static u8 string_byte(int i)
{
	return 3 * i + 7;
}

static void guest_fill_string(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(string); i++)
		string[i] = string_byte(i);
}

static void guest_strings(void)
{
	int i;

	guest_fill_string();
	guest_out_string(DEVUSER_PORT + 1, string, NR_STRING);
	guest_in_string(DEVUSER_PORT + 2, string, NR_STRING);
	for (i = 0; i < NR_STRING; i++)
		GUEST_ASSERT_EQ(string[i], (u8)devuser_pattern(DEVUSER_RID_PIO, 2, 1));
}

/* Two loads and a store a round, and strings now and then. */
static void guest_storm(u64 index)
{
	int i, offset;

	for (i = 0; i < NR_ROUNDS || !READ_ONCE(enough); i++) {
		offset = 4 * (i % 64);
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + offset),
				devuser_pattern(DEVUSER_RID_MMIO, offset, 4));
		guest_write32(DEVUSER_GPA + offset, i);
		GUEST_ASSERT_EQ(guest_in16(DEVUSER_PORT + 8),
				devuser_pattern(DEVUSER_RID_PIO, 8, 2));
		if (i % STRING_EVERY == 0)
			guest_strings();
	}
	WRITE_ONCE(nr_rounds, i);
	GUEST_DONE();
}

static void check_storm(struct devuser_emul *emul, u32 rounds)
{
	u32 next = 0;
	int i, j;

	for (i = 0; i < rounds; i++) {
		devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO,
				  4 * (i % 64), 4, 0);
		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO,
				  4 * (i % 64), 4, i);
		devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 8, 2, 0);
		if (i % STRING_EVERY)
			continue;
		for (j = 0; j < NR_STRING; j++)
			devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 1,
					  1, string_byte(j));
		for (j = 0; j < NR_STRING; j++)
			devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 2,
					  1, 0);
	}
	TEST_ASSERT_EQ(next, devuser_emul_nr(emul));
}

struct storm {
	pthread_t thread;
	pthread_t target;
	struct devuser_emul *emul;
	bool stop;
};

static u32 random_below(u32 *state, u32 limit)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 16) % limit;
}

static void *storm_thread(void *arg)
{
	struct storm *storm = arg;
	u32 state = 1, done;
	int i;

	for (i = 1; !READ_ONCE(storm->stop); i++) {
		done = devuser_emul_nr(storm->emul);
		usleep(random_below(&state, 1000));
		/* On a slow machine, a vCPU with signals alone would get nowhere. */
		while (i % 4 && devuser_emul_nr(storm->emul) == done &&
		       !READ_ONCE(storm->stop))
			usleep(100);
		pthread_kill(storm->target, SIGUSR1);
	}
	return NULL;
}

/* Runs the one vCPU to its end, not before signals have ended NR_EINTRS waits. */
static void run_in_storm(struct devuser_vm *dv)
{
	struct storm storm = { .target = pthread_self(), .emul = dv->emul };
	bool *guest_enough = DEVUSER_GUEST_VAR(dv->vm, enough);
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	struct ucall uc = { };
	int ret, eintrs = 0;

	TEST_ASSERT(!pthread_create(&storm.thread, NULL, storm_thread, &storm),
		    "pthread_create() failed");
	do {
		ret = devuser_run_once(vcpu);
		if (ret == -EINTR) {
			eintrs += unfinished(vcpu);
			if (eintrs == NR_EINTRS) {
				WRITE_ONCE(*guest_enough, true);
				WRITE_ONCE(dv->emul->shared->delay_us, 0);
			}
			continue;
		}
		DEVUSER_EXPECT(ret, 0);
		TEST_ASSERT(!unfinished(vcpu), "KVM_RUN_DEV_USER is set after an exit");
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, UCALL_EXIT_REASON);
		if (get_ucall(vcpu, &uc) == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
	} while (uc.cmd != UCALL_DONE);

	WRITE_ONCE(storm.stop, true);
	pthread_join(storm.thread, NULL);
	ksft_print_msg("%d waits were interrupted\n", eintrs);
}

/* In the emulator's process: sometimes answers late. */
static void serve_late(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u32 state = 2;

	if (!random_below(&state, 4))
		usleep(random_below(&state, 800));
	devuser_serve(emul, reqs, nr);
}

/* R10: each access once, in order, whenever signals come. */
TEST(storm)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_storm);
	struct kvm_dev_user_status status;

	devuser_catch_signals();
	devuser_emul_serve(dv->emul, serve_late);
	run_in_storm(dv);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	check_storm(dv->emul, *DEVUSER_GUEST_VAR(dv->vm, nr_rounds));
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.stores + status.loads, devuser_emul_nr(dv->emul));
	TEST_ASSERT_EQ(status.discarded + status.refused, 0);
	devuser_vm_free(dv);
}

#define NR_STORES	2000

static void guest_stores(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES || !READ_ONCE(enough); i++)
		guest_write32(DEVUSER_GPA, i);
	WRITE_ONCE(nr_rounds, i);
	GUEST_DONE();
}

/*
 * R10, R5: stores that wait for room in the queue. The emulator is slower than any
 * guest, on a busy machine as well, until enough waits were interrupted.
 */
TEST(storm_in_back_pressure)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores);
	u32 next = 0;
	int i;

	devuser_catch_signals();
	dv->emul->shared->batch = 8;
	dv->emul->shared->delay_us = 10000;
	devuser_emul_serve(dv->emul, devuser_serve);
	run_in_storm(dv);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	for (i = 0; i < *DEVUSER_GUEST_VAR(dv->vm, nr_rounds); i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO,
				  0, 4, i);
	TEST_ASSERT_EQ(next, devuser_emul_nr(dv->emul));
	devuser_vm_free(dv);
}

/* --- In the middle of string I/O ------------------------------------------- */

static void guest_outs(u64 index)
{
	guest_fill_string();
	guest_out_string(DEVUSER_PORT + 1, string, ARRAY_SIZE(string));
	GUEST_DONE();
}

/* Where an instruction does all of it, a register counts what is left. */
static void expect_in_string(struct kvm_vcpu *vcpu)
{
#ifdef __x86_64__
	struct kvm_regs regs;

	vcpu_regs_get(vcpu, &regs);
	TEST_ASSERT(regs.rcx && regs.rcx <= ARRAY_SIZE(string), "RCX is %llu", regs.rcx);
#endif
}

/* R10, R13: rep outs, with the queue full in its middle. */
TEST(rep_outs)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_outs);
	u32 next = 0;
	int i;

	devuser_catch_signals();
	for (i = 0; i < RUNS; i++) {
		devuser_run_unfinished(dv->vcpus[0], SOON_MS);
		TEST_ASSERT_EQ(devuser_status(dv->master).stores, DEVUSER_STORES_MAX + 1);
	}
	expect_in_string(dv->vcpus[0]);

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	for (i = 0; i < ARRAY_SIZE(string); i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 1, 1,
				  string_byte(i));
	TEST_ASSERT_EQ(next, devuser_emul_nr(dv->emul));
	devuser_vm_free(dv);
}

#define NR_INS		20

static void guest_ins(u64 index)
{
	int i;

	guest_in_string(DEVUSER_PORT + 2, string, NR_INS);
	for (i = 0; i < NR_INS; i++)
		GUEST_ASSERT_EQ(string[i], string_byte(i));
	GUEST_DONE();
}

/* R10, R13: rep ins, interrupted before every byte's answer, and after it. */
TEST(rep_ins)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_ins);
	struct kvm_dev_user_request req;
	int i;

	devuser_catch_signals();
	for (i = 0; i < NR_INS; i++) {
		devuser_run_unfinished(dv->vcpus[0], SOON_MS);
		devuser_emul_read(dv->emul, &req, 1);
		devuser_check_request(&req, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 2, 1);
		run_immediate_exit(dv->vcpus[0]);
		TEST_ASSERT_EQ(devuser_status(dv->master).loads,
			       DEVUSER_HAS_STRINGS ? NR_INS : i + 1);
		devuser_emul_answer(dv->emul, &req, string_byte(i));
		if (i % 3)
			run_immediate_exit(dv->vcpus[0]);
	}
	devuser_vcpu_run_done(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, NR_INS);
	devuser_vm_free(dv);
}

/* --- KVM_DEV_USER_ABANDON -------------------------------------------------- */

static void guest_restarted(void)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 16), ANSWER);
	GUEST_DONE();
}

/* Abandons the load that the vCPU has, and finishes the instruction. */
static void abandon(struct devuser_vm *dv)
{
	run_immediate_exit(dv->vcpus[0]);
	expect_not_executed(dv->vcpus[0]);
	devuser_abandon(dv->master);
	run_immediate_exit(dv->vcpus[0]);
	expect_executed(dv->vcpus[0], ~0u);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	devuser_vcpu_restart(dv->vcpus[0], guest_restarted);
}

/* R10: an abandoned load's late reply is swallowed, the next load works. */
TEST(abandon_sent)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req, next;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	devuser_emul_read(dv->emul, &req, 1);
	abandon(dv);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 1);
	devuser_emul_answer(dv->emul, &req, 0xbadbad);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ESTALE);

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &next, 1);
	devuser_check_request(&next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 16, 4);
	devuser_emul_answer(dv->emul, &next, ANSWER);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R10: the late reply comes only when the next load waits already. */
TEST(abandon_sent_late)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req, next;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	devuser_emul_read(dv->emul, &req, 1);
	abandon(dv);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).vcpus == 1);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_answer(dv->emul, &req, 0xbadbad);
	devuser_emul_read(dv->emul, &next, 1);
	devuser_check_request(&next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 16, 4);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	devuser_emul_answer(dv->emul, &next, ANSWER);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R10: a load that the slave has not read. It is read no more, or is swallowed. */
TEST(abandon_pending)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], SOON_MS);
	abandon(dv);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_check_request(&req, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 16, 4);
	devuser_emul_answer(dv->emul, &req, ANSWER);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), 1);
	devuser_vm_free(dv);
}

static u64 loaded[2];

static void guest_load_any(u64 index)
{
	WRITE_ONCE(loaded[index], guest_read32(DEVUSER_GPA + 8));
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 16), ANSWER);
	GUEST_DONE();
}

/* Every vCPU that waits is let go, within its KVM_RUN; what comes later is not. */
TEST(abandon_while_waiting)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_load_any);
	struct kvm_dev_user_request reqs[2];
	int i;

	for (i = 0; i < 2; i++)
		devuser_vcpu_start(dv, i);
	devuser_emul_read(dv->emul, reqs, 2);
	devuser_abandon(dv->master);
	for (i = 0; i < 2; i++)
		DEVUSER_WAIT(*DEVUSER_GUEST_VAR(dv->vm, loaded[i]) == ~0u);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 2), 2);
	devuser_emul_read(dv->emul, reqs, 2);
	for (i = 0; i < 2; i++) {
		TEST_ASSERT_EQ(reqs[i].offset, 16);
		devuser_emul_answer(dv->emul, &reqs[i], ANSWER);
	}
	for (i = 0; i < 2; i++)
		devuser_vcpu_join(dv, i);
	devuser_vm_free(dv);
}

/* R2: stores are delivered nevertheless, the one that waited for room as well. */
TEST(abandon_keeps_stores)
{
	const int nr = DEVUSER_STORES_MAX + 1;
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores);
	struct kvm_dev_user_request *reqs;
	int i;

	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, enough), true);
	reqs = calloc(nr, sizeof(*reqs));
	TEST_ASSERT(reqs, "Out of memory");
	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 10 * SOON_MS);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, nr);
	devuser_abandon(dv->master);
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, nr);
	devuser_emul_read(dv->emul, reqs, nr);
	for (i = 0; i < nr; i++)
		TEST_ASSERT_EQ(devuser_data(&reqs[i]), i);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, nr), nr);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), NR_STORES);
	free(reqs);
	devuser_vm_free(dv);
}

/* --- Fatal signals --------------------------------------------------------- */

struct victim {
	bool waits;
};

static void run_victim(struct victim *victim)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	WRITE_ONCE(victim->waits, true);
	devuser_vcpu_join(dv, 0);
	_exit(0);
}

/* R10: fatal signals win: a VMM whose vCPU waits is gone at once. */
TEST(sigkill)
{
	struct victim *victim = mmap(NULL, sizeof(*victim), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	u64 start;
	pid_t pid;

	TEST_ASSERT(victim != MAP_FAILED, "mmap() failed");
	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		run_victim(victim);

	DEVUSER_WAIT(READ_ONCE(victim->waits));
	start = devuser_now_ms();
	TEST_ASSERT(!kill(pid, SIGKILL), "kill() failed");
	DEVUSER_WAIT(waitpid(pid, &status, WNOHANG) == pid);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "Status 0x%x", status);
	TEST_ASSERT(devuser_now_ms() - start < PROMPT_MS, "It took %lu ms",
		    devuser_now_ms() - start);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
