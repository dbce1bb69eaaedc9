// SPDX-License-Identifier: GPL-2.0-only
/*
 * R8, R9 and R10 of the user device as a table: each fault in each state that a
 * request can have; what the guest sees, how soon it goes on, and that every
 * store was delivered once, or counted as lost.
 *
 * The lines that begin with "matrix:" are the rows of
 * Documentation/devuser/fault-matrix.md.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define LOAD_GPA	(DEVUSER_GPA + 0x2000)
#define AFTER_GPA	(DEVUSER_GPA + 0x2008)
#define FAR_GPA		(DEVUSER_GPA + DEVUSER_MMIO_LEN)

/* Beyond what can be posted, so that one of them waits. */
#define NR_FULL		(DEVUSER_STORES_MAX + 20)
#define NR_READ		10
#define NR_MOVES	5

#define TIMEOUT_MS	200	/* of a stopped emulator */
#define HARNESS_S	240

#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/devuser_faults"
#define CGROUP_BYTES	"33554432"
#define CPU1		"/sys/devices/system/cpu/cpu1/online"

/* --- The states of a request -------------------------------------------------- */

struct state {
	const char *name;
	u32 stores;		/* of the guest, before its load */
	u32 read;		/* requests that the emulator has read */
	bool answered;		/* of these the last, which is the load */
};

static const struct state states[] = {
	{ "load, pending", 0, 0, false },
	{ "load, read", 0, 1, false },
	{ "load, answered, its older store not", 1, 2, true },
	{ "stores, posted, pending", 4, 0, false },
	{ "stores, posted, read", 4, 4, false },
	{ "store, waits for room, others read", NR_FULL, NR_READ, false },
};

static u64 nr_stores;
static u64 loaded;
static u64 reached;

/* The second load goes on until the device works, as a driver's reset would. */
static void guest_code(u64 index)
{
	u64 i;

	for (i = 0; i < READ_ONCE(nr_stores); i++)
		guest_write32(DEVUSER_GPA + 4 * i, i);
	WRITE_ONCE(loaded, guest_read32(LOAD_GPA));
	WRITE_ONCE(reached, 1);
	while (guest_read32(AFTER_GPA) != (u32)devuser_pattern(DEVUSER_RID_MMIO, 0x2008, 4))
		;
	GUEST_DONE();
}

#define ANSWER	((u32)devuser_pattern(DEVUSER_RID_MMIO, 0x2000, 4))

/* Requests that are queued once the guest has come as far as it can. */
static u32 nr_queued(const struct state *state)
{
	return min_t(u32, state->stores, DEVUSER_STORES_MAX) + 1;
}

static bool is_settled(struct devuser_vm *dv, const struct state *state)
{
	struct kvm_dev_user_status status = devuser_status(dv->master);

	return status.pending + status.sent == nr_queued(state) && status.vcpus == 1;
}

/* What the emulator has read, and has still to answer, should it live on. */
static struct kvm_dev_user_request held[NR_READ];
static u32 nr_held;

static void emulator_reads(struct devuser_emul *emul, const struct state *state)
{
	nr_held = state->read;
	if (nr_held)
		devuser_emul_read(emul, held, nr_held);
	if (state->answered)
		devuser_emul_answer(emul, &held[--nr_held], ANSWER);
}

/* --- The account of the stores --------------------------------------------------- */

static u32 nr_seen[NR_FULL];	/* times that an emulator was given the store */
static u32 nr_answered, nr_replayed, nr_double;

static void account_begin(void)
{
	memset(nr_seen, 0, sizeof(nr_seen));
	nr_answered = 0;
	nr_replayed = 0;
	nr_double = 0;
}

