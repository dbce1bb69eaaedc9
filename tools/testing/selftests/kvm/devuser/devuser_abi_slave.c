// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slave descriptor of the user device: read(), write(), poll() and the
 * ioctls, field by field.
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include "devuser_abi.h"

/* --- The slave's read(), write() and poll() --------------------------------------- */

static short slave_events(int slave)
{
	struct pollfd fd = { .fd = slave, .events = POLLIN | POLLOUT };

	TEST_ASSERT(poll(&fd, 1, 0) >= 0, "poll() failed");
	return fd.revents;
}

static void set_nonblock(int fd)
{
	TEST_ASSERT(!fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), "fcntl() failed");
}

/* EINVAL for a size that is zero or not a multiple, whether or not it would sleep. */
TEST_F(abi, slave_sizes)
{
	const size_t size = sizeof(struct kvm_dev_user_request);
	const size_t bad[] = { 0, 1, size - 1, size + 1, 2 * size - 1, 3 * size + 8 };
	int slave = devuser_slave_fd(self->master, 0);
	void *buf = page_end - 4 * size;
	int i;

	memset(buf, 0, 4 * size);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		DEVUSER_EXPECT(sys->read(slave, buf, bad[i]), -EINVAL);
		DEVUSER_EXPECT(sys->write(slave, buf, bad[i]), -EINVAL);
	}
	DEVUSER_EXPECT(sys->write(slave, (void *)BAD_ADDRESS, size), -EFAULT);
	close(slave);
}

static void on_alarm(int sig)
{
}

/* A read() while nothing is pending: EAGAIN with O_NONBLOCK, else EINTR by a signal. */
TEST_F(abi, slave_nothing_pending)
{
	struct kvm_dev_user_request *req = (void *)(page_end - sizeof(*req));
	const struct itimerval soon = { .it_value.tv_usec = 50000 };
	struct sigaction action = { .sa_handler = on_alarm };
	int slave = devuser_slave_fd(self->master, 0);

	TEST_ASSERT_EQ(slave_events(slave), POLLOUT);
	TEST_ASSERT(!sigaction(SIGALRM, &action, NULL), "sigaction() failed");
	TEST_ASSERT(!setitimer(ITIMER_REAL, &soon, NULL), "setitimer() failed");
	DEVUSER_EXPECT(sys->read(slave, req, sizeof(*req)), -EINTR);

	set_nonblock(slave);
	DEVUSER_EXPECT(sys->read(slave, req, sizeof(*req)), -EAGAIN);
	close(slave);
}

/* Stores twice, loads once. */
static void guest_code(void)
{
	guest_write32(DEVUSER_GPA, 1);
	guest_write32(DEVUSER_GPA + 4, 2);
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), 3);
	GUEST_DONE();
}

/* Returns a slave that has the two stores to read. */
static int abi_run_guest(struct kvm_vcpu *vcpu, int master)
{
	int slave = devuser_slave_fd(master, 0);
	struct ucall uc;

	devuser_set_range(master, 3, 0, DEVUSER_GPA, SZ_4K);
	vcpu_arch_set_entry_point(vcpu, guest_code);
	TEST_ASSERT_EQ(devuser_vcpu_run(vcpu, &uc), UCALL_SYNC);
	TEST_ASSERT_EQ(slave_events(slave), POLLIN | POLLOUT);
	set_nonblock(slave);
	return slave;
}

static void *run_thread(void *vcpu)
{
	devuser_vcpu_run_done(vcpu);
	return NULL;
}

/*
 * Writes a reply that is followed by one that cannot be read.  How much of a copy that
 * faults has arrived is the architecture's affair: if too little, none was taken.
 */
static void give_before_fault(int slave, const struct kvm_dev_user_request *last)
{
	ssize_t done = sys->write(slave, last, 2 * sizeof(*last));

	if (done == -EFAULT)
		done = sys->write(slave, last, sizeof(*last));
	DEVUSER_EXPECT(done, sizeof(*last));
}

