// SPDX-License-Identifier: GPL-2.0-only
/*
 * R18 of the user device: the master cuts the slave off, whoever holds its
 * descriptor and whatever is done with it; the next slave starts at once, with
 * what the policy leaves it.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/userfaultfd.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define REPLAY		(KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY)

/* A revoked one, with its process, stays; the next one gets a process of its own. */
static struct devuser_emul *next_slave(struct devuser_vm *dv, u32 flags)
{
	struct devuser_emul *emul = devuser_emul_start();

	devuser_emul_attach(emul, devuser_slave_fd(dv->master, flags));
	return emul;
}

static struct devuser_vm *revoke_vm(u32 nr_vcpus, void *guest_code, u32 flags)
{
	struct devuser_vm *dv = devuser_vm_create(nr_vcpus, guest_code);

	if (flags)
		devuser_new_slave(dv, flags);
	return dv;
}

/* A store, a load and what comes of it. */
static void guest_store_load(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(RID, 8, 4));
	GUEST_DONE();
}

/* The new slave serves the guest from its beginning to its end. */
static void expect_works(struct devuser_vm *dv, struct devuser_emul *emul)
{
	u32 next = 0;

	devuser_emul_serve(emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, 0, 4, 1);
	devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, RID, 8, 4, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
}

/* --- Wherever the descriptor is ---------------------------------------------- */

/* In a message that nobody receives, and in no process's table any more. */
TEST(hidden_in_a_socket)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_load);
	struct devuser_emul *emul;
	int socks[2], slave;

	devuser_emul_kill(dv->emul);
	slave = devuser_slave_fd(dv->master, 0);
	TEST_ASSERT(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks),
		    "socketpair() failed");
	devuser_fd_send(socks[0], slave);
	close(slave);

	devuser_revoke(dv->master);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_REVOKED);
	emul = next_slave(dv, 0);
	TEST_ASSERT(devuser_fd_recv(socks[1], &slave) && slave >= 0, "The slave is lost");
	DEVUSER_EXPECT(devuser_read(slave, &emul->shared->log[0], 1), 0);
	close(slave);
	close(socks[0]);
	close(socks[1]);
	expect_works(dv, emul);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* The thread @tid sleeps in a system call. */
static bool sleeps(pid_t tid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	file = fopen(path, "re");
	TEST_ASSERT(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1, "Cannot read %s", path);
	fclose(file);
	return state == 'S';
}

static long call_poll(struct devuser_emul *emul, void *arg)
{
	struct pollfd fd = { .fd = emul->slave, .events = POLLPRI };
	long ret = devuser_ret(poll(&fd, 1, DEVUSER_WAIT_MS));

	return ret > 0 ? fd.revents : ret;
}

static long call_epoll(struct devuser_emul *emul, void *arg)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	long ret;

	DEVUSER_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, emul->slave, &event), 0);
	ret = devuser_ret(epoll_wait(epoll, &event, 1, DEVUSER_WAIT_MS));
	close(epoll);
	return ret > 0 ? event.events : ret;
}

static long call_read(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request req;

	return devuser_read(emul->slave, &req, 1);
}

static long call_exchange(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request req;

	return devuser_exchange(emul->slave, NULL, 0, &req, 1);
}

FIXTURE(asleep)
{
};

FIXTURE_VARIANT(asleep)
{
	devuser_call_t call;
	long want;
	u32 flags;
};

FIXTURE_VARIANT_ADD(asleep, read) {
	.call = call_read, .want = 0,
};

FIXTURE_VARIANT_ADD(asleep, read_held) {
	.call = call_read, .want = 0, .flags = KVM_DEV_USER_SLAVE_HOLD,
};

FIXTURE_VARIANT_ADD(asleep, exchange) {
	.call = call_exchange, .want = 0,
};

FIXTURE_VARIANT_ADD(asleep, exchange_held) {
	.call = call_exchange, .want = 0, .flags = REPLAY,
};

/* A device that is held has no error to report: the hangup alone wakes who waits. */
FIXTURE_VARIANT_ADD(asleep, poll) {
	.call = call_poll, .want = POLLHUP, .flags = KVM_DEV_USER_SLAVE_HOLD,
};

FIXTURE_VARIANT_ADD(asleep, epoll) {
	.call = call_epoll, .want = EPOLLHUP, .flags = KVM_DEV_USER_SLAVE_HOLD,
};