/* One emulator's log; @answers tells whether it answered what is in there. */
static void account(struct devuser_emul *emul, bool answers)
{
	const struct kvm_dev_user_request *req;
	bool replayed;
	u64 store;
	u32 i;

	for (i = 0; i < devuser_emul_nr(emul); i++) {
		req = &emul->shared->log[i];
		replayed = req->flags & KVM_DEV_USER_REPLAYED;
		TEST_ASSERT(!i || req->seq > req[-1].seq, "Request %u is out of order", i);
		if (req->type != KVM_DEV_USER_STORE)
			continue;
		store = devuser_data(req);
		TEST_ASSERT(store < NR_FULL && req->offset == 4 * store, "Not the guest's store");
		nr_double += !!nr_seen[store] != replayed;
		nr_replayed += replayed;
		nr_answered += answers;
		nr_seen[store]++;
	}
}

/* --- Faults ------------------------------------------------------------------------ */

static struct devuser_vm *dv;
static int watch;
static u64 hit_ms;	/* when it happened */

static void hit_kill(void)
{
	devuser_emul_kill(dv->emul);
}

static long close_slave(struct devuser_emul *emul, void *arg)
{
	close(emul->slave);
	emul->slave = -1;
	return 0;
}

static void hit_close(void)
{
	devuser_emul_call(dv->emul, close_slave, NULL, 0);
}

static void hit_stop(void)
{
	TEST_ASSERT(!kill(dv->emul->pid, SIGSTOP), "kill() failed");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	TEST_ASSERT(fd >= 0, "Cannot open %s: %s", path, strerror(errno));
	TEST_ASSERT(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		    "Cannot write '%s' to %s: %s", text, path, strerror(errno));
	close(fd);
}

/* Whoever gets no memory any more is killed: that is the one who asks for it. */
static long eat_memory(struct devuser_emul *emul, void *arg)
{
	for (;;) {
		void *page = mmap(NULL, SZ_1M, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (page == MAP_FAILED)
			usleep(1000);
	}
	return 0;
}

static void hit_memory(void)
{
	siginfo_t info;
	char pid[16];

	devuser_ret(mount("cgroup2", CGROUPS, "cgroup2", 0, NULL));
	write_file(CGROUPS "/cgroup.subtree_control", "+memory");
	TEST_ASSERT(!mkdir(CGROUP, 0755) || errno == EEXIST, "Cannot make " CGROUP);
	errno = 0;
	write_file(CGROUP "/memory.max", CGROUP_BYTES);
	snprintf(pid, sizeof(pid), "%d", dv->emul->pid);
	write_file(CGROUP "/cgroup.procs", pid);
	devuser_emul_call_start(dv->emul, eat_memory, NULL, 0);
	TEST_ASSERT(!waitid(P_PID, dv->emul->pid, &info, WEXITED | WNOWAIT), "waitid() failed");
	hit_ms = devuser_now_ms();
}

static void after_memory(void)
{
	TEST_ASSERT(!rmdir(CGROUP), "Cannot remove " CGROUP ": %s", strerror(errno));
}

/* The thread is gone from within KVM_RUN's -EINTR, and its stack with it. */
static void end_thread(int sig)
{
	syscall(SYS_exit, 0);
}

static void hit_thread(void)
{
	struct sigaction action = { .sa_handler = end_thread };

	TEST_ASSERT(!sigaction(SIGUSR2, &action, NULL), "sigaction() failed");
	pthread_kill(dv->threads[0], SIGUSR2);
	devuser_vcpu_join(dv, 0);
	devuser_vcpu_start(dv, 0);
}

static void hit_ranges(void)
{
	int i;

	for (i = 0; i < NR_MOVES; i++) {
		devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, FAR_GPA, DEVUSER_MMIO_LEN);
		devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	}
}

static void hit_cpu(void)
{
	devuser_pin(dv->threads[0], 1);
	write_file(CPU1, "0");
}

static void after_cpu(void)
{
	write_file(CPU1, "1");
}

/* The last of the line: it gets the slave by SCM_RIGHTS, from one that it outlives. */
static void __noreturn last_heir(struct devuser_emul *emul, int sock, u32 nr)
{
	close(emul->sock);
	close(emul->slave);
	TEST_ASSERT(devuser_fd_recv(sock, &emul->slave) && emul->slave >= 0, "No descriptor");
	if (nr)
		devuser_serve(emul, (void *)emul->shared->arg, nr);
	devuser_emul_serve_here(emul, devuser_serve);
	_exit(0);
}

