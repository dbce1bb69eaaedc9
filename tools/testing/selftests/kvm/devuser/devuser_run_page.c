// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct kvm_run belongs to userspace: what it writes there is no access of the
 * guest (R10, R15), and what KVM tells there is not lost in a wait.
 */
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "devuser_probe.h"
#include "devuser_ring.h"
#include "kvm_test_harness.h"

/* --- An exit that is made up -------------------------------------------- */

#define NR_MADE_UP	100	/* exits that another process has written */
#define NR_RUNS		1000

/* What the test and the VMM see both. */
struct report {
	u64 runs;
	u64 made_up;
	u64 accesses;		/* that the device has accepted, or discarded */
	u64 most;		/* of these, in one KVM_RUN */
};

static void guest_dirty(u64 index)
{
	u32 page;

	for (page = 0; page < RING_PAGES; page++)
		guest_dirty_page(page);
	GUEST_DONE();
}

static void make_up_mmio(struct kvm_run *run)
{
	WRITE_ONCE(run->mmio.phys_addr, DEVUSER_GPA);
	WRITE_ONCE(run->mmio.len, 4);
	WRITE_ONCE(run->mmio.is_write, 1);
	WRITE_ONCE(run->exit_reason, KVM_EXIT_MMIO);
}

static void make_up_pio(struct kvm_run *run)
{
	WRITE_ONCE(run->io.direction, KVM_EXIT_IO_OUT);
	WRITE_ONCE(run->io.size, 1);
	WRITE_ONCE(run->io.port, DEVUSER_PORT);
	WRITE_ONCE(run->io.count, 1);
	WRITE_ONCE(run->io.data_offset, KVM_PIO_PAGE_OFFSET * getpagesize());
	WRITE_ONCE(run->exit_reason, KVM_EXIT_IO);
}

/* Writes into the VMM's struct kvm_run that the guest stores to a range. */
static void __noreturn make_up_exits(struct kvm_run *run, bool pio)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (pio)
			make_up_pio(run);
		else
			make_up_mmio(run);
	}
}

static void report_run(struct devuser_vm *dv, struct report *report)
{
	struct kvm_dev_user_status status = devuser_status(dv->master);
	u64 accesses = status.stores + status.discarded;
	u64 made_up = READ_ONCE(dv->vcpus[0]->run->exit_reason) == KVM_EXIT_MMIO;

	WRITE_ONCE(report->most, max(report->most, accesses - report->accesses));
	WRITE_ONCE(report->accesses, accesses);
	WRITE_ONCE(report->made_up, report->made_up + made_up);
	WRITE_ONCE(report->runs, report->runs + 1);
}

/* From here on a signal is pending that KVM_RUN lets in, and nothing else. */
static void interrupt_every_run(struct kvm_vcpu *vcpu)
{
	u8 buf[sizeof(struct kvm_signal_mask) + sizeof(u64)] = { };
	struct kvm_signal_mask *mask = (void *)buf;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	TEST_ASSERT(!sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask() failed");
	TEST_ASSERT(!raise(SIGUSR1), "raise() failed");
	mask->len = sizeof(u64);
	vcpu_ioctl(vcpu, KVM_SET_SIGNAL_MASK, mask);
}

/* A VMM that calls KVM_RUN again and again, and forgets to take care of the ring. */
static void __noreturn run_vmm(bool live, bool pio, struct report *report)
{
	struct devuser_vm *dv = ring_vm_create(guest_dirty);
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (live)
		devuser_emul_serve(dv->emul, devuser_serve);
	else
		devuser_emul_kill(dv->emul);

	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_DIRTY_RING_FULL);

	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		make_up_exits(vcpu->run, pio);

	devuser_catch_signals();
	interrupt_every_run(vcpu);
	for (;;) {
		__vcpu_run(vcpu);
		report_run(dv, report);
	}
}

FIXTURE(made_up)
{
	struct report *report;
	pid_t vmm;
};

FIXTURE_VARIANT(made_up)
{
	bool live;
	bool pio;
};

FIXTURE_VARIANT_ADD(made_up, live) { .live = true };
FIXTURE_VARIANT_ADD(made_up, failed) { .live = false };
FIXTURE_VARIANT_ADD(made_up, live_pio) { .live = true, .pio = true };
FIXTURE_VARIANT_ADD(made_up, failed_pio) { .live = false, .pio = true };

