// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the user device's master descriptor, field by field.
 */
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "devuser_abi.h"

/* --- KVM_DEV_USER_SLAVE_FD ------------------------------------------------------ */

static long abi_slave_fd(int master, u32 flags)
{
	struct kvm_dev_user_slave slave = { .size = sizeof(slave), .flags = flags };

	return ABI_IOCTL(master, KVM_DEV_USER_SLAVE_FD, &slave);
}

/* One living slave per master, close-on-exec; one that is closed has a successor. */
TEST_F(abi, one_living_slave)
{
	int slave = abi_slave_fd(self->master, 0);
	int other, copy;

	TEST_ASSERT(slave >= 0, "KVM_DEV_USER_SLAVE_FD failed: %s", strerror(-slave));
	TEST_ASSERT(fcntl(slave, F_GETFD) & FD_CLOEXEC, "The slave is not close-on-exec");
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EBUSY);

	/* A second device is another matter. */
	other = devuser_create(self->vm);
	close(devuser_slave_fd(other, 0));
	close(other);

	copy = dup(slave);
	close(slave);
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EBUSY);
	close(copy);

	slave = abi_slave_fd(self->master, KVM_DEV_USER_SLAVE_HOLD);
	TEST_ASSERT(slave >= 0, "No second slave: %s", strerror(-slave));
	close(slave);
}

/* EINVAL for replay without hold; what is refused leaves no slave behind. */
TEST_F(abi, slave_flags)
{
	int slave;

	DEVUSER_EXPECT(abi_slave_fd(self->master, KVM_DEV_USER_SLAVE_REPLAY), -EINVAL);
	TEST_ASSERT_EQ(devuser_status(self->master).state, KVM_DEV_USER_IDLE);
	slave = abi_slave_fd(self->master, KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY);
	TEST_ASSERT(slave >= 0, "Hold and replay refused: %s", strerror(-slave));
	close(slave);
}

/* EMFILE leaves no slave behind. */
TEST_F(abi, slave_without_descriptors)
{
	struct rlimit old, none;
	int slave;

	TEST_ASSERT(!getrlimit(RLIMIT_NOFILE, &old), "getrlimit() failed");
	none = old;
	none.rlim_cur = 3;
	TEST_ASSERT(!setrlimit(RLIMIT_NOFILE, &none), "setrlimit() failed");
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EMFILE);
	TEST_ASSERT(!setrlimit(RLIMIT_NOFILE, &old), "setrlimit() failed");
	TEST_ASSERT_EQ(devuser_status(self->master).state, KVM_DEV_USER_IDLE);

	slave = abi_slave_fd(self->master, 0);
	TEST_ASSERT(slave >= 0, "No slave after EMFILE: %s", strerror(-slave));
	close(slave);
}

/* --- KVM_DEV_USER_REVOKE -------------------------------------------------------- */

static long abi_revoke_slave(int master, u32 flags)
{
	struct kvm_dev_user_revoke revoke = { .size = sizeof(revoke), .flags = flags };

	return ABI_IOCTL(master, KVM_DEV_USER_REVOKE, &revoke);
}

/* R18: ENOENT without a slave; a flag that is refused revokes nothing. */
TEST_F(abi, revoke)
{
	int slave, next;

	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), -ENOENT);
	TEST_ASSERT_EQ(devuser_status(self->master).state, KVM_DEV_USER_IDLE);

	slave = devuser_slave_fd(self->master, 0);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 1), -EINVAL);
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EBUSY);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), 0);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), -ENOENT);

	/* The next one is there before the old one is closed, and stays. */
	next = abi_slave_fd(self->master, 0);
	TEST_ASSERT(next >= 0, "No slave after a revocation: %s", strerror(-next));
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EBUSY);
	close(slave);
	DEVUSER_EXPECT(abi_slave_fd(self->master, 0), -EBUSY);
	TEST_ASSERT_EQ(devuser_status(self->master).state, KVM_DEV_USER_LIVE);
	close(next);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), -ENOENT);
}

/* --- KVM_DEV_USER_PA_RANGE ------------------------------------------------------ */