FIXTURE_SETUP(asleep)
{
}

FIXTURE_TEARDOWN(asleep)
{
}

/* A process that sleeps with the slave wakes up, and learns what happened. */
TEST_F(asleep, wakes_up)
{
	struct devuser_vm *dv = revoke_vm(1, guest_store_load, variant->flags);
	struct devuser_emul *emul;

	devuser_emul_call_start(dv->emul, variant->call, NULL, 0);
	DEVUSER_WAIT(sleeps(dv->emul->pid));
	devuser_revoke(dv->master);
	emul = next_slave(dv, 0);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), variant->want);
	expect_works(dv, emul);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* In the process: forged replies for ever, until one of them is refused otherwise. */
static long write_for_ever(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request reply = { .seq = 1 };
	long ret;

	do {
		ret = devuser_write(emul->slave, &reply, 1);
		__atomic_fetch_add(&emul->shared->scratch[0], 1, __ATOMIC_RELAXED);
	} while (ret == -ENOENT);
	return ret;
}

/* A process in a loop of write() is refused from then on, and costs the device nothing. */
TEST(loop_of_writes)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_load);
	struct devuser_emul *emul;
	u64 refused;

	devuser_emul_call_start(dv->emul, write_for_ever, NULL, 0);
	DEVUSER_WAIT(READ_ONCE(dv->emul->shared->scratch[0]) > 100);
	devuser_revoke(dv->master);
	refused = devuser_status(dv->master).refused;
	emul = next_slave(dv, 0);
	/* ENODEV for the revocation; EIO had the device failed with its slave in place. */
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), -ENODEV);
	TEST_ASSERT(refused > 100, "%lu replies were refused", refused);
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, refused);
	expect_works(dv, emul);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* The old one answers what it has read before, as the next slave has it. */
TEST(late_replies)
{
	struct devuser_vm *dv = revoke_vm(1, guest_store_load, REPLAY);
	struct kvm_dev_user_request old[2], new[2];
	struct devuser_emul *emul;

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, old, 2);
	devuser_revoke(dv->master);
	emul = next_slave(dv, 0);
	devuser_emul_read(emul, new, 2);
	new[0].flags = 0;
	new[1].flags = 0;
	TEST_ASSERT(!memcmp(old, new, sizeof(old)), "The replay is not what it was");

	/* Were it taken, the guest would load something else. */
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, old, 2), -ENODEV);
	new[0].flags = KVM_DEV_USER_REPLAYED;
	new[1].flags = KVM_DEV_USER_REPLAYED;
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, new, 2), -ENODEV);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 2);

	devuser_fill(new, 2);
	DEVUSER_EXPECT(devuser_emul_write(emul, new, 2), 2);
	devuser_vcpu_join(dv, 0);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* --- What the next slave gets --------------------------------------------------- */

#define NR_STORES	6
#define NR_READ		2

static u64 loaded;

static void guest_stores_then_load(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES; i++)
		guest_write32(DEVUSER_GPA + 4 * i, i);
	WRITE_ONCE(loaded, guest_read32(DEVUSER_GPA + 8) | 1ull << 32);
	GUEST_DONE();
}

FIXTURE(policy)
{
};

FIXTURE_VARIANT(policy)
{
	u32 flags;
	int first;		/* store that the next slave is to get */
};

FIXTURE_VARIANT_ADD(policy, fail) { .flags = 0, .first = NR_STORES };
FIXTURE_VARIANT_ADD(policy, hold) { .flags = KVM_DEV_USER_SLAVE_HOLD, .first = NR_READ };
FIXTURE_VARIANT_ADD(policy, replay) { .flags = REPLAY, .first = 0 };

FIXTURE_SETUP(policy)
{
}

FIXTURE_TEARDOWN(policy)
{
}