/* The layout of requests and replies, and that EFAULT loses none. */
TEST_F(abi, slave_requests)
{
	const size_t size = sizeof(struct kvm_dev_user_request);
	struct kvm_dev_user_request *last = (void *)(page_end - size);
	int slave = abi_run_guest(self->vcpu, self->master);
	struct kvm_dev_user_request stores[2];
	const u32 value = 3;
	pthread_t thread;

	/* Nothing can be written there, and then only one request. */
	DEVUSER_EXPECT(sys->read(slave, (void *)BAD_ADDRESS, 2 * size), -EFAULT);
	DEVUSER_EXPECT(sys->read(slave, page_end, size), -EFAULT);
	DEVUSER_EXPECT(sys->read(slave, page_end - size + 1, size), -EFAULT);
	DEVUSER_EXPECT(sys->read(slave, last, 2 * size), size);
	stores[0] = *last;
	devuser_check_request(&stores[0], KVM_DEV_USER_STORE, 0, 3, 0, 4);
	TEST_ASSERT_EQ(devuser_data(&stores[0]), 1);
	TEST_ASSERT_EQ(slave_events(slave), POLLIN | POLLOUT);

	DEVUSER_EXPECT(sys->read(slave, last, size), size);
	stores[1] = *last;
	devuser_check_request(&stores[1], KVM_DEV_USER_STORE, 0, 3, 4, 4);
	TEST_ASSERT_EQ(devuser_data(&stores[1]), 2);
	TEST_ASSERT(stores[1].seq > stores[0].seq, "Sequence numbers do not increase");
	TEST_ASSERT_EQ(slave_events(slave), POLLOUT);

	/* A reply that cannot be read, and one followed by such a one. */
	*last = stores[0];
	DEVUSER_EXPECT(sys->write(slave, page_end - size + 1, size), -EFAULT);
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 2);
	give_before_fault(slave, last);
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 1);

	TEST_ASSERT(!pthread_create(&thread, NULL, run_thread, self->vcpu),
		    "pthread_create() failed");
	DEVUSER_WAIT(slave_events(slave) & POLLIN);
	DEVUSER_EXPECT(sys->read(slave, last, size), size);
	devuser_check_request(last, KVM_DEV_USER_LOAD, 0, 3, 8, 4);
	memcpy(last->data, &value, sizeof(value));
	DEVUSER_EXPECT(sys->write(slave, last, size), size);
	*last = stores[1];
	DEVUSER_EXPECT(sys->write(slave, last, size), size);
	TEST_ASSERT(!pthread_join(thread, NULL), "pthread_join() failed");
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 0);
	close(slave);
}

/* --- KVM_DEV_USER_EXCHANGE ------------------------------------------------------------- */

/* The last @nr requests of the page, whose end is that of the array for both. */
static u64 last_requests(u32 nr)
{
	return (unsigned long)page_end - nr * sizeof(struct kvm_dev_user_request);
}

static long abi_exchange(int slave, u32 nr_replies, u32 nr_requests,
			 struct kvm_dev_user_exchange *exchange)
{
	*exchange = (struct kvm_dev_user_exchange) {
		.size = sizeof(*exchange),
		.nr_replies = nr_replies,
		.nr_requests = nr_requests,
		.replies = last_requests(nr_replies),
		.requests = last_requests(nr_requests),
	};
	return sys->ioctl(slave, KVM_DEV_USER_EXCHANGE, exchange);
}

static void expect_left(const struct kvm_dev_user_exchange *exchange, u32 nr)
{
	TEST_ASSERT_EQ(exchange->nr_replies, nr);
	TEST_ASSERT_EQ(exchange->replies, last_requests(nr));
}