static long abi_set_range(int master, u32 rid, u32 flags, u64 addr, u64 len)
{
	struct kvm_dev_user_pa_range range = {
		.size = sizeof(range),
		.flags = flags,
		.rid = rid,
		.addr = addr,
		.len = len,
	};

	return ABI_IOCTL(master, KVM_DEV_USER_PA_RANGE, &range);
}

/* R12: fields out of bounds. */
TEST_F(abi, range_bounds)
{
	const u32 pio = KVM_DEV_USER_RANGE_PIO;
	const u64 top = ~0ull - SZ_4K + 1;
	const u32 last = DEVUSER_RANGES_MAX - 1;
	int master = self->master;

	DEVUSER_EXPECT(abi_set_range(master, last + 1, 0, DEVUSER_GPA, 8), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, ~0U, 0, DEVUSER_GPA, 8), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, last + 1, 0, 0, 0), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, top, SZ_4K + 1), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 1, ~0ull), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, ~0ull, ~0ull), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, pio, 65536, 1), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, pio, 65535, 2), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, pio, 1, ~0ull), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 0, pio, DEVUSER_PORT, 1ull << 32), -EINVAL);

	/* None of these has set a range. */
	DEVUSER_EXPECT(__devuser_remove_range(master, 0), -ENOENT);

	DEVUSER_EXPECT(abi_set_range(master, 0, pio, 65535, 1), 0);
	DEVUSER_EXPECT(abi_set_range(master, last, 0, top - 1, SZ_4K), 0);
	DEVUSER_EXPECT(abi_set_range(master, last, 0, 0, 0), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0, 0), 0);
}

/* R12: ENOENT for what is not there, EINVAL for a removal that says where. */
TEST_F(abi, range_removal)
{
	int master = self->master;

	DEVUSER_EXPECT(abi_set_range(master, 5, 0, 0, 0), -ENOENT);
	DEVUSER_EXPECT(abi_set_range(master, 5, 0, DEVUSER_GPA, SZ_4K), 0);
	DEVUSER_EXPECT(abi_set_range(master, 5, 0, DEVUSER_GPA, 0), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 5, KVM_DEV_USER_RANGE_PIO, 0, 0), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 5, KVM_DEV_USER_RANGE_NONPOSTED, 0, 0), -EINVAL);
	DEVUSER_EXPECT(abi_set_range(master, 6, 0, 0, 0), -ENOENT);
	DEVUSER_EXPECT(abi_set_range(master, 5, 0, 0, 0), 0);
	DEVUSER_EXPECT(abi_set_range(master, 5, 0, 0, 0), -ENOENT);
}

/* R12: EEXIST for an overlap with any range of any user device of the VM. */
TEST_F(abi, range_overlap)
{
	const u32 pio = KVM_DEV_USER_RANGE_PIO;
	int other = devuser_create(self->vm);
	int masters[] = { self->master, other };
	int i;

	DEVUSER_EXPECT(abi_set_range(self->master, 0, 0, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(self->master, 1, pio, 0x4000, 0x10), 0);

	for (i = 0; i < ARRAY_SIZE(masters); i++) {
		int master = masters[i];

		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x2000, 0x1000), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x2fff, 1), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x1fff, 2), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x1000, 0x8000), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0, 4ull * SZ_1G), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, pio, 0x400f, 1), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, pio, 0, 65536), -EEXIST);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0, 0), -ENOENT);

		/* Neighbours, and the other bus, are no overlap. */
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x1000, 0x1000), 0);
		DEVUSER_EXPECT(abi_set_range(master, 3, 0, 0x3000, 0x1000), 0);
		DEVUSER_EXPECT(abi_set_range(master, 4, pio, 0x2000, 0x1000), 0);
		DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0, 0), 0);
		DEVUSER_EXPECT(abi_set_range(master, 3, 0, 0, 0), 0);
		DEVUSER_EXPECT(abi_set_range(master, 4, 0, 0, 0), 0);
	}

	/* Another VM is no overlap either. */
	close(other);
	other = devuser_create(vm_create_barebones());
	DEVUSER_EXPECT(abi_set_range(other, 0, 0, 0x2000, 0x1000), 0);
	close(other);
}