/* In the emulator's process: a child, and a child of that, then both are orphans. */
static long hand_down(struct devuser_emul *emul, void *arg)
{
	u32 nr = emul->shared->scratch[0];
	int socks[2];
	pid_t pid;

	TEST_ASSERT(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks),
		    "socketpair() failed");
	pid = fork();
	if (!pid) {
		if (!fork())
			last_heir(emul, socks[1], nr);
		_exit(0);
	}
	TEST_ASSERT(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork() failed");
	devuser_fd_send(socks[0], emul->slave);
	return 0;
}

/* The descriptor is for a moment only in the socket. */
static void hit_heirs(void)
{
	dv->emul->shared->scratch[0] = nr_held;
	devuser_emul_call(dv->emul, hand_down, held, nr_held * sizeof(held[0]));
	devuser_emul_kill(dv->emul);
}

/* --- A row of the table ----------------------------------------------------------- */

struct fault {
	const char *name;
	void (*hit)(void);
	void (*after)(void);
	u32 flags;		/* what becomes of the requests of a lost slave */
	u32 timeout_ms;
	bool loses_slave;
	bool heir;		/* the slave is in other hands, which answer */
};

static const char *policy(const struct fault *fault)
{
	if (!fault->loses_slave)
		return "-";
	if (fault->timeout_ms)
		return "time-out";
	return fault->flags & KVM_DEV_USER_SLAVE_REPLAY ? "hold, replay" :
	       fault->flags ? "hold" : "fail";
}

/* As a VMM would: it is told, and finds somebody new. */
static void replace_slave(const struct fault *fault)
{
	struct pollfd fd = { .fd = watch, .events = POLLIN };
	struct kvm_dev_user_status status;

	TEST_ASSERT(poll(&fd, 1, DEVUSER_WAIT_MS) == 1, "The master was not told");
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.state, fault->flags ? KVM_DEV_USER_HELD : KVM_DEV_USER_FAILED);
	devuser_emul_kill(dv->emul);
	account(dv->emul, false);
	devuser_new_slave(dv, fault->flags);
	devuser_emul_serve(dv->emul, devuser_serve);
}

/* The emulator has noticed nothing. */
static void go_on(void)
{
	TEST_ASSERT_EQ(devuser_told(watch), 0);
	devuser_fill(held, nr_held);
	if (nr_held)
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, held, nr_held), nr_held);
	devuser_emul_serve(dv->emul, devuser_serve);
}

static void recover(const struct fault *fault)
{
	if (fault->loses_slave)
		replace_slave(fault);
	else if (!fault->heir)
		go_on();
}

/* Everything was delivered or is counted, and nothing is left. */
static void check_account(const struct fault *fault, const struct state *state)
{
	struct kvm_dev_user_status status = devuser_status(dv->master);
	bool replay = fault->flags & KVM_DEV_USER_SLAVE_REPLAY;

	TEST_ASSERT_EQ(nr_double, 0);
	TEST_ASSERT_EQ(nr_answered + status.discarded, state->stores);
	TEST_ASSERT_EQ(status.pending + status.sent + status.vcpus, 0);
	TEST_ASSERT_EQ(status.refused, 0);
	if (!fault->loses_slave || replay)
		TEST_ASSERT_EQ(status.discarded, 0);
}

static const char *check_load(const struct fault *fault, const struct state *state)
{
	u64 value = *DEVUSER_GUEST_VAR(dv->vm, loaded);

	TEST_ASSERT(value == ANSWER || value == ~0u, "The guest loaded 0x%lx", value);
	if (!fault->loses_slave || state->answered || fault->flags & KVM_DEV_USER_SLAVE_REPLAY)
		TEST_ASSERT_EQ(value, ANSWER);
	return value == ANSWER ? "the answer" : "all ones";
}

