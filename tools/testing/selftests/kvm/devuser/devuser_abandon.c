// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_USER_ABANDON at awkward moments: while the slave has the load in its
 * hands, while it reads it, and while others wait for what it keeps.
 */
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define LOADED_AT	4
#define STORED_AT	8
#define STORED		0x570ed
#define NOTHING		((u32)~0)	/* what an abandoned load reads */

static void guest_loads(u64 index)
{
	for (;;)
		GUEST_SYNC(guest_read32(DEVUSER_GPA + LOADED_AT));
}

static void expect_queued(int master, u32 pending, u32 sent)
{
	struct kvm_dev_user_status status = devuser_status(master);

	TEST_ASSERT_EQ(status.pending, pending);
	TEST_ASSERT_EQ(status.sent, sent);
	TEST_ASSERT_EQ(status.refused, 0);
}

/* The vCPU comes to a load, and waits in vain. */
static void begin_load(struct devuser_vm *dv)
{
	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 20);
	/* It may have been interrupted before it had queued anything. */
	devuser_run_interrupted(dv->vcpus[0], 20);
}

/* The instruction is finished. */
static void abandon_load(struct devuser_vm *dv)
{
	devuser_abandon(dv->master);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), NOTHING);
}

/* A whole load from the begin on, of which the slave has nothing else to read. */
static void check_next_load(struct devuser_vm *dv)
{
	struct kvm_dev_user_request load;

	devuser_emul_expect_idle(dv->emul);
	begin_load(dv);
	devuser_emul_read(dv->emul, &load, 1);
	devuser_check_request(&load, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4);
	devuser_emul_answer(dv->emul, &load, 0x600d);
	TEST_ASSERT_EQ(devuser_run_sync(dv->vcpus[0]), 0x600d);
}

/* --- Others wait for room ----------------------------------------------- */

static void guest_load_and_store(u64 index)
{
	int i;

	if (!index) {
		GUEST_SYNC(guest_read32(DEVUSER_GPA + LOADED_AT));
		guest_write32(DEVUSER_GPA + STORED_AT, STORED);
	} else {
		for (i = 0; i < DEVUSER_STORES_MAX; i++)
			guest_write32(DEVUSER_GPA, i);
	}
	GUEST_DONE();
}

/*
 * R5: a store finds neither room among the posted ones, nor the vCPU's own
 * request, which an abandoned load has. It goes on when there is room, though the
 * slave keeps the load.
 */
TEST(store_waits_for_room)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_load_and_store);
	struct kvm_dev_user_request load, store, others[DEVUSER_STORES_MAX];

	begin_load(dv);
	devuser_emul_read(dv->emul, &load, 1);
	abandon_load(dv);

	devuser_vcpu_run_done(dv->vcpus[1]);
	devuser_emul_read(dv->emul, others, DEVUSER_STORES_MAX);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).vcpus == 1);
	/* It is not read; and whoever is to be woken has to sleep first. */
	devuser_emul_expect_idle(dv->emul);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, others, DEVUSER_STORES_MAX),
		       DEVUSER_STORES_MAX);

	devuser_emul_read(dv->emul, &store, 1);
	devuser_check_request(&store, KVM_DEV_USER_STORE, 0, RID, STORED_AT, 4);
	TEST_ASSERT_EQ(devuser_data(&store), STORED);
	devuser_vcpu_join(dv, 0);

	devuser_emul_answer(dv->emul, &load, 1);
	devuser_emul_answer(dv->emul, &store, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, 0);
	devuser_vm_free(dv);
}

/* --- Replay ------------------------------------------------------------- */

static void guest_store_and_load(u64 index)
{
	guest_write32(DEVUSER_GPA + STORED_AT, STORED);
	guest_loads(index);
}

/* R8: there is nobody for whom the next slave should repeat an abandoned load. */
TEST(replay_forgets)
{
	const u32 flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY;
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_and_load);
	struct kvm_dev_user_request reqs[2], store;

	devuser_new_slave(dv, flags);
	begin_load(dv);
	devuser_emul_read(dv->emul, reqs, 2);
	TEST_ASSERT_EQ(reqs[1].type, KVM_DEV_USER_LOAD);
	abandon_load(dv);

	devuser_new_slave(dv, flags);
	devuser_emul_read(dv->emul, &store, 1);
	devuser_check_request(&store, KVM_DEV_USER_STORE, 0, RID, STORED_AT, 4);
	TEST_ASSERT_EQ(store.seq, reqs[0].seq);
	TEST_ASSERT_EQ(store.flags, KVM_DEV_USER_REPLAYED);
	devuser_emul_answer(dv->emul, &store, 0);
	expect_queued(dv->master, 0, 0);
	check_next_load(dv);
	devuser_vm_free(dv);
}

