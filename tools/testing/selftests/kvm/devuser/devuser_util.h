/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the KVM user device share: the device's ioctls, an
 * emulator in a process of its own, and a VM that has both.
 *
 * The rules R1 to R19 that the tests name are those of
 * Documentation/virt/kvm/devices/user.rst.
 */
#ifndef SELFTEST_KVM_DEVUSER_UTIL_H
#define SELFTEST_KVM_DEVUSER_UTIL_H

#include <pthread.h>
#include <sys/types.h>

#include <linux/kvm_devuser.h>
#include <linux/sizes.h>

#include "devuser_guest.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "ucall_common.h"

/* --- Expectations -------------------------------------------------------- */

/*
 * Returns what a system call returned, or -errno.  Clears errno, as a failing
 * TEST_ASSERT() would turn a test into a skipped one while errno is EACCES.
 */
static inline long devuser_ret(long ret)
{
	if (ret >= 0)
		return ret;

	ret = -errno;
	errno = 0;
	return ret;
}

/* @call returns the number that it should, or -errno. */
#define DEVUSER_EXPECT(call, want)						\
do {										\
	long __want = (want);							\
	long __got = (call);							\
										\
	TEST_ASSERT(__got == __want, "%s returned %ld (%s), wanted %ld (%s)",	\
		    #call, __got, __got < 0 ? strerror(-__got) : "success",	\
		    __want, __want < 0 ? strerror(-__want) : "success");	\
} while (0)

/* What a wait for another thread or process may last before the test fails. */
#define DEVUSER_WAIT_MS		10000