/* A fault in one state. The vCPU's thread is the guest's progress. */
static void run_row(const struct fault *fault, const struct state *state)
{
	int vms = devuser_nr_vms();
	u64 resumed, works;
	const char *load;

	dv = devuser_vm_create(1, guest_code);
	*DEVUSER_GUEST_VAR(dv->vm, nr_stores) = state->stores;
	devuser_new_slave(dv, fault->flags);
	devuser_set_timeout(dv->master, fault->timeout_ms * MSEC_NS);
	watch = devuser_watch(dv->master);
	account_begin();

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(is_settled(dv, state));
	emulator_reads(dv->emul, state);
	hit_ms = devuser_now_ms();
	fault->hit();
	recover(fault);
	DEVUSER_WAIT(READ_ONCE(*DEVUSER_GUEST_VAR(dv->vm, reached)));
	resumed = devuser_now_ms() - hit_ms;
	devuser_vcpu_join(dv, 0);
	works = devuser_now_ms() - hit_ms;

	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, DEVUSER_WAIT_MS * MSEC_NS), 0);
	account(dv->emul, true);
	check_account(fault, state);
	load = check_load(fault, state);
	ksft_print_msg("matrix: %s | %s | %s | %s | %u | %u | %u | %llu | %lu | %lu\n",
		       fault->name, policy(fault), state->name, load, state->stores,
		       nr_answered, nr_replayed, devuser_status(dv->master).discarded, resumed,
		       works);
	if (fault->after)
		fault->after();
	close(watch);
	devuser_vm_free(dv);
	if (vms >= 0)
		devuser_wait_vms(vms);
}

FIXTURE(faults) {
};

FIXTURE_VARIANT(faults) {
	struct fault fault;
};

FIXTURE_VARIANT_ADD(faults, kill) {
	.fault = {
		.name = "emulator killed",
		.hit = hit_kill,
		.loses_slave = true,
	},
};

FIXTURE_VARIANT_ADD(faults, kill_hold) {
	.fault = {
		.name = "emulator killed",
		.hit = hit_kill,
		.loses_slave = true,
		.flags = KVM_DEV_USER_SLAVE_HOLD,
	},
};

FIXTURE_VARIANT_ADD(faults, kill_replay) {
	.fault = {
		.name = "emulator killed",
		.hit = hit_kill,
		.loses_slave = true,
		.flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY,
	},
};

FIXTURE_VARIANT_ADD(faults, close) {
	.fault = {
		.name = "emulator closes the slave",
		.hit = hit_close,
		.loses_slave = true,
	},
};

FIXTURE_VARIANT_ADD(faults, close_hold) {
	.fault = {
		.name = "emulator closes the slave",
		.hit = hit_close,
		.loses_slave = true,
		.flags = KVM_DEV_USER_SLAVE_HOLD,
	},
};

FIXTURE_VARIANT_ADD(faults, close_replay) {
	.fault = {
		.name = "emulator closes the slave",
		.hit = hit_close,
		.loses_slave = true,
		.flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY,
	},
};

FIXTURE_VARIANT_ADD(faults, stop) {
	.fault = {
		.name = "emulator stopped",
		.hit = hit_stop,
		.loses_slave = true,
		.timeout_ms = TIMEOUT_MS,
	},
};

FIXTURE_VARIANT_ADD(faults, memory) {
	.fault = {
		.name = "emulator out of its cgroup's memory",
		.hit = hit_memory,
		.after = after_memory,
		.loses_slave = true,
		.flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY,
	},
};

FIXTURE_VARIANT_ADD(faults, heirs) {
	.fault = {
		.name = "slave handed down by fork and SCM_RIGHTS, the emulator killed",
		.hit = hit_heirs,
		.heir = true,
	},
};

FIXTURE_VARIANT_ADD(faults, thread) {
	.fault = {
		.name = "vCPU's thread ended, another goes on",
		.hit = hit_thread,
	},
};

FIXTURE_VARIANT_ADD(faults, ranges) {
	.fault = {
		.name = "range moved away and back, five times",
		.hit = hit_ranges,
	},
};

FIXTURE_VARIANT_ADD(faults, cpu) {
	.fault = {
		.name = "the vCPU thread's CPU unplugged",
		.hit = hit_cpu,
		.after = after_cpu,
	},
};

FIXTURE_SETUP(faults)
{
	devuser_catch_signals();
}