/* R8, R18: requests go the way that they go when the slave is closed. */
TEST_F(policy, requests)
{
	struct devuser_vm *dv = revoke_vm(1, guest_stores_then_load, variant->flags);
	struct kvm_dev_user_request reqs[NR_STORES + 1];
	int told = devuser_watch(dv->master), left = NR_STORES - variant->first, i;
	bool fail = !variant->flags;
	struct devuser_emul *emul;

	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == NR_STORES + 1);
	devuser_emul_read(dv->emul, reqs, NR_READ);
	TEST_ASSERT_EQ(devuser_told(told), 0);
	devuser_revoke(dv->master);
	TEST_ASSERT_EQ(devuser_told(told), 1);
	devuser_expect_state(dv->master, fail ? KVM_DEV_USER_FAILED : KVM_DEV_USER_HELD,
			     KVM_DEV_USER_REASON_REVOKED);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, variant->first);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, fail ? 0 : left + 1);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);

	if (fail)
		devuser_vcpu_join(dv, 0);
	emul = next_slave(dv, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	if (!fail) {
		devuser_emul_read(emul, reqs, left + 1);
		for (i = 0; i < left; i++) {
			TEST_ASSERT_EQ(devuser_data(&reqs[i]), variant->first + i);
			TEST_ASSERT_EQ(reqs[i].flags, variant->first + i < NR_READ ?
				       KVM_DEV_USER_REPLAYED : 0);
		}
		TEST_ASSERT_EQ(reqs[left].type, KVM_DEV_USER_LOAD);
		devuser_fill(reqs, left + 1);
		DEVUSER_EXPECT(devuser_emul_write(emul, reqs, left + 1), left + 1);
		devuser_vcpu_join(dv, 0);
	}
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded),
		       (fail ? ~0u : devuser_pattern(RID, 8, 4)) | 1ull << 32);

	/* The old one's process dies late, and changes nothing. */
	devuser_emul_kill(dv->emul);
	TEST_ASSERT_EQ(devuser_told(told), 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	devuser_emul_expect_idle(emul);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* A device that has failed already tells of the revocation, and keeps its reason. */
TEST(failed_device)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores_then_load);
	int told = devuser_watch(dv->master);

	devuser_set_timeout(dv->master, 20 * MSEC_NS);
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	TEST_ASSERT_EQ(devuser_told(told), 1);
	DEVUSER_EXPECT(devuser_emul_poll(dv->emul), POLLOUT | POLLERR);
	devuser_revoke(dv->master);
	TEST_ASSERT_EQ(devuser_told(told), 1);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	DEVUSER_EXPECT(devuser_emul_read_one(dv->emul), 0);
	DEVUSER_EXPECT(devuser_emul_poll(dv->emul), POLLIN | POLLOUT | POLLHUP);
	devuser_emul_free(next_slave(dv, 0));
	devuser_vm_free(dv);
}

/* --- What the revoked one had set ------------------------------------------------- */

#define IMAGE_VALUE	0xaaaaaaaa
#define BELL		0x100

static bool stop;
static u64 nr_from_image, nr_loads;

static const struct kvm_dev_user_shadow_area area = { .rid = RID, .access = 4, .len = 8 };

/* The image's word is what the guest loads, as long as the image serves. */
static void guest_load_image(u64 index)
{
	while (!READ_ONCE(stop)) {
		if (guest_read32(DEVUSER_GPA) == IMAGE_VALUE)
			WRITE_ONCE(nr_from_image, nr_from_image + 1);
		WRITE_ONCE(nr_loads, nr_loads + 1);
	}
	GUEST_DONE();
}

/* In the process: the old image stays mapped, and is written for what it is worth. */
static long write_image(struct devuser_emul *emul, void *arg)
{
	WRITE_ONCE(*(u32 *)emul->shadow, IMAGE_VALUE);
	return 0;
}

FIXTURE(tables)
{
};

FIXTURE_VARIANT(tables)
{
	u32 flags;
};

FIXTURE_VARIANT_ADD(tables, fail) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(tables, hold) {
	.flags = KVM_DEV_USER_SLAVE_HOLD,
};

FIXTURE_SETUP(tables)
{
}

FIXTURE_TEARDOWN(tables)
{
}

/*
 * The image that the slave's process has mapped serves no load when the call has
 * returned, not even one that is on its way, and not when there is a new slave.
 */
