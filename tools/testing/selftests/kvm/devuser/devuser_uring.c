// SPDX-License-Identifier: GPL-2.0-only
/*
 * An emulator that serves the user device by io_uring: reads that the kernel arms by
 * poll until there is a request, and replies by writes. There is no library for it
 * here: this is the system calls.
 */
#include <sys/syscall.h>

#include <linux/stddef.h>
#include <linux/io_uring.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define ENTRIES		8
#define ROUNDS		300
#define BATCH		32

/* What a completion is for. */
enum {
	DATA_READ = 1,
	DATA_WRITE,
	DATA_POLL,
};

/* --- A ring -------------------------------------------------------------------------- */

struct ring {
	int fd;
	struct io_uring_params params;
	u8 *sq;
	u8 *cq;
	struct io_uring_sqe *sqes;
	u32 to_submit;
};

static int uring_setup(struct io_uring_params *params)
{
	memset(params, 0, sizeof(*params));
	return devuser_ret(syscall(__NR_io_uring_setup, ENTRIES, params));
}

/* Some kernels have no io_uring, some forbid it. */
static bool ring_exists(void)
{
	struct io_uring_params params;
	int fd = uring_setup(&params);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void *ring_map(struct ring *ring, size_t size, off_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			offset);

	TEST_ASSERT(at != MAP_FAILED, "Cannot map the ring");
	return at;
}

static void ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;

	ring->fd = uring_setup(p);
	TEST_ASSERT(ring->fd >= 0, "io_uuring_setup() failed");
	ring->to_submit = 0;
	ring->sq = ring_map(ring, p->sq_off.array + p->sq_entries * sizeof(u32),
			    IORING_OFF_SQ_RING);
	ring->cq = ring_map(ring, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			    IORING_OFF_CQ_RING);
	ring->sqes = ring_map(ring, p->sq_entries * sizeof(*ring->sqes), IORING_OFF_SQES);
}

/* The ring's only user submits each entry before long: there is always room. */
static struct io_uring_sqe *ring_next(struct ring *ring)
{
	const struct io_sqring_offsets *off = &ring->params.sq_off;
	u32 mask = *(u32 *)(ring->sq + off->ring_mask);
	u32 *tail = (u32 *)(ring->sq + off->tail);
	u32 index = *tail & mask;
	struct io_uring_sqe *sqe = &ring->sqes[index];

	memset(sqe, 0, sizeof(*sqe));
	((u32 *)(ring->sq + off->array))[index] = index;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	ring->to_submit++;
	return sqe;
}

static void ring_rw(struct ring *ring, u8 op, int fd, void *buf, u32 len, u64 data, u8 flags)
{
	struct io_uring_sqe *sqe = ring_next(ring);

	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (unsigned long)buf;
	sqe->len = len;
	sqe->off = -1;
	sqe->user_data = data;
	sqe->flags = flags;
}

static void ring_poll(struct ring *ring, int fd)
{
	struct io_uring_sqe *sqe = ring_next(ring);

	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
	sqe->poll32_events = POLLIN;
	sqe->user_data = DATA_POLL;
}

/* Submits, and waits for @wait completions. */
static void ring_enter(struct ring *ring, u32 wait)
{
	long ret;

	do {
		ret = devuser_ret(syscall(__NR_io_uring_enter, ring->fd, ring->to_submit, wait,
					  IORING_ENTER_GETEVENTS, NULL, 0));
	} while (ret == -EINTR);
	TEST_ASSERT(ret == ring->to_submit, "io_uring_enter() returned %ld, not %u", ret,
		    ring->to_submit);
	ring->to_submit = 0;
}

/* Takes a completion, if there is one. */
static bool ring_take(struct ring *ring, struct io_uring_cqe *cqe)
{
	const struct io_cqring_offsets *off = &ring->params.cq_off;
	u32 mask = *(u32 *)(ring->cq + off->ring_mask);
	u32 *head = (u32 *)(ring->cq + off->head);
	u32 *tail = (u32 *)(ring->cq + off->tail);

	if (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return false;

	*cqe = ((struct io_uring_cqe *)(ring->cq + off->cqes))[*head & mask];
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return true;
}

static struct io_uring_cqe ring_wait(struct ring *ring)
{
	struct io_uring_cqe cqe;

	if (!ring_take(ring, &cqe)) {
		ring_enter(ring, 1);
		TEST_ASSERT(ring_take(ring, &cqe), "io_uring_enter() brought no completion");
	}
	return cqe;
}

/* --- The emulator -------------------------------------------------------------------- */

#define REQUEST		sizeof(struct kvm_dev_user_request)

/*
 * In the process: serves by reads and writes of the ring until the end of the
 * slave. A read that finds nothing costs no thread, and is answered when there is
 * something; with IOSQE_ASYNC it sleeps in a thread of the kernel's.
 */
static long serve_by_ring(struct devuser_emul *emul, void *arg)
{
	static struct kvm_dev_user_request reqs[BATCH], replies[BATCH];
	int nr = 0, written = 0;	/* read and not answered; bytes on their way */
	u8 flags = *(u8 *)arg;
	struct io_uring_cqe cqe;
	struct ring ring;

	ring_open(&ring);
	ring_rw(&ring, IORING_OP_READ, emul->slave, reqs, sizeof(reqs), DATA_READ, flags);
	for (;;) {
		cqe = ring_wait(&ring);
		if (cqe.user_data == DATA_READ) {
			if (cqe.res <= 0)
				return cqe.res;
			TEST_ASSERT(!(cqe.res % REQUEST), "A read returned %d", cqe.res);
			nr = cqe.res / REQUEST;
			devuser_emul_log(emul, reqs, nr);
		} else {
			TEST_ASSERT(cqe.res == written, "A write returned %d, not %d", cqe.res,
				    written);
			written = 0;
		}
		if (!nr || written)
			continue;

		devuser_fill(reqs, nr);
		written = nr * REQUEST;
		memcpy(replies, reqs, written);
		nr = 0;
		ring_rw(&ring, IORING_OP_WRITE, emul->slave, replies, written, DATA_WRITE, 0);
		ring_rw(&ring, IORING_OP_READ, emul->slave, reqs, sizeof(reqs), DATA_READ, flags);
	}
}

static void guest_mix(u64 index)
{
	int i, offset;

	for (i = 0; i < ROUNDS; i++) {
		offset = 4 * (i % 64);
		guest_write32(DEVUSER_GPA + offset, i);
		if (i % 3)
			GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + offset),
					devuser_pattern(RID, offset, 4));
	}
	GUEST_DONE();
}

