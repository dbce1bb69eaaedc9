/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of what goes wrong with a user device: clocks, signals, eventfds,
 * and a look at what the slave descriptor says, in the emulator's process.
 */
#ifndef SELFTEST_KVM_DEVUSER_PROBE_H
#define SELFTEST_KVM_DEVUSER_PROBE_H

#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <time.h>

#include "devuser_util.h"

#define MSEC_NS		1000000ull

/* --- Time ------------------------------------------------------------------ */

static inline u64 devuser_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static inline void devuser_sleep_ms(u32 ms)
{
	usleep(ms * 1000);
}

/* --- Signals ---------------------------------------------------------------- */

static inline void devuser_ignore_signal(int sig)
{
}

/* SIGALRM and SIGUSR1 interrupt system calls, and do nothing else. */
static inline void devuser_catch_signals(void)
{
	struct sigaction action = { .sa_handler = devuser_ignore_signal };

	TEST_ASSERT(!sigaction(SIGALRM, &action, NULL), "sigaction() failed");
	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "sigaction() failed");
}

/* Sends SIGALRM after @ms milliseconds, and every @ms again until called with 0. */
static inline void devuser_alarm_ms(u32 ms)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = ms * 1000,
		.it_value.tv_usec = ms * 1000,
	};

	TEST_ASSERT(!setitimer(ITIMER_REAL, &timer, NULL), "setitimer() failed");
}

/* KVM_RUN once: 0 or -errno. */
static inline int devuser_run_once(struct kvm_vcpu *vcpu)
{
	return devuser_ret(__vcpu_run(vcpu));
}

/* KVM_RUN once, to be ended by a signal within @ms milliseconds. */
static inline void devuser_run_interrupted(struct kvm_vcpu *vcpu, u32 ms)
{
	devuser_alarm_ms(ms);
	DEVUSER_EXPECT(devuser_run_once(vcpu), -EINTR);
	devuser_alarm_ms(0);
}

/*
 * KVM_RUN until a signal has interrupted an access: on a slow machine the first
 * signals come before the guest has got so far.
 */
static inline void devuser_run_unfinished(struct kvm_vcpu *vcpu, u32 ms)
{
	int tries = 100;

	do {
		devuser_run_interrupted(vcpu, ms);
	} while (!(vcpu->run->flags & KVM_RUN_DEV_USER) && --tries);
	TEST_ASSERT(tries, "The guest does not come to its access");
}

/* The value of the next GUEST_SYNC(). */
static inline u64 devuser_run_sync(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	TEST_ASSERT_EQ(devuser_vcpu_run(vcpu, &uc), UCALL_SYNC);
	return uc.args[1];
}

/* --- The master's eventfd --------------------------------------------------- */

/* Registers a new eventfd, which does not block. */
static inline int devuser_watch(int master)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	TEST_ASSERT(fd >= 0, "eventfd() failed");
	devuser_set_eventfd(master, fd);
	return fd;
}

/* How often the eventfd was signalled since the last look. */
static inline u64 devuser_told(int fd)
{
	u64 count = 0;

	if (devuser_ret(read(fd, &count, sizeof(count))) < 0)
		return 0;
	return count;
}

static inline void devuser_expect_state(int master, u32 state, u32 reason)
{
	struct kvm_dev_user_status status = devuser_status(master);

	TEST_ASSERT_EQ(status.state, state);
	TEST_ASSERT_EQ(status.reason, reason);
}

/* --- What the kernel says of VMs and modules --------------------------------- */

/* References to a module, or -1 if it is built in. */
static inline int devuser_module_refs(const char *name)
{
	char path[64];
	int refs = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	TEST_ASSERT(fscanf(file, "%d", &refs) == 1, "Cannot read %s", path);
	fclose(file);
	return refs;
}

#define DEVUSER_SOON_MS		2000	/* at once, on a slow machine */

/*
 * Each VM has a folder of its own in debugfs, named by a number, for as long as
 * anything refers to it. Returns -1 without debugfs.
 */