TEST_F(tables, mapped_image)
{
	struct devuser_vm *dv = revoke_vm(1, guest_load_image, variant->flags);
	u64 *from_image = DEVUSER_GUEST_VAR(dv->vm, nr_from_image);
	struct devuser_emul *emul;
	u64 served, seen;

	devuser_emul_shadow(dv->emul, SZ_4K, &area, 1);
	devuser_emul_call(dv->emul, write_image, NULL, 0);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(READ_ONCE(*from_image) > 100);
	devuser_revoke(dv->master);
	served = devuser_status(dv->master).shadow_loads;
	seen = READ_ONCE(*from_image);
	DEVUSER_STAYS(devuser_status(dv->master).shadow_loads == served);

	emul = next_slave(dv, 0);
	devuser_emul_serve(emul, devuser_serve);
	devuser_emul_call(dv->emul, write_image, NULL, 0);
	DEVUSER_WAIT(devuser_emul_nr(emul) > 100);
	/* Still its process's own memory. */
	devuser_emul_kill(dv->emul);
	TEST_ASSERT_EQ(devuser_status(dv->master).shadow_loads, served);
	TEST_ASSERT(READ_ONCE(*from_image) <= seen + 1, "The guest has seen the image");
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 0);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* In the process: a doorbell whose eventfd nobody else has. */
static long set_doorbell(struct devuser_emul *emul, void *arg)
{
	const struct kvm_dev_user_doorbell bell = {
		.rid = RID,
		.offset = BELL,
		.len = 4,
		.fd = eventfd(0, EFD_NONBLOCK),
	};

	emul->shared->scratch[1] = bell.fd;
	return devuser_set_doorbells(emul->slave, &bell, 1);
}

static long read_doorbell(struct devuser_emul *emul, void *arg)
{
	return devuser_told(emul->shared->scratch[1]);
}

static void guest_ring(u64 index)
{
	guest_read32(DEVUSER_GPA);
	for (;;) {
		guest_write32(DEVUSER_GPA + BELL, 1);
		GUEST_SYNC(0);
	}
}

/* A doorbell of the revoked slave is a store as any other: discarded, or the next one's. */
TEST_F(tables, doorbells)
{
	struct devuser_vm *dv = revoke_vm(1, guest_ring, variant->flags);
	struct devuser_emul *emul;
	u32 next = 0;

	DEVUSER_EXPECT(devuser_emul_call(dv->emul, set_doorbell, NULL, 0), 0);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_run_sync(dv->vcpus[0]);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, read_doorbell, NULL, 0), 1);

	devuser_revoke(dv->master);
	devuser_run_sync(dv->vcpus[0]);
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, !variant->flags);
	emul = next_slave(dv, 0);
	devuser_run_sync(dv->vcpus[0]);
	devuser_emul_serve(emul, devuser_serve);
	if (variant->flags)
		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, BELL, 4, 1);
	devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, BELL, 4, 1);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, read_doorbell, NULL, 0), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).doorbells, 1);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/* --- A reader that does not come out of read() -------------------------------------- */

/* A page that is not there until somebody puts it there. */
struct late_page {
	int uffd;
	void *page;
};

static bool late_page_make(struct late_page *late)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	late->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (late->uffd < 0)
		return false;
	late->page = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)late->page;
	reg.range.len = SZ_4K;
	TEST_ASSERT(!ioctl(late->uffd, UFFDIO_API, &api) &&
		    !ioctl(late->uffd, UFFDIO_REGISTER, &reg), "Cannot use userfaultfd");
	return true;
}

/* Returns when somebody waits for the page. */
static void late_page_wait(struct late_page *late)
{
	struct uffd_msg msg;

	DEVUSER_EXPECT(read(late->uffd, &msg, sizeof(msg)), sizeof(msg));
	TEST_ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
}

static void late_page_put(struct late_page *late)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)late->page, .len = SZ_4K },
	};

	TEST_ASSERT(!ioctl(late->uffd, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE failed");
}

struct reader {
	pthread_t thread;
	struct late_page late;
	int slave;
	long ret;
};

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;

	reader->ret = devuser_read(reader->slave, reader->late.page, 2);
	return NULL;
}

/* A reader that has taken the guest's two requests, and waits for its page. */
static struct devuser_vm *blocked_reader_vm(struct reader *reader)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_store_load);

	devuser_emul_kill(dv->emul);
	reader->slave = devuser_slave_fd(dv->master, REPLAY);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 2);
	TEST_ASSERT(!pthread_create(&reader->thread, NULL, reader_thread, reader),
		    "pthread_create() failed");
	late_page_wait(&reader->late);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 2);
	return dv;
}