/* R12: a move may overlap the old place; one that is refused leaves it there. */
TEST_F(abi, range_move)
{
	const u32 pio = KVM_DEV_USER_RANGE_PIO;
	int master = self->master;

	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 1, 0, 0x8000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2800, 0x1000), 0);

	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x8800, 0x1000), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x2800, 1), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x37ff, 1), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x2000, 0x800), 0);
	DEVUSER_EXPECT(abi_set_range(master, 3, 0, 0x9000, 0x800), 0);

	/* From one bus to the other and back. */
	DEVUSER_EXPECT(abi_set_range(master, 0, pio, 0x2800, 0x10), 0);
	DEVUSER_EXPECT(abi_set_range(master, 4, 0, 0x2800, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2800, 0x1000), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 5, pio, 0x2800, 1), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 4, 0, 0, 0), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2800, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 5, pio, 0x2800, 1), 0);
}

/* R12: closing the master gives its ranges back. */
TEST_F(abi, range_closed_master)
{
	int other = devuser_create(self->vm);

	DEVUSER_EXPECT(abi_set_range(other, 0, 0, DEVUSER_GPA, 8), 0);
	DEVUSER_EXPECT(abi_set_range(self->master, 0, 0, DEVUSER_GPA, 8), -EEXIST);
	close(other);
	DEVUSER_EXPECT(abi_set_range(self->master, 0, 0, DEVUSER_GPA, 8), 0);
}

/* R12, R16: a range is set anew with another flag; both kinds exclude each other. */
TEST_F(abi, range_nonposted)
{
	const u32 both = KVM_DEV_USER_RANGE_PIO | KVM_DEV_USER_RANGE_NONPOSTED;
	const u32 nonposted = KVM_DEV_USER_RANGE_NONPOSTED;
	int master = self->master;

	DEVUSER_EXPECT(abi_set_range(master, 0, nonposted, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 1, both, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 2, 0, 0x2800, 8), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 2, nonposted, 0x2800, 8), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 2, both, 0x2800, 8), -EEXIST);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, nonposted, 0x2000, 0x1000), 0);
	DEVUSER_EXPECT(abi_set_range(master, 0, 0, 0, 0), 0);
	DEVUSER_EXPECT(abi_set_range(master, 1, 0, 0, 0), 0);
}

/* More than fit the I/O bus of a VM. */
#define FULL_DEVICES	(1024 / DEVUSER_RANGES_MAX)

FIXTURE(bus) {
	struct kvm_vm *vm;
};

FIXTURE_SETUP(bus)
{
	self->vm = vm_create_barebones();
}

FIXTURE_TEARDOWN(bus)
{
	kvm_vm_free(self->vm);
}

/* Each range that comes or goes takes a grace period. */
#define FULL_TIMEOUT_S	120

/* R12: ENOSPC when the VM's I/O bus is full, and nothing is lost by it. */
TEST_F_TIMEOUT(bus, full, FULL_TIMEOUT_S)
{
	int masters[FULL_DEVICES];
	long ret = 0;
	u32 rid = 0;
	int i;

	for (i = 0; i < FULL_DEVICES && !ret; i++) {
		masters[i] = devuser_create(self->vm);
		for (rid = 0; rid < DEVUSER_RANGES_MAX && !ret; rid++)
			ret = __devuser_set_range(masters[i], rid, 0,
						  DEVUSER_GPA + i * SZ_1M + rid * 8, 8);
	}
	DEVUSER_EXPECT(ret, -ENOSPC);
	i--;
	rid--;

	DEVUSER_EXPECT(__devuser_remove_range(masters[i], rid), -ENOENT);
	devuser_remove_range(masters[0], 0);
	devuser_set_range(masters[i], rid, 0, DEVUSER_GPA, 8);
	DEVUSER_EXPECT(__devuser_set_range(masters[0], 0, 0, DEVUSER_GPA, 8), -EEXIST);
}

/* --- The master's other ioctls --------------------------------------------------- */

static long abi_set_eventfd(int master, int fd)
{
	struct kvm_dev_user_eventfd eventfd = { .size = sizeof(eventfd), .fd = fd };

	return ABI_IOCTL(master, KVM_DEV_USER_EVENTFD, &eventfd);
}