/* R6: replies first, then requests; what has not been taken is told. */
TEST_F(abi, slave_exchange)
{
	struct kvm_dev_user_exchange *exchange = (void *)(page_end - SZ_4K);
	struct kvm_dev_user_request *last = (void *)page_end;
	int slave = abi_run_guest(self->vcpu, self->master);

	DEVUSER_EXPECT(abi_exchange(slave, 0, 0, exchange), 0);
	DEVUSER_EXPECT(abi_exchange(slave, 0, 1, exchange), 1);
	TEST_ASSERT_EQ(devuser_data(&last[-1]), 1);

	/* The second of two replies has not been read: the first is taken. */
	last[-2] = last[-1];
	last[-1].seq += 1ull << 32;
	DEVUSER_EXPECT(abi_exchange(slave, 2, 1, exchange), -ENOENT);
	expect_left(exchange, 1);
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 0);
	TEST_ASSERT_EQ(devuser_status(self->master).pending, 1);
	DEVUSER_EXPECT(sys->ioctl(slave, KVM_DEV_USER_EXCHANGE, exchange), -ENOENT);
	TEST_ASSERT_EQ(devuser_status(self->master).pending, 1);

	/* What cannot be written is not read; what cannot be read is not taken. */
	exchange->nr_replies = 0;
	exchange->requests = BAD_ADDRESS;
	DEVUSER_EXPECT(sys->ioctl(slave, KVM_DEV_USER_EXCHANGE, exchange), -EFAULT);
	TEST_ASSERT_EQ(devuser_status(self->master).pending, 1);
	exchange->nr_replies = 1;
	exchange->replies = BAD_ADDRESS;
	DEVUSER_EXPECT(sys->ioctl(slave, KVM_DEV_USER_EXCHANGE, exchange), -EFAULT);
	TEST_ASSERT_EQ(exchange->nr_replies, 1);
	TEST_ASSERT_EQ(exchange->replies, BAD_ADDRESS);

	/* The reply is taken, whatever becomes of the reading. */
	DEVUSER_EXPECT(abi_exchange(slave, 0, 2, exchange), 1);
	last[-1] = last[-2];
	TEST_ASSERT_EQ(devuser_data(&last[-1]), 2);
	DEVUSER_EXPECT(abi_exchange(slave, 1, 1, exchange), -EAGAIN);
	expect_left(exchange, 0);
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 0);
	DEVUSER_EXPECT(sys->ioctl(slave, KVM_DEV_USER_EXCHANGE, exchange), -EAGAIN);
	close(slave);
}

/* After a signal the call goes on with what is left. */
TEST_F(abi, slave_exchange_interrupted)
{
	struct kvm_dev_user_exchange *exchange = (void *)(page_end - SZ_4K);
	const struct itimerval soon = { .it_value.tv_usec = 50000 };
	struct sigaction action = { .sa_handler = on_alarm };
	int slave = abi_run_guest(self->vcpu, self->master);

	DEVUSER_EXPECT(abi_exchange(slave, 0, 2, exchange), 2);
	TEST_ASSERT(!fcntl(slave, F_SETFL, 0), "fcntl() failed");
	TEST_ASSERT(!sigaction(SIGALRM, &action, NULL), "sigaction() failed");
	TEST_ASSERT(!setitimer(ITIMER_REAL, &soon, NULL), "setitimer() failed");
	DEVUSER_EXPECT(abi_exchange(slave, 2, 1, exchange), -EINTR);
	expect_left(exchange, 0);
	TEST_ASSERT_EQ(devuser_status(self->master).sent, 0);
	TEST_ASSERT_EQ(devuser_status(self->master).refused, 0);
	close(slave);
}

/* --- KVM_DEV_USER_SHADOW_SIZE and KVM_DEV_USER_SHADOW_CTRL --------------------------- */

static long abi_set_shadow_size(int slave, u64 bytes)
{
	struct kvm_dev_user_shadow_size shadow = { .size = sizeof(shadow), .bytes = bytes };

	return ABI_IOCTL(slave, KVM_DEV_USER_SHADOW_SIZE, &shadow);
}

/* R4: the shadow image's size, once per slave. */
TEST_F(abi, shadow_size)
{
	int slave = devuser_slave_fd(self->master, 0);

	DEVUSER_EXPECT(abi_set_shadow_size(slave, 0), -EINVAL);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, DEVUSER_SHADOW_MAX + 1),
		       -EINVAL);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, 1ull << 32), -EINVAL);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, ~0ull), -EINVAL);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, 1), 0);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, 1), -EEXIST);
	close(slave);

	slave = devuser_slave_fd(self->master, 0);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, DEVUSER_SHADOW_MAX), 0);
	close(slave);
}