/* Sleeps until @cond holds. */
#define DEVUSER_WAIT(cond)							\
do {										\
	int __ms = 0;								\
										\
	while (!(cond)) {							\
		TEST_ASSERT(__ms++ < DEVUSER_WAIT_MS, "no end of waiting for %s", #cond); \
		usleep(1000);							\
	}									\
} while (0)

/* @cond, that nothing should change, still holds after a while. */
#define DEVUSER_STAYS(cond)							\
do {										\
	usleep(50000);								\
	TEST_ASSERT(cond, "It did not stay so: %s", #cond);			\
} while (0)

/* --- Limits ---------------------------------------------------------------- */

/* For arrays; devuser_abi sees that KVM_DEV_USER_INFO tells the same. */
#define DEVUSER_RANGES_MAX	64
#define DEVUSER_STORES_MAX	256
#define DEVUSER_AREAS_MAX	128
#define DEVUSER_DOORBELLS_MAX	1024
#define DEVUSER_SHADOW_MAX	SZ_1M
#define DEVUSER_SPIN_MAX	10000000

/* --- The master descriptor ------------------------------------------------ */

static inline long devuser_ioctl(int fd, unsigned long cmd, const void *arg)
{
	return devuser_ret(ioctl(fd, cmd, arg));
}

int devuser_create(struct kvm_vm *vm);
int devuser_slave_fd(int master, u32 flags);
long __devuser_set_range(int master, u32 rid, u32 flags, u64 addr, u64 len);
void devuser_set_range(int master, u32 rid, u32 flags, u64 addr, u64 len);
long __devuser_remove_range(int master, u32 rid);
void devuser_remove_range(int master, u32 rid);
void devuser_set_timeouts(int master, u64 timeout_ns, u64 busy_ns);
void devuser_set_eventfd(int master, int fd);
struct kvm_dev_user_status devuser_status(int master);
long __devuser_quiet(int master, u32 flags, u64 timeout_ns);
void devuser_abandon(int master);
long __devuser_set_spin(int master, u64 vcpu_ns, u64 slave_ns);
void devuser_set_spin(int master, u64 vcpu_ns, u64 slave_ns);
long __devuser_revoke(int master);
void devuser_revoke(int master);

/* The time-out of a slave that is never believed to be busy. */
static inline void devuser_set_timeout(int master, u64 timeout_ns)
{
	devuser_set_timeouts(master, timeout_ns, 0);
}

/* Of either descriptor. */
struct kvm_dev_user_info devuser_info(int fd);

/* --- The slave descriptor ------------------------------------------------- */

/* These return the number of requests, or -errno. */
long devuser_read(int slave, struct kvm_dev_user_request *reqs, size_t nr);
long devuser_write(int slave, const struct kvm_dev_user_request *replies, size_t nr);

long devuser_exchange(int slave, const struct kvm_dev_user_request *replies, u32 nr_replies,
		      struct kvm_dev_user_request *reqs, u32 nr_reqs);

long devuser_shadow_size(int slave, u64 bytes);
long devuser_shadow_ctrl(int slave, const struct kvm_dev_user_shadow_area *areas, u32 nr);

/* Says that it works on what it has read: 0 or -errno. */
long devuser_busy(int slave);

/* Replaces the slave's doorbells as a whole: 0 or -errno. */
long devuser_set_doorbells(int slave, const struct kvm_dev_user_doorbell *doorbells, u32 nr);

/* --- The emulator's process ------------------------------------------------ */

#define DEVUSER_LOG_MAX		131072		/* requests that fit the log */
#define DEVUSER_BATCH_MAX	512		/* requests that one read() takes */
#define DEVUSER_CALL_MAX	SZ_64K		/* bytes that go with a call */

struct devuser_emul;

/* Both run in the emulator's process. */
typedef void (*devuser_serve_t)(struct devuser_emul *emul,
				struct kvm_dev_user_request *reqs, int nr);
typedef long (*devuser_call_t)(struct devuser_emul *emul, void *arg);

/*
 * What the test and the emulator see both.  Each request that the emulator
 * reads is put in @log before it is served.
 */
struct devuser_emul_shared {
	u32 nr;				/* requests in @log */
	u32 batch;			/* requests to take by one read() */
	u32 delay_us;			/* sleep before serving each batch */
	u32 ended;			/* serving has ended with @end */
	s32 end;			/* what read() returned then: 0 or -errno */
	u64 scratch[64];		/* whatever a test likes */

	devuser_call_t fn;		/* the call in progress */
	long ret;
	u8 arg[DEVUSER_CALL_MAX];

	struct kvm_dev_user_request log[DEVUSER_LOG_MAX];
};

struct devuser_emul {
	struct devuser_emul_shared *shared;
	int sock;			/* to the other process */
	size_t arg_size;		/* of the call in progress */
	pid_t pid;			/* the emulator's, 0 in itself */

	/* The emulator's own. */
	int slave;
	devuser_serve_t serve;		/* NULL: leave requests alone */
	void *shadow;			/* see devuser_emul_shadow() */
};

/* One message is one byte and at most one descriptor, or else -1. */
void devuser_fd_send(int sock, int fd);

/* Returns whether there was a message. */
bool devuser_fd_recv(int sock, int *fd);

/* Starts a process that has nothing yet, and nothing of KVM's. */
struct devuser_emul *devuser_emul_start(void);

/* Gives the process the slave (SCM_RIGHTS); the caller's one is closed. */
void devuser_emul_attach(struct devuser_emul *emul, int slave);

/*
 * Lets the process answer by itself, with @serve for each batch that it has
 * read; NULL ends that, and what has been read by then has been served.
 */
void devuser_emul_serve(struct devuser_emul *emul, devuser_serve_t serve);

/* In the process, or one that it has forked: serves until there is an end of it. */
void devuser_emul_serve_here(struct devuser_emul *emul, devuser_serve_t serve);

/* Calls fn(emul, copy of arg) in the process; arg is copied back. */
long devuser_emul_call(struct devuser_emul *emul, devuser_call_t fn, void *arg, size_t size);

/* The same in two steps, for calls that sleep. */
void devuser_emul_call_start(struct devuser_emul *emul, devuser_call_t fn,
			     const void *arg, size_t size);
long devuser_emul_call_end(struct devuser_emul *emul, void *arg);

/* In the process: reads exactly @nr requests, waiting for them. */
void devuser_emul_read(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr);

/* In the process: one write() of @nr replies, returns those taken or -errno. */
long devuser_emul_write(struct devuser_emul *emul,
			const struct kvm_dev_user_request *replies, int nr);

/* In the process: makes and maps a shadow image and sets the access map. */
void devuser_emul_shadow(struct devuser_emul *emul, u64 bytes,
			 const struct kvm_dev_user_shadow_area *areas, u32 nr);

/* In the process: stores to the shadow image. */
void devuser_emul_shadow_set(struct devuser_emul *emul, u64 offset, const void *data, u32 size);

/* SIGKILL, and wait until its descriptors are closed. */
void devuser_emul_kill(struct devuser_emul *emul);
void devuser_emul_free(struct devuser_emul *emul);

/* In the process: puts requests in the log, for who does not use devuser_emul_serve(). */
void devuser_emul_log(struct devuser_emul *emul, const struct kvm_dev_user_request *reqs, int nr);

/* Requests read so far. */
static inline u32 devuser_emul_nr(struct devuser_emul *emul)
{
	return __atomic_load_n(&emul->shared->nr, __ATOMIC_ACQUIRE);
}

/* The bytes that devuser_serve() answers loads with, little endian. */
static inline u64 devuser_pattern(u32 rid, u64 offset, int len)
{
	u64 val = 0;
	int i;

	for (i = 0; i < len; i++)
		val |= (u64)(u8)((offset + i) * 29 + rid * 53 + 90) << (8 * i);
	return val;
}

/* For devuser_emul_serve(): answers in order, loads by devuser_pattern(). */
void devuser_serve(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr);

/* Fails the test unless the next request in the log is what was expected. */
void devuser_check_log(struct devuser_emul *emul, u32 *next, u8 type, u32 cpu,
		       u32 rid, u64 offset, u8 len, u64 data);

/* Sets the data of the loads among @reqs by devuser_pattern(). */
void devuser_fill(struct kvm_dev_user_request *reqs, int nr);

static inline u64 devuser_data(const struct kvm_dev_user_request *req)
{
	u64 val;

	memcpy(&val, req->data, sizeof(val));
	return val;
}

/* Fails the test unless a request is what was expected. */
void devuser_check_request(const struct kvm_dev_user_request *req, u8 type, u32 cpu,
			   u32 rid, u64 offset, u8 len);

/* --- A VM with a user device ------------------------------------------------ */

/* ucall owns port 0x1000. */
#define DEVUSER_GPA		(4ull * SZ_1G)
#define DEVUSER_PORT		0x2000
#define DEVUSER_PAGES		16	/* mapped in the guest at the same address */
#define DEVUSER_MMIO_LEN	(4ull * SZ_4K)	/* the rest is nobody's */
#define DEVUSER_PORT_LEN	0x100

/* Ids of the ranges that devuser_vm_create() sets. */
#define DEVUSER_RID_MMIO	0
#define DEVUSER_RID_PIO		1

#define DEVUSER_VCPUS_MAX	16

struct devuser_vm {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[DEVUSER_VCPUS_MAX];
	pthread_t threads[DEVUSER_VCPUS_MAX];
	u32 nr_vcpus;
	int master;
	struct devuser_emul *emul;
};

/* Maps in the guest, at the same address, what the ranges lie in. */
void devuser_map(struct kvm_vm *vm);

/*
 * Makes an emulator, a VM whose vCPUs call guest_code(index), a device with two
 * ranges, and gives the slave to the emulator, which does not serve yet.
 */
struct devuser_vm *devuser_vm_create(u32 nr_vcpus, void *guest_code);

/* The same with an emulator that there is, perhaps some other process's child. */
struct devuser_vm *devuser_vm_create_for(struct devuser_emul *emul, u32 nr_vcpus,
					 void *guest_code);
void devuser_vm_free(struct devuser_vm *dv);

/* Runs a vCPU until GUEST_DONE() or GUEST_SYNC(); returns the ucall. */
u64 devuser_vcpu_run(struct kvm_vcpu *vcpu, struct ucall *uc);

/* Runs a vCPU until GUEST_DONE(), here or in a thread of its own. */
void devuser_vcpu_run_done(struct kvm_vcpu *vcpu);
void devuser_vcpu_start(struct devuser_vm *dv, u32 index);
void devuser_vcpu_join(struct devuser_vm *dv, u32 index);

/* Has a thread run on one CPU only, which there has to be. */
void devuser_pin(pthread_t thread, int cpu);

/* The same with some CPUs, of which there has to be one. */
void devuser_pin_between(pthread_t thread, int first, int last);

/* A thread that takes a CPU for itself, as far as it can, until it is ended. */
struct devuser_hog {
	pthread_t thread;
	int cpu;
	bool ends;
};

void devuser_hog_start(struct devuser_hog *hog, int cpu);
void devuser_hog_end(struct devuser_hog *hog);

/* Points to the guest's own copy of a global variable. */
#define DEVUSER_GUEST_VAR(vm, var)						\
	((typeof(var) *)addr_gva2hva((vm), (unsigned long)&(var)))

#endif /* SELFTEST_KVM_DEVUSER_UTIL_H */