FIXTURE_SETUP(made_up)
{
	if (!ring_is_supported())
		SKIP(return, "KVM has no dirty ring");

	self->report = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(self->report != MAP_FAILED, "mmap() failed");
	fflush(NULL);
	self->vmm = fork();
	TEST_ASSERT(self->vmm >= 0, "fork() failed");
	if (!self->vmm)
		run_vmm(variant->live, variant->pio, self->report);
}

FIXTURE_TEARDOWN(made_up)
{
	munmap(self->report, SZ_4K);
}

/*
 * KVM_RUN takes up loads and stores to memory that KVM's own code waits for, and no
 * others; of what OUT does KVM keeps no record. But a signal ends it after one, and
 * SIGKILL for good.
 */
TEST_F(made_up, store)
{
	struct report *report = self->report;
	int status;

	if (!variant->pio) {
		DEVUSER_WAIT(READ_ONCE(report->accesses) ||
			     READ_ONCE(report->made_up) >= NR_MADE_UP);
		TEST_ASSERT_EQ(READ_ONCE(report->accesses), 0);
	}
	DEVUSER_WAIT(READ_ONCE(report->runs) >= NR_RUNS);
	TEST_ASSERT(READ_ONCE(report->most) <= 1, "KVM_RUN went on for %lu accesses",
		    READ_ONCE(report->most));

	kill(self->vmm, SIGKILL);
	DEVUSER_WAIT(waitpid(self->vmm, &status, WNOHANG) == self->vmm);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "The VMM failed, status 0x%x", status);
}

/* --- Flags of events ---------------------------------------------------- */

#define EVENT		KVM_RUN_X86_BUS_LOCK
#define STATES		(KVM_RUN_X86_SMM | KVM_RUN_X86_GUEST_MODE)

static void guest_loads(u64 index)
{
	for (;;)
		GUEST_SYNC(guest_read32(DEVUSER_GPA));
}

/* KVM_RUN in a thread, which waits for a load. */
struct runner {
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	int ret;
};

static void *runner_thread(void *arg)
{
	struct runner *runner = arg;

	runner->ret = devuser_run_once(runner->vcpu);
	return NULL;
}

static void runner_start(struct runner *runner, struct devuser_vm *dv,
			 struct kvm_dev_user_request *load)
{
	runner->vcpu = dv->vcpus[0];
	TEST_ASSERT(!pthread_create(&runner->thread, NULL, runner_thread, runner),
		    "pthread_create() failed");
	devuser_emul_read(dv->emul, load, 1);
}

static int runner_end(struct runner *runner)
{
	TEST_ASSERT(!pthread_join(runner->thread, NULL), "pthread_join() failed");
	return runner->ret;
}

/* As if the exit that is being finished had come with an event. */
static void add_flags(struct kvm_run *run, u16 flags)
{
	WRITE_ONCE(run->flags, READ_ONCE(run->flags) | flags);
}

/* No later exit tells of the event again; what state the guest is in, each does. */
TEST(event_is_told)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	struct kvm_run *run = dv->vcpus[0]->run;
	struct kvm_dev_user_request load;
	struct runner runner;

	runner_start(&runner, dv, &load);
	add_flags(run, EVENT | STATES);
	devuser_emul_answer(dv->emul, &load, 1);
	DEVUSER_EXPECT(runner_end(&runner), 0);
	TEST_ASSERT_EQ(run->flags, EVENT);

	runner_start(&runner, dv, &load);
	devuser_emul_answer(dv->emul, &load, 2);
	DEVUSER_EXPECT(runner_end(&runner), 0);
	TEST_ASSERT_EQ(run->flags, 0);
	devuser_vm_free(dv);
}

/* One that the KVM_RUN that a signal ended has told is not told by the next. */
TEST(event_is_told_once)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_loads);
	struct kvm_run *run = dv->vcpus[0]->run;
	struct kvm_dev_user_request load;
	struct runner runner;

	devuser_catch_signals();
	runner_start(&runner, dv, &load);
	add_flags(run, EVENT);
	pthread_kill(runner.thread, SIGUSR1);
	DEVUSER_EXPECT(runner_end(&runner), -EINTR);
	TEST_ASSERT_EQ(run->flags, EVENT | KVM_RUN_DEV_USER);

	devuser_emul_answer(dv->emul, &load, 1);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 1);
	TEST_ASSERT_EQ(run->flags, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