/* Sets an access map whose array lies at the end of the page, too. */
static long abi_shadow_ctrl(int slave, const struct kvm_dev_user_shadow_area *areas, u32 nr)
{
	struct kvm_dev_user_shadow_ctrl *ctrl = (void *)(page_end - SZ_4K);
	const size_t size = min(nr, DEVUSER_AREAS_MAX - 2u) * sizeof(*areas);

	if (size)
		memcpy(page_end - size, areas, size);
	*ctrl = (struct kvm_dev_user_shadow_ctrl) {
		.size = sizeof(*ctrl),
		.nr_areas = nr,
		.areas = (unsigned long)(page_end - size),
	};
	return sys->ioctl(slave, KVM_DEV_USER_SHADOW_CTRL, ctrl);
}

static void expect_bad_area(int slave, u32 rid, u32 access, u64 offset, u64 len, u64 image)
{
	const struct kvm_dev_user_shadow_area area = {
		.rid = rid,
		.access = access,
		.offset = offset,
		.len = len,
		.image = image,
	};

	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &area, 1), -EINVAL);
}

/* R4: every field of an area. */
TEST_F(abi, shadow_areas)
{
	const struct kvm_dev_user_shadow_area good = {
		.rid = DEVUSER_RANGES_MAX - 1,
		.access = 1 | 2 | 4 | 8,
		.offset = ~0ull - SZ_4K + 1 - 8,
		.len = SZ_4K,
	};
	int slave = devuser_slave_fd(self->master, 0);
	int bit;

	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &good, 1), -ENXIO);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, NULL, 0), -ENXIO);
	DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K), 0);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &good, 1), 0);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, NULL, 0), 0);

	expect_bad_area(slave, DEVUSER_RANGES_MAX, 15, 0, 64, 0);
	expect_bad_area(slave, ~0U, 15, 0, 64, 0);
	for (bit = 4; bit < 32; bit++)
		expect_bad_area(slave, 0, 1 | 1u << bit, 0, 64, 0);
	for (bit = 1; bit < 8; bit++) {
		expect_bad_area(slave, 0, 15, bit, 64, 0);
		expect_bad_area(slave, 0, 15, 0, 64 + bit, 0);
		expect_bad_area(slave, 0, 15, 0, 64, bit);
	}
	expect_bad_area(slave, 0, 15, 0, 0, 0);
	expect_bad_area(slave, 0, 15, 0, SZ_4K + 8, 0);
	expect_bad_area(slave, 0, 15, 0, 64, SZ_4K - 56);
	expect_bad_area(slave, 0, 15, 0, 64, SZ_4K);
	expect_bad_area(slave, 0, 15, 0, 64, ~7ull);
	expect_bad_area(slave, 0, 15, 0, 64, 1ull << 32);
	expect_bad_area(slave, 0, 15, 0, ~7ull, 8);
	expect_bad_area(slave, 0, 15, 0, 1ull << 32, 0);
	expect_bad_area(slave, 0, 15, ~7ull, 64, 0);
	close(slave);
}

/* R4: the image's size is the limit, not the pages that hold it. */
TEST_F(abi, shadow_small_image)
{
	struct kvm_dev_user_shadow_area area = { .access = 1, .len = 16 };
	int slave = devuser_slave_fd(self->master, 0);

	DEVUSER_EXPECT(devuser_shadow_size(slave, 23), 0);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &area, 1), 0);
	area.image = 8;
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &area, 1), -EINVAL);
	close(slave);
}