FIXTURE_TEARDOWN(faults)
{
}

TEST_F_TIMEOUT(faults, each_state, HARNESS_S)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		run_row(&variant->fault, &states[i]);
}

/* --- The end of the VM -------------------------------------------------------------- */

static void print_end(const char *fault, const struct state *state, u64 freed)
{
	ksft_print_msg("matrix: %s | - | %s | the VM is gone | %u | 0 | 0 | - | %lu | -\n", fault,
		       state->name, state->stores, freed);
}

/* The slave learns of the end, and nothing that it had read can be answered. */
static void expect_gone(struct devuser_emul *emul)
{
	TEST_ASSERT_EQ(devuser_emul_poll(emul), POLLIN | POLLOUT | POLLHUP);
	DEVUSER_EXPECT(devuser_emul_read_one(emul), 0);
	if (nr_held)
		DEVUSER_EXPECT(devuser_emul_write(emul, held, 1), -ENODEV);
}

/* A VMM in a process of its own, with its guest in this state. */
static void __noreturn vmm_main(struct devuser_emul *emul, const struct state *state)
{
	dv = devuser_vm_create_for(emul, 1, guest_code);
	*DEVUSER_GUEST_VAR(dv->vm, nr_stores) = state->stores;
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(is_settled(dv, state));
	WRITE_ONCE(emul->shared->scratch[0], 1);
	for (;;)
		pause();
}

static void run_vmm_killed(const struct state *state)
{
	struct devuser_emul *emul = devuser_emul_start();
	int vms = devuser_nr_vms(), status;
	pid_t pid = fork();
	u64 start;

	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		vmm_main(emul, state);
	DEVUSER_WAIT(READ_ONCE(emul->shared->scratch[0]));
	emulator_reads(emul, state);

	start = devuser_now_ms();
	kill(pid, SIGKILL);
	TEST_ASSERT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "The VMM failed");
	devuser_wait_vms(vms);
	print_end("QEMU's process killed", state, devuser_now_ms() - start);
	expect_gone(emul);
	devuser_emul_free(emul);
}

/* KVM_RUN until the VMM would have to do something. */
static void *run_to_exit(void *vcpu)
{
	TEST_ASSERT(!devuser_run_once(vcpu), "KVM_RUN failed");
	return NULL;
}

static void replace_fd(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	TEST_ASSERT(null >= 0 && dup2(null, fd) == fd, "Cannot replace a descriptor");
	close(null);
}

static void run_vm_destroyed(const struct state *state)
{
	int vms = devuser_nr_vms();
	u64 start;

	dv = devuser_vm_create(1, guest_code);
	*DEVUSER_GUEST_VAR(dv->vm, nr_stores) = state->stores;
	TEST_ASSERT(!pthread_create(&dv->threads[0], NULL, run_to_exit, dv->vcpus[0]),
		    "pthread_create() failed");
	DEVUSER_WAIT(is_settled(dv, state));
	emulator_reads(dv->emul, state);

	start = devuser_now_ms();
	replace_fd(dv->vm->fd);
	replace_fd(dv->master);
	devuser_vcpu_join(dv, 0);
	devuser_close_vcpu(dv->vcpus[0]);
	devuser_wait_vms(vms);
	print_end("VM and master closed by another thread", state, devuser_now_ms() - start);
	expect_gone(dv->emul);
	devuser_emul_free(dv->emul);
	free(dv);
}

FIXTURE(end) {
};

FIXTURE_VARIANT(end) {
	void (*run)(const struct state *state);
};

FIXTURE_VARIANT_ADD(end, vmm_killed) {
	.run = run_vmm_killed,
};

FIXTURE_VARIANT_ADD(end, vm_destroyed) {
	.run = run_vm_destroyed,
};

FIXTURE_SETUP(end)
{
	TEST_ASSERT(devuser_nr_vms() >= 0, "There is no /sys/kernel/debug/kvm to count VMs in");
}

FIXTURE_TEARDOWN(end)
{
}

TEST_F_TIMEOUT(end, each_state, HARNESS_S)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		variant->run(&states[i]);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