/* The next slave has both, and neither are they taken from it, nor given back. */
static void finish_replayed(struct devuser_vm *dv, struct devuser_emul *emul,
			    struct kvm_dev_user_request *reqs)
{
	TEST_ASSERT_EQ(reqs[0].flags, KVM_DEV_USER_REPLAYED);
	TEST_ASSERT_EQ(reqs[1].flags, KVM_DEV_USER_REPLAYED);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 2);
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);
	devuser_fill(reqs, 2);
	DEVUSER_EXPECT(devuser_emul_write(emul, reqs, 2), 2);
	devuser_vcpu_join(dv, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	devuser_emul_free(emul);
	devuser_vm_free(dv);
}

/*
 * The old slave's reader waits for memory of its own to put the requests in. Neither
 * the revocation nor the next slave waits for it, and when it goes on it may have
 * read them, but cannot answer.
 */
TEST(blocked_reader)
{
	struct kvm_dev_user_request reqs[2];
	struct reader reader = { };
	struct devuser_emul *emul;
	struct devuser_vm *dv;

	if (!late_page_make(&reader.late))
		SKIP(return, "There is no userfaultfd");
	dv = blocked_reader_vm(&reader);
	devuser_revoke(dv->master);
	emul = next_slave(dv, 0);
	devuser_emul_read(emul, reqs, 2);
	late_page_put(&reader.late);
	pthread_join(reader.thread, NULL);
	DEVUSER_EXPECT(reader.ret, 2);
	DEVUSER_EXPECT(devuser_write(reader.slave, reader.late.page, 1), -ENODEV);
	close(reader.slave);
	finish_replayed(dv, emul, reqs);
}

/* The memory never comes: what was not read is not put back among the next one's. */
TEST(blocked_reader_fault)
{
	struct kvm_dev_user_request reqs[2];
	struct reader reader = { };
	struct devuser_emul *emul;
	struct devuser_vm *dv;

	if (!late_page_make(&reader.late))
		SKIP(return, "There is no userfaultfd");
	dv = blocked_reader_vm(&reader);
	devuser_revoke(dv->master);
	emul = next_slave(dv, 0);
	devuser_emul_read(emul, reqs, 2);
	munmap(reader.late.page, SZ_4K);
	close(reader.late.uffd);
	pthread_join(reader.thread, NULL);
	DEVUSER_EXPECT(reader.ret, -EFAULT);
	close(reader.slave);
	finish_replayed(dv, emul, reqs);
}

/* --- All at once --------------------------------------------------------------------- */

#define ROUNDS		50

static void guest_count(u64 index)
{
	u32 i;

	for (i = 0; !READ_ONCE(stop); i++) {
		guest_write32(DEVUSER_GPA + 4, i);
		GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(RID, 8, 4));
		WRITE_ONCE(nr_loads, i + 1);
	}
	GUEST_DONE();
}

/* Its replies may come when it has been revoked, all of them or none. */
static void serve_until_revoked(struct devuser_emul *emul, struct kvm_dev_user_request *reqs,
				int nr)
{
	long ret;

	devuser_fill(reqs, nr);
	ret = devuser_write(emul->slave, reqs, nr);
	TEST_ASSERT(ret == nr || ret == -ENODEV, "write() returned %ld, not %d", ret, nr);
}

/*
 * Slave after slave is revoked while it serves, held and replayed: the guest
 * notices nothing, and each access is made once.
 */
TEST(one_after_the_other)
{
	struct devuser_vm *dv = revoke_vm(1, guest_count, REPLAY);
	u64 *loads = DEVUSER_GUEST_VAR(dv->vm, nr_loads);
	struct devuser_emul *emul;
	u64 before;
	int i;

	devuser_emul_serve(dv->emul, serve_until_revoked);
	devuser_vcpu_start(dv, 0);
	for (i = 0; i < ROUNDS; i++) {
		before = READ_ONCE(*loads);
		DEVUSER_WAIT(READ_ONCE(*loads) > before);
		devuser_revoke(dv->master);
		emul = next_slave(dv, REPLAY);
		devuser_emul_serve(emul, serve_until_revoked);
		devuser_emul_free(dv->emul);
		dv->emul = emul;
	}
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).loads, READ_ONCE(*loads));
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, READ_ONCE(*loads));
	TEST_ASSERT_EQ(devuser_status(dv->master).discarded, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