static inline int devuser_nr_vms(void)
{
	glob_t vms = { };
	int nr;

	devuser_ret(mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL));
	if (access("/sys/kernel/debug/kvm", F_OK))
		return -1;
	glob("/sys/kernel/debug/kvm/[0-9]*", GLOB_NOSORT, NULL, &vms);
	nr = vms.gl_pathc;
	globfree(&vms);
	return nr;
}

/* Accesses of this process's one VM that have left KVM's I/O bus; -1 if KVM does not tell. */
static inline long devuser_nr_mmio_exits(void)
{
	char path[128];
	glob_t found = { };
	long nr = -1;
	FILE *file;

	devuser_nr_vms();
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-*/mmio_exits", getpid());
	if (!glob(path, GLOB_NOSORT, NULL, &found) && found.gl_pathc == 1) {
		file = fopen(found.gl_pathv[0], "re");
		if (file && fscanf(file, "%ld", &nr) != 1)
			nr = -1;
		if (file)
			fclose(file);
	}
	globfree(&found);
	errno = 0;
	return nr;
}

static inline void devuser_wait_vms(int nr)
{
	u64 start = devuser_now_ms();

	while (devuser_nr_vms() != nr) {
		TEST_ASSERT(devuser_now_ms() - start < DEVUSER_SOON_MS, "There are %d VMs, not %d",
			    devuser_nr_vms(), nr);
		devuser_sleep_ms(1);
	}
}

/* Closes and unmaps what there is of the vCPU; kvm_vm_free() does it again. */
static inline void devuser_close_vcpu(struct kvm_vcpu *vcpu)
{
	int size = ioctl(vcpu->vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	void *run = vcpu->run;

	TEST_ASSERT(size > 0, "KVM_GET_VCPU_MMAP_SIZE failed");
	TEST_ASSERT(mmap(run, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) == run, "mmap() failed");
	TEST_ASSERT(!close(vcpu->fd), "close() failed");
	vcpu->fd = open("/dev/null", O_RDWR);
	TEST_ASSERT(vcpu->fd >= 0, "Cannot open /dev/null");
}

/* --- The slave, in the emulator's process ----------------------------------- */

static inline long __devuser_emul_poll(struct devuser_emul *emul, void *arg)
{
	struct pollfd fd = { .fd = emul->slave, .events = POLLIN | POLLOUT };
	long ret = devuser_ret(poll(&fd, 1, 0));

	return ret < 0 ? ret : fd.revents;
}

/* What poll() reports at once. */
static inline long devuser_emul_poll(struct devuser_emul *emul)
{
	return devuser_emul_call(emul, __devuser_emul_poll, NULL, 0);
}

static inline long __devuser_emul_read_one(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request req;

	return devuser_read(emul->slave, &req, 1);
}

/* One read(), which may sleep: requests read, or -errno. */
static inline long devuser_emul_read_one(struct devuser_emul *emul)
{
	return devuser_emul_call(emul, __devuser_emul_read_one, NULL, 0);
}

/* Reads nothing within a moment. */
static inline void devuser_emul_expect_idle(struct devuser_emul *emul)
{
	devuser_sleep_ms(50);
	TEST_ASSERT_EQ(devuser_emul_poll(emul), POLLOUT);
}

/* Answers one load with @data, or one store. */
static inline void devuser_emul_answer(struct devuser_emul *emul,
				       struct kvm_dev_user_request *req, u64 data)
{
	if (req->type == KVM_DEV_USER_LOAD)
		memcpy(req->data, &data, sizeof(data));
	DEVUSER_EXPECT(devuser_emul_write(emul, req, 1), 1);
}

/* Kills the slave, if there still is one, and gives its successor to a new process. */
static inline void devuser_new_slave(struct devuser_vm *dv, u32 flags)
{
	devuser_emul_free(dv->emul);
	dv->emul = devuser_emul_start();
	devuser_emul_attach(dv->emul, devuser_slave_fd(dv->master, flags));
}

#endif /* SELFTEST_KVM_DEVUSER_PROBE_H */