/* R4: the areas of a map among each other, their number and their address. */
TEST_F(abi, shadow_map)
{
	struct kvm_dev_user_shadow_area areas[DEVUSER_AREAS_MAX + 1] = {};
	int slave = devuser_slave_fd(self->master, 0);
	struct kvm_dev_user_shadow_ctrl ctrl = {
		.size = sizeof(ctrl),
		.nr_areas = DEVUSER_AREAS_MAX,
	};
	int i;

	DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K), 0);
	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		areas[i].access = 4;
		areas[i].offset = i * 8;
		areas[i].len = 8;
	}

	/* Several areas may show the same bytes of the image. */
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, 2), 0);
	areas[1].offset = 0;
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, 2), -EINVAL);
	areas[1].rid = 1;
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, 2), 0);
	areas[2].offset = 0;
	areas[2].len = SZ_4K;
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, 3), -EINVAL);
	areas[2].offset = 8;
	areas[2].len = 8;

	DEVUSER_EXPECT(devuser_shadow_ctrl(slave, areas, DEVUSER_AREAS_MAX), 0);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, DEVUSER_AREAS_MAX + 1), -E2BIG);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, ~0U), -E2BIG);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, areas, DEVUSER_AREAS_MAX), -EFAULT);

	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_SHADOW_CTRL, &ctrl), -EFAULT);
	ctrl.areas = BAD_ADDRESS;
	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_SHADOW_CTRL, &ctrl), -EFAULT);
	ctrl.areas = ~0ull;
	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_SHADOW_CTRL, &ctrl), -EFAULT);
	close(slave);
}

/* --- KVM_DEV_USER_DOORBELLS ------------------------------------------------------------ */

/* Sets doorbells whose array lies at the end of the page, as far as it fits. */
static long abi_doorbells(int slave, const struct kvm_dev_user_doorbell *doorbells, u32 nr)
{
	struct kvm_dev_user_doorbells *arg = (void *)(page_end - SZ_4K);
	const size_t size = min(nr, DEVUSER_AREAS_MAX - 2u) * sizeof(*doorbells);

	if (size)
		memcpy(page_end - size, doorbells, size);
	*arg = (struct kvm_dev_user_doorbells) {
		.size = sizeof(*arg),
		.nr_doorbells = nr,
		.doorbells = (unsigned long)(page_end - size),
	};
	return sys->ioctl(slave, KVM_DEV_USER_DOORBELLS, arg);
}

#define VALUE	KVM_DEV_USER_DOORBELL_VALUE

/* One with these fields. */
static long abi_doorbell(int slave, u32 rid, u32 flags, u64 offset, u64 value, u32 len, int fd)
{
	const struct kvm_dev_user_doorbell doorbell = {
		.rid = rid,
		.flags = flags,
		.offset = offset,
		.value = value,
		.len = len,
		.fd = fd,
	};

	return abi_doorbells(slave, &doorbell, 1);
}

/* R17: every field of a doorbell. */
TEST_F(abi, doorbell_fields)
{
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	int bit, len;

	for (len = 1; len <= 8; len *= 2) {
		const u64 most = ~0ull >> (64 - 8 * len);

		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, len, fd), 0);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, VALUE, 0, 0, len, fd), 0);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, VALUE, 0, most, len, fd), 0);
		if (len < 8)
			DEVUSER_EXPECT(abi_doorbell(slave, 0, VALUE, 0, most + 1, len, fd),
				       -EINVAL);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 1, len, fd), -EINVAL);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, ~0ull - len, 0, len, fd), 0);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, ~0ull - len + 1, 0, len, fd), -EINVAL);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, ~0ull, 0, len, fd), -EINVAL);
	}

	for (len = 0; len < 20; len++) {
		if (len != 1 && len != 2 && len != 4 && len != 8)
			DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, len, fd), -EINVAL);
	}
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, ~0U, fd), -EINVAL);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 1u << 31, fd), -EINVAL);

	for (bit = 1; bit < 32; bit++)
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 1u << bit, 0, 0, 4, fd), -EINVAL);

	DEVUSER_EXPECT(abi_doorbell(slave, DEVUSER_RANGES_MAX - 1, 0, 0, 0, 4, fd), 0);
	DEVUSER_EXPECT(abi_doorbell(slave, DEVUSER_RANGES_MAX, 0, 0, 0, 4, fd), -EINVAL);
	DEVUSER_EXPECT(abi_doorbell(slave, ~0U, 0, 0, 0, 4, fd), -EINVAL);
	close(fd);
	close(slave);
}