/* --- A reader that is held in its copying ------------------------------- */

/* In the emulator's process: a page whose faults somebody has to end. */
struct trap {
	int uffd;
	void *page;
	pthread_t thread;
};

static struct trap trap;

/* In scratch[0] of what the test and the emulator both see. */
enum {
	TRAP_SET,
	TRAP_HOLDS,
	TRAP_LETS_PASS,
	TRAP_FAILS,
};

static u64 *trap_state(struct devuser_emul *emul)
{
	return &emul->shared->scratch[0];
}

static void *trap_thread(void *arg)
{
	struct uffdio_range range = { .start = (u64)trap.page, .len = SZ_4K };
	struct uffdio_zeropage zero = { .range = range };
	struct devuser_emul *emul = arg;
	struct uffd_msg msg;

	TEST_ASSERT(read(trap.uffd, &msg, sizeof(msg)) == sizeof(msg), "No fault");
	WRITE_ONCE(*trap_state(emul), TRAP_HOLDS);
	DEVUSER_WAIT(READ_ONCE(*trap_state(emul)) != TRAP_HOLDS);

	if (READ_ONCE(*trap_state(emul)) == TRAP_FAILS) {
		TEST_ASSERT(!mprotect(trap.page, SZ_4K, PROT_NONE), "mprotect() failed");
		TEST_ASSERT(!ioctl(trap.uffd, UFFDIO_WAKE, &range), "UFFDIO_WAKE failed");
	} else {
		TEST_ASSERT(!ioctl(trap.uffd, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE failed");
	}
	return NULL;
}

static long set_trap(struct devuser_emul *emul, void *arg)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.len = SZ_4K,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	trap.uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (trap.uffd < 0 || ioctl(trap.uffd, UFFDIO_API, &api))
		return -errno;

	trap.page = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(trap.page != MAP_FAILED, "mmap() failed");
	reg.range.start = (u64)trap.page;
	TEST_ASSERT(!ioctl(trap.uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER failed");
	WRITE_ONCE(*trap_state(emul), TRAP_SET);
	TEST_ASSERT(!pthread_create(&trap.thread, NULL, trap_thread, emul),
		    "pthread_create() failed");
	return 0;
}

/* Reads one request into the page. */
static long read_in_trap(struct devuser_emul *emul, void *req)
{
	long ret = devuser_read(emul->slave, trap.page, 1);

	TEST_ASSERT(!pthread_join(trap.thread, NULL), "pthread_join() failed");
	if (ret == 1)
		memcpy(req, trap.page, sizeof(struct kvm_dev_user_request));
	return ret;
}

/* A vCPU that waits for a load, which a reader has taken without it having arrived. */
FIXTURE(reader)
{
	struct devuser_vm *dv;
	struct kvm_dev_user_request req;
};

FIXTURE_SETUP(reader)
{
	const u32 flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY;

	memset(&self->req, 0, sizeof(self->req));
	self->dv = devuser_vm_create(1, guest_loads);
	devuser_new_slave(self->dv, flags);
	if (devuser_emul_call(self->dv->emul, set_trap, NULL, 0))
		SKIP(return, "There is no userfaultfd for the kernel's faults");

	begin_load(self->dv);
	devuser_emul_call_start(self->dv->emul, read_in_trap, &self->req, sizeof(self->req));
	DEVUSER_WAIT(READ_ONCE(*trap_state(self->dv->emul)) == TRAP_HOLDS);
}

FIXTURE_TEARDOWN(reader)
{
	devuser_vm_free(self->dv);
}

static long end_trap(struct devuser_emul *emul, u64 state, struct kvm_dev_user_request *req)
{
	WRITE_ONCE(*trap_state(emul), state);
	return devuser_emul_call_end(emul, req);
}

/* The reply to what was abandoned before the slave had it is swallowed as any. */
TEST_F(reader, abandoned)
{
	struct devuser_emul *emul = self->dv->emul;

	abandon_load(self->dv);
	DEVUSER_EXPECT(end_trap(emul, TRAP_LETS_PASS, &self->req), 1);
	devuser_check_request(&self->req, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4);
	expect_queued(self->dv->master, 0, 1);
	devuser_emul_answer(emul, &self->req, 0xbad);
	expect_queued(self->dv->master, 0, 0);
	check_next_load(self->dv);
}

/* What never reaches the slave is over. */
TEST_F(reader, abandoned_and_fails)
{
	struct devuser_emul *emul = self->dv->emul;

	abandon_load(self->dv);
	DEVUSER_EXPECT(end_trap(emul, TRAP_FAILS, NULL), -EFAULT);
	expect_queued(self->dv->master, 0, 0);
	check_next_load(self->dv);
}

/* EFAULT loses nothing: the load is read again, as if for the first time. */
TEST_F(reader, fails)
{
	struct devuser_emul *emul = self->dv->emul;

	DEVUSER_EXPECT(end_trap(emul, TRAP_FAILS, NULL), -EFAULT);
	expect_queued(self->dv->master, 1, 0);
	devuser_emul_read(emul, &self->req, 1);
	devuser_check_request(&self->req, KVM_DEV_USER_LOAD, 0, RID, LOADED_AT, 4);
	TEST_ASSERT_EQ(self->req.flags, 0);
	devuser_emul_answer(emul, &self->req, 0x600d);
	TEST_ASSERT_EQ(devuser_run_sync(self->dv->vcpus[0]), 0x600d);
	check_next_load(self->dv);
}

/* R8: what was given to the next slave is not taken away from it. */
TEST_F(reader, revoked_and_fails)
{
	struct kvm_dev_user_revoke revoke = { .size = sizeof(revoke) };
	struct devuser_emul *late = self->dv->emul;

	DEVUSER_EXPECT(devuser_ioctl(self->dv->master, KVM_DEV_USER_REVOKE, &revoke), 0);
	self->dv->emul = devuser_emul_start();
	devuser_emul_attach(self->dv->emul, devuser_slave_fd(self->dv->master, 0));
	devuser_emul_read(self->dv->emul, &self->req, 1);
	TEST_ASSERT_EQ(self->req.flags, KVM_DEV_USER_REPLAYED);

	DEVUSER_EXPECT(end_trap(late, TRAP_FAILS, NULL), -EFAULT);
	expect_queued(self->dv->master, 0, 1);
	devuser_emul_answer(self->dv->emul, &self->req, 0x600d);
	TEST_ASSERT_EQ(devuser_run_sync(self->dv->vcpus[0]), 0x600d);
	devuser_emul_free(late);
	check_next_load(self->dv);
}

/* --- A buffer that ends too early --------------------------------------- */

#define NR_STORES	20
#define NR_FIT		17	/* in the buffer, and half of one more */

static void guest_stores(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES; i++)
		guest_write32(DEVUSER_GPA, i);
	GUEST_DONE();
}

static long read_beyond(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request *reqs;
	u8 *pages;

	pages = mmap(NULL, 2 * SZ_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(pages != MAP_FAILED, "mmap() failed");
	TEST_ASSERT(!mprotect(pages + SZ_4K, SZ_4K, PROT_NONE), "mprotect() failed");
	reqs = (void *)(pages + SZ_4K - sizeof(*reqs) / 2) - NR_FIT * sizeof(*reqs);
	memset(pages, 0xff, SZ_4K);

	DEVUSER_EXPECT(devuser_read(emul->slave, reqs, NR_STORES), NR_FIT);
	devuser_emul_log(emul, reqs, NR_FIT);
	TEST_ASSERT(!fcntl(emul->slave, F_SETFL, O_NONBLOCK), "fcntl() failed");
	return devuser_read(emul->slave, (void *)pages + SZ_4K, 1);
}

/* R1: what did not fit is read afterwards, in its order. */
TEST(partly_read)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores);
	struct kvm_dev_user_request rest[NR_STORES - NR_FIT];
	u32 next = 0;
	int i;

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == NR_STORES);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, read_beyond, NULL, 0), -EFAULT);
	expect_queued(dv->master, NR_STORES - NR_FIT, NR_FIT);
	devuser_emul_read(dv->emul, rest, ARRAY_SIZE(rest));
	for (i = 0; i < NR_STORES; i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, 0, 4, i);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, rest, ARRAY_SIZE(rest)), ARRAY_SIZE(rest));
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