static void check_mix(struct devuser_emul *emul)
{
	u32 i, next = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 offset = 4 * (i % 64);

		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, RID, offset, 4, i);
		if (i % 3)
			devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, RID, offset, 4, 0);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(emul), next);
}

FIXTURE(ring)
{
};

FIXTURE_VARIANT(ring)
{
	u8 flags;
};

FIXTURE_VARIANT_ADD(ring, armed) { .flags = 0 };
FIXTURE_VARIANT_ADD(ring, async) { .flags = IOSQE_ASYNC };

FIXTURE_SETUP(ring)
{
}

FIXTURE_TEARDOWN(ring)
{
}

/* R1, R2, R3 with such an emulator; a revocation ends its read. */
TEST_F(ring, serve)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_mix);

	devuser_emul_call_start(dv->emul, serve_by_ring, &variant->flags, sizeof(variant->flags));
	devuser_vcpu_run_done(dv->vcpus[0]);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	devuser_revoke(dv->master);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), 0);
	check_mix(dv->emul);
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, 0);
	devuser_vm_free(dv);
}

/* R8: a process that dies with a read on its way: the device loses its slave. */
TEST_F(ring, killed)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_mix);

	devuser_emul_call_start(dv->emul, serve_by_ring, &variant->flags, sizeof(variant->flags));
	devuser_vcpu_run_done(dv->vcpus[0]);
	devuser_emul_kill(dv->emul);
	DEVUSER_WAIT(devuser_status(dv->master).state == KVM_DEV_USER_FAILED);
	devuser_new_slave(dv, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	devuser_vm_free(dv);
}

static void guest_one_store(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);
	GUEST_SYNC(0);
	GUEST_DONE();
}

/* In the process: the ring's poll completes with the first request, and not before. */
static long poll_by_ring(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request req;
	struct io_uring_cqe cqe = { };
	struct ring ring;

	ring_open(&ring);
	ring_poll(&ring, emul->slave);
	ring_enter(&ring, 0);
	TEST_ASSERT(!ring_take(&ring, &cqe), "A poll of nothing returned 0x%x", cqe.res);
	__atomic_store_n(&emul->shared->scratch[0], 1, __ATOMIC_RELEASE);
	cqe = ring_wait(&ring);
	TEST_ASSERT(cqe.user_data == DATA_POLL && cqe.res & POLLIN, "A poll returned 0x%x",
		    cqe.res);

	/* One that finds something is done at once. */
	ring_rw(&ring, IORING_OP_READ, emul->slave, &req, sizeof(req), DATA_READ, 0);
	ring_enter(&ring, 0);
	TEST_ASSERT(ring_take(&ring, &cqe) && cqe.res == sizeof(req), "A read returned %d",
		    cqe.res);
	ring_rw(&ring, IORING_OP_WRITE, emul->slave, &req, sizeof(req), DATA_WRITE, 0);
	ring_enter(&ring, 0);
	TEST_ASSERT(ring_take(&ring, &cqe) && cqe.res == sizeof(req), "A write returned %d",
		    cqe.res);

	/* A reply that is refused, and a buffer that is none. */
	ring_rw(&ring, IORING_OP_WRITE, emul->slave, &req, sizeof(req), DATA_WRITE, 0);
	ring_enter(&ring, 1);
	TEST_ASSERT(ring_take(&ring, &cqe) && cqe.res == -ESTALE, "A write returned %d", cqe.res);
	ring_rw(&ring, IORING_OP_READ, emul->slave, &req, sizeof(req) - 1, DATA_READ, 0);
	ring_enter(&ring, 1);
	TEST_ASSERT(ring_take(&ring, &cqe) && cqe.res == -EINVAL, "A read returned %d", cqe.res);
	return 0;
}

TEST(poll_add)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_one_store);

	devuser_emul_call_start(dv->emul, poll_by_ring, NULL, 0);
	DEVUSER_WAIT(READ_ONCE(dv->emul->shared->scratch[0]));
	devuser_run_sync(dv->vcpus[0]);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	__TEST_REQUIRE(ring_exists(), "This kernel has no io_uring, or forbids it");
	return test_harness_run(argc, argv);
}