/* R17: the descriptor: an eventfd, which the slave's process then may close. */
TEST_F(abi, doorbell_eventfd)
{
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	int pipes[2], unused;

	TEST_ASSERT(!pipe(pipes), "pipe() failed");
	unused = dup(fd);
	close(unused);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, -1), -EBADF);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, 9999), -EBADF);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, unused), -EBADF);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, pipes[1]), -EINVAL);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, slave), -EINVAL);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, fd), 0);
	close(fd);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 0, 0, 4, fd), -EBADF);
	DEVUSER_EXPECT(abi_doorbells(slave, NULL, 0), 0);
	close(slave);
}

/* R17: doorbells among each other: no store may match two of them. */
TEST_F(abi, doorbell_ambiguous)
{
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_dev_user_doorbell two[3] = {
		{ .offset = 8, .len = 4, .fd = fd },
		{ .offset = 8, .len = 4, .fd = fd },
		{ .offset = 4, .len = 4, .fd = fd },
	};

	DEVUSER_EXPECT(abi_doorbells(slave, two, 2), -EINVAL);
	two[0].flags = VALUE;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 2), -EINVAL);
	two[0].value = 7;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), -EINVAL);
	two[1].flags = VALUE;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), 0);
	two[1].value = 7;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), -EINVAL);
	two[0].flags = 0;
	two[0].value = 0;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), -EINVAL);

	/* Another length, another offset or another range is another store. */
	two[1] = two[0];
	two[1].len = 2;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), 0);
	two[1].len = 4;
	two[1].offset = 6;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), 0);
	two[1].offset = 8;
	two[1].rid = 1;
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), 0);
	two[2] = two[1];
	DEVUSER_EXPECT(abi_doorbells(slave, two, 3), -EINVAL);
	close(fd);
	close(slave);
}

/* One with a value before and after those that match any, in whatever order. */
TEST_F(abi, doorbell_ambiguous_in_the_middle)
{
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_dev_user_doorbell doorbells[9];
	int any, i;

	for (any = 0; any < ARRAY_SIZE(doorbells); any++) {
		for (i = 0; i < ARRAY_SIZE(doorbells); i++)
			doorbells[i] = (struct kvm_dev_user_doorbell) {
				.flags = VALUE, .value = 10 * i, .len = 2, .fd = fd,
			};
		DEVUSER_EXPECT(abi_doorbells(slave, doorbells, ARRAY_SIZE(doorbells)), 0);
		doorbells[any].flags = 0;
		doorbells[any].value = 0;
		DEVUSER_EXPECT(abi_doorbells(slave, doorbells, ARRAY_SIZE(doorbells)), -EINVAL);
	}
	close(fd);
	close(slave);
}

/* R17: their number and their address. */
TEST_F(abi, doorbell_number)
{
	struct kvm_dev_user_doorbell *doorbells;
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_dev_user_doorbells arg = { .size = sizeof(arg), .nr_doorbells = 1 };
	int i;

	doorbells = calloc(DEVUSER_DOORBELLS_MAX + 1, sizeof(*doorbells));
	TEST_ASSERT(doorbells, "Out of memory");
	for (i = 0; i <= DEVUSER_DOORBELLS_MAX; i++) {
		doorbells[i].offset = 8 * (DEVUSER_DOORBELLS_MAX - i);
		doorbells[i].len = 8;
		doorbells[i].fd = fd;
	}

	DEVUSER_EXPECT(devuser_set_doorbells(slave, doorbells, DEVUSER_DOORBELLS_MAX), 0);
	DEVUSER_EXPECT(devuser_set_doorbells(slave, doorbells, DEVUSER_DOORBELLS_MAX + 1), -E2BIG);
	DEVUSER_EXPECT(abi_doorbells(slave, doorbells, ~0U), -E2BIG);
	DEVUSER_EXPECT(abi_doorbells(slave, doorbells, DEVUSER_AREAS_MAX), -EFAULT);

	/* The last one is refused, as the first one would be. */
	doorbells[DEVUSER_DOORBELLS_MAX - 1].len = 3;
	DEVUSER_EXPECT(devuser_set_doorbells(slave, doorbells, DEVUSER_DOORBELLS_MAX), -EINVAL);

	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_DOORBELLS, &arg), -EFAULT);
	arg.doorbells = BAD_ADDRESS;
	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_DOORBELLS, &arg), -EFAULT);
	arg.doorbells = ~0ull;
	DEVUSER_EXPECT(ABI_IOCTL(slave, KVM_DEV_USER_DOORBELLS, &arg), -EFAULT);
	free(doorbells);
	close(fd);
	close(slave);
}