/* R8: the eventfd's refusals; one that was set stays after them, -1 takes it away. */
TEST_F(abi, eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	int unused = dup(fd);
	int pipes[2];
	u64 count;

	close(unused);
	TEST_ASSERT(!pipe(pipes), "pipe() failed");
	DEVUSER_EXPECT(abi_set_eventfd(self->master, fd), 0);
	DEVUSER_EXPECT(abi_set_eventfd(self->master, 9999), -EBADF);
	DEVUSER_EXPECT(abi_set_eventfd(self->master, -2), -EBADF);
	DEVUSER_EXPECT(abi_set_eventfd(self->master, pipes[0]), -EINVAL);
	DEVUSER_EXPECT(abi_set_eventfd(self->master, self->master), -EINVAL);

	/* A slave that goes is told; that there is none yet is not. */
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), -EAGAIN);
	close(devuser_slave_fd(self->master, 0));
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), sizeof(count));

	/* A device that has lost its slave signals at once. */
	DEVUSER_EXPECT(abi_set_eventfd(self->master, fd), 0);
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), sizeof(count));

	/* So is a revocation, and the close that follows is not. */
	unused = devuser_slave_fd(self->master, 0);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), 0);
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), sizeof(count));
	TEST_ASSERT_EQ(count, 1);
	close(unused);
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), -EAGAIN);

	DEVUSER_EXPECT(abi_set_eventfd(self->master, -1), 0);
	DEVUSER_EXPECT(abi_set_eventfd(self->master, -1), 0);
	close(devuser_slave_fd(self->master, 0));
	DEVUSER_EXPECT(devuser_ret(read(fd, &count, sizeof(count))), -EAGAIN);
}

static void abi_expect_state(int master, u32 state, u32 reason)
{
	struct kvm_dev_user_status status = devuser_status(master);

	TEST_ASSERT_EQ(status.state, state);
	TEST_ASSERT_EQ(status.reason, reason);
}

/* The states of a device that the guest leaves alone. */
TEST_F(abi, status)
{
	struct kvm_dev_user_status zero = { .size = sizeof(zero) };
	struct kvm_dev_user_status status;
	int slave;

	memset(&status, 0xff, sizeof(status));
	status.size = sizeof(status);
	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_STATUS, &status), 0);
	TEST_ASSERT(!memcmp(&status, &zero, sizeof(status)), "A new device has a past");

	slave = devuser_slave_fd(self->master, 0);
	abi_expect_state(self->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	close(slave);
	abi_expect_state(self->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_CLOSED);
	slave = devuser_slave_fd(self->master, KVM_DEV_USER_SLAVE_HOLD);
	abi_expect_state(self->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	close(slave);
	abi_expect_state(self->master, KVM_DEV_USER_HELD, KVM_DEV_USER_REASON_CLOSED);
	slave = devuser_slave_fd(self->master, KVM_DEV_USER_SLAVE_HOLD);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), 0);
	abi_expect_state(self->master, KVM_DEV_USER_HELD, KVM_DEV_USER_REASON_REVOKED);
	close(slave);
	abi_expect_state(self->master, KVM_DEV_USER_HELD, KVM_DEV_USER_REASON_REVOKED);
	slave = devuser_slave_fd(self->master, 0);
	DEVUSER_EXPECT(abi_revoke_slave(self->master, 0), 0);
	abi_expect_state(self->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_REVOKED);
	close(slave);
}

/* The kernel writes no more than the caller's size. */
TEST_F(abi, status_of_a_newer_caller)
{
	struct {
		struct kvm_dev_user_status status;
		u64 newer[2];
	} arg = { .status.size = sizeof(arg) };

	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_STATUS, &arg), 0);
	TEST_ASSERT_EQ(arg.status.size, sizeof(arg));
	TEST_ASSERT(!arg.newer[0] && !arg.newer[1], "The kernel made up fields");
}

/* R14: a device that has nothing to do is quiet, with and without a slave. */
TEST_F(abi, quiet_at_once)
{
	struct kvm_dev_user_quiet quiet = { .size = sizeof(quiet) };
	int slave;

	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_QUIET, &quiet), 0);
	slave = devuser_slave_fd(self->master, 0);
	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_QUIET, &quiet), 0);
	quiet.flags = KVM_DEV_USER_QUIET_BARRIER;
	quiet.timeout_ns = 1;
	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_QUIET, &quiet), 0);
	close(slave);
	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_QUIET, &quiet), 0);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