/* --- After the end ---------------------------------------------------------------------- */

/* What the slave's system calls say when it was revoked, or the master is gone. */
static void expect_cut_off(int slave)
{
	struct kvm_dev_user_request *req = (void *)(page_end - sizeof(*req));
	struct kvm_dev_user_exchange *exchange = (void *)(page_end - SZ_4K);

	memset(req, 0, sizeof(*req));
	DEVUSER_EXPECT(sys->read(slave, req, sizeof(*req)), 0);
	DEVUSER_EXPECT(sys->read(slave, req, sizeof(*req) - 1), -EINVAL);
	DEVUSER_EXPECT(sys->write(slave, req, sizeof(*req)), -ENODEV);
	DEVUSER_EXPECT(sys->write(slave, req, sizeof(*req) - 1), -EINVAL);
	DEVUSER_EXPECT(abi_exchange(slave, 0, 1, exchange), 0);
	memset(req, 0, sizeof(*req));
	DEVUSER_EXPECT(abi_exchange(slave, 1, 1, exchange), -ENODEV);
	expect_left(exchange, 1);
	DEVUSER_EXPECT(devuser_busy(slave), -ENODEV);
	TEST_ASSERT_EQ(slave_events(slave), POLLIN | POLLOUT | POLLHUP);
	set_nonblock(slave);
	DEVUSER_EXPECT(sys->read(slave, req, sizeof(*req)), 0);
}

/* R18: each of the slave's system calls, after a revocation. */
TEST_F(abi, slave_revoked)
{
	const struct kvm_dev_user_shadow_area area = { .access = 4, .len = 8 };
	int slave = devuser_slave_fd(self->master, 0);
	int fd = eventfd(0, EFD_NONBLOCK);
	int other = -1, i;

	DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K), 0);
	DEVUSER_EXPECT(abi_shadow_ctrl(slave, &area, 1), 0);
	DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 8, 0, 4, fd), 0);
	devuser_revoke(self->master);

	/* The second time there is a new slave. */
	for (i = 0; i < 2; i++) {
		expect_cut_off(slave);
		DEVUSER_EXPECT(abi_shadow_ctrl(slave, &area, 1), -ENODEV);
		DEVUSER_EXPECT(abi_shadow_ctrl(slave, NULL, 0), -ENODEV);
		DEVUSER_EXPECT(abi_doorbell(slave, 0, 0, 8, 0, 4, fd), -ENODEV);
		DEVUSER_EXPECT(abi_doorbells(slave, NULL, 0), -ENODEV);
		if (!i)
			other = devuser_slave_fd(self->master, 0);
	}
	TEST_ASSERT_EQ(devuser_status(self->master).state, KVM_DEV_USER_LIVE);
	TEST_ASSERT_EQ(devuser_status(self->master).refused, 0);
	close(slave);
	TEST_ASSERT_EQ(slave_events(other), POLLOUT);
	close(other);
	close(fd);
}

/* R18: one that has no shadow image gets none any more. */
TEST_F(abi, slave_revoked_without_image)
{
	int slave = devuser_slave_fd(self->master, 0);

	devuser_revoke(self->master);
	DEVUSER_EXPECT(abi_set_shadow_size(slave, SZ_4K), -ENODEV);
	close(slave);
}

/* R9: the same when the master is gone. */
TEST_F(abi, slave_without_master)
{
	int master = devuser_create(self->vm);
	int slave = devuser_slave_fd(master, 0);

	close(master);
	expect_cut_off(slave);
	close(slave);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
