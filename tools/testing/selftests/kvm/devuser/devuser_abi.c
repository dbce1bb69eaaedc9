// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all ioctls of the user device have in common, and how it is found and
 * made.
 */
#include "devuser_abi.h"

/* The same numbers and layouts on every kernel and for every caller. */
kvm_static_assert(KVM_DEV_TYPE_USER == 17);
kvm_static_assert(KVM_CAP_DEV_USER == 252);
kvm_static_assert(sizeof(struct kvm_dev_user_info) == 40);
kvm_static_assert(sizeof(struct kvm_dev_user_slave) == 8);
kvm_static_assert(sizeof(struct kvm_dev_user_revoke) == 8);
kvm_static_assert(sizeof(struct kvm_dev_user_pa_range) == 32);
kvm_static_assert(sizeof(struct kvm_dev_user_timeout) == 24);
kvm_static_assert(sizeof(struct kvm_dev_user_eventfd) == 8);
kvm_static_assert(sizeof(struct kvm_dev_user_status) == 88);
kvm_static_assert(sizeof(struct kvm_dev_user_quiet) == 16);
kvm_static_assert(sizeof(struct kvm_dev_user_abandon) == 8);
kvm_static_assert(sizeof(struct kvm_dev_user_spin) == 24);
kvm_static_assert(sizeof(struct kvm_dev_user_request) == 40);
kvm_static_assert(sizeof(struct kvm_dev_user_shadow_size) == 16);
kvm_static_assert(sizeof(struct kvm_dev_user_shadow_area) == 32);
kvm_static_assert(sizeof(struct kvm_dev_user_shadow_ctrl) == 16);
kvm_static_assert(sizeof(struct kvm_dev_user_exchange) == 32);
kvm_static_assert(sizeof(struct kvm_dev_user_doorbell) == 32);
kvm_static_assert(sizeof(struct kvm_dev_user_doorbells) == 16);
kvm_static_assert(sizeof(struct kvm_dev_user_busy) == 8);

/* --- What all ioctls have in common ---------------------------------------------- */

union abi_arg {
	u32 size;
	u8 bytes[SZ_256];
	struct kvm_dev_user_info info;
	struct kvm_dev_user_slave slave;
	struct kvm_dev_user_revoke revoke;
	struct kvm_dev_user_pa_range range;
	struct kvm_dev_user_timeout timeout;
	struct kvm_dev_user_eventfd eventfd;
	struct kvm_dev_user_status status;
	struct kvm_dev_user_quiet quiet;
	struct kvm_dev_user_abandon abandon;
	struct kvm_dev_user_spin spin;
	struct kvm_dev_user_shadow_size shadow_size;
	struct kvm_dev_user_shadow_ctrl shadow_ctrl;
	struct kvm_dev_user_exchange exchange;
	struct kvm_dev_user_doorbells doorbells;
	struct kvm_dev_user_busy busy;
};

/* What the ioctls are tried on, four devices. */
enum abi_target {
	MASTER,			/* one without a slave */
	SLAVE,			/* one without a shadow image */
	IMAGE,			/* a slave that has one */
	OWNER,			/* a master that has a slave */
	NR_TARGETS,
};

static int targets[NR_TARGETS];

static void abi_open_targets(struct kvm_vm *vm)
{
	targets[MASTER] = devuser_create(vm);
	targets[SLAVE] = devuser_slave_fd(devuser_create(vm), 0);
	targets[IMAGE] = devuser_slave_fd(devuser_create(vm), 0);
	DEVUSER_EXPECT(devuser_shadow_size(targets[IMAGE], SZ_4K), 0);
	targets[OWNER] = devuser_create(vm);
	devuser_slave_fd(targets[OWNER], 0);
}

/* A bad argument is a good one with some bits set that are not known. */
struct abi_case {
	const char *name;
	unsigned long cmd;
	enum abi_target target;
	union abi_arg arg;	/* a good one */
	u32 zero_at;		/* offset of a word in it, 0 for none, where ... */
	u32 zero_mask;		/* ... these bits have to be zero */
};

#define NAME(_cmd)	.name = #_cmd, .cmd = _cmd
#define ZERO(_type, _member, _mask)						\
	.zero_at = offsetof(struct _type, _member), .zero_mask = (u32)(_mask)

static const struct abi_case abi_cases[] = {
	{
		NAME(KVM_DEV_USER_INFO),
		.arg.info = { .size = sizeof(struct kvm_dev_user_info) },
	}, {
		NAME(KVM_DEV_USER_INFO),
		.target = SLAVE,
		.arg.info = { .size = sizeof(struct kvm_dev_user_info) },
	}, {
		NAME(KVM_DEV_USER_SLAVE_FD),
		.arg.slave = { .size = sizeof(struct kvm_dev_user_slave) },
		ZERO(kvm_dev_user_slave, flags,
		     ~(KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY)),
	}, {
		NAME(KVM_DEV_USER_PA_RANGE),
		.arg.range = {
			.size = sizeof(struct kvm_dev_user_pa_range),
			.addr = DEVUSER_PORT,
			.len = DEVUSER_PORT_LEN,
		},
		ZERO(kvm_dev_user_pa_range, flags,
		     ~(KVM_DEV_USER_RANGE_PIO | KVM_DEV_USER_RANGE_NONPOSTED)),
	}, {
		NAME(KVM_DEV_USER_PA_RANGE),
		.arg.range = {
			.size = sizeof(struct kvm_dev_user_pa_range),
			.addr = DEVUSER_PORT,
			.len = DEVUSER_PORT_LEN,
		},
		ZERO(kvm_dev_user_pa_range, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_TIMEOUT),
		.arg.timeout = {
			.size = sizeof(struct kvm_dev_user_timeout),
			.timeout_ns = ~0ull,
			.busy_ns = ~0ull,
		},
		ZERO(kvm_dev_user_timeout, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_EVENTFD),
		.arg.eventfd = { .size = sizeof(struct kvm_dev_user_eventfd), .fd = -1 },
	}, {
		NAME(KVM_DEV_USER_STATUS),
		.arg.status = { .size = sizeof(struct kvm_dev_user_status) },
	}, {
		NAME(KVM_DEV_USER_QUIET),
		.arg.quiet = { .size = sizeof(struct kvm_dev_user_quiet) },
		ZERO(kvm_dev_user_quiet, flags, ~KVM_DEV_USER_QUIET_BARRIER),
	}, {
		NAME(KVM_DEV_USER_ABANDON),
		.arg.abandon = { .size = sizeof(struct kvm_dev_user_abandon) },
		ZERO(kvm_dev_user_abandon, flags, ~0),
	}, {
		NAME(KVM_DEV_USER_SPIN),
		.arg.spin = { .size = sizeof(struct kvm_dev_user_spin) },
		ZERO(kvm_dev_user_spin, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_SHADOW_SIZE),
		.target = SLAVE,
		.arg.shadow_size = {
			.size = sizeof(struct kvm_dev_user_shadow_size),
			.bytes = SZ_4K,
		},
		ZERO(kvm_dev_user_shadow_size, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_SHADOW_CTRL),
		.target = IMAGE,
		.arg.shadow_ctrl = { .size = sizeof(struct kvm_dev_user_shadow_ctrl) },
	}, {
		NAME(KVM_DEV_USER_EXCHANGE),
		.target = SLAVE,
		.arg.exchange = { .size = sizeof(struct kvm_dev_user_exchange) },
		ZERO(kvm_dev_user_exchange, flags, ~0),
	}, {
		NAME(KVM_DEV_USER_DOORBELLS),
		.target = SLAVE,
		.arg.doorbells = { .size = sizeof(struct kvm_dev_user_doorbells) },
	}, {
		NAME(KVM_DEV_USER_BUSY),
		.target = SLAVE,
		.arg.busy = { .size = sizeof(struct kvm_dev_user_busy) },
		ZERO(kvm_dev_user_busy, flags, ~0),
	}, {
		/* The last, as it succeeds but once. */
		NAME(KVM_DEV_USER_REVOKE),
		.target = OWNER,
		.arg.revoke = { .size = sizeof(struct kvm_dev_user_revoke) },
		ZERO(kvm_dev_user_revoke, flags, ~0),
	},
};

/* Hands over @size bytes of @arg, but tells the size in @arg. */
static void expect_case(const struct abi_case *c, union abi_arg *arg, size_t size, long want)
{
	const u32 told = arg->size;
	long ret = abi_ioctl(targets[c->target], c->cmd, arg, size);

	if (c->cmd == KVM_DEV_USER_SLAVE_FD && ret >= 0) {
		close(ret);
		ret = 0;
	}
	TEST_ASSERT(ret == want,
		    "%s with size %u and %zu bytes there returned %ld, wanted %ld",
		    c->name, told, size, ret, want);
}

/* Every ioctl takes the argument of its first version. */
TEST_F(abi, first_version)
{
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		union abi_arg arg = abi_cases[i].arg;

		expect_case(&abi_cases[i], &arg, arg.size, 0);
	}
}

/* A larger structure is taken when what lies beyond is zero ... */
TEST_F(abi, larger_size)
{
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		union abi_arg arg = abi_cases[i].arg;

		arg.size += 12;
		expect_case(&abi_cases[i], &arg, arg.size, 0);
	}
}

/* ... however much there is ... */
TEST_F(abi, much_larger_size)
{
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		union abi_arg arg = abi_cases[i].arg;

		arg.size = sizeof(arg);
		expect_case(&abi_cases[i], &arg, arg.size, 0);
	}
}

/* ... and is E2BIG when any of it is not. */
TEST_F(abi, unknown_fields)
{
	int i, byte;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		const u32 first = abi_cases[i].arg.size;

		for (byte = first; byte < first + 12; byte++) {
			union abi_arg arg = abi_cases[i].arg;

			arg.size = first + 12;
			arg.bytes[byte] = 0x80;
			expect_case(&abi_cases[i], &arg, arg.size, -E2BIG);
		}
	}
}

/* EINVAL for every size below the first version's. */
TEST_F(abi, smaller_size)
{
	u32 size;
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		for (size = 0; size < abi_cases[i].arg.size; size++) {
			union abi_arg arg = abi_cases[i].arg;

			arg.size = size;
			expect_case(&abi_cases[i], &arg, max(size, 4u), -EINVAL);
		}
	}
}

/* A size beyond all reason is refused, quickly. */
TEST_F(abi, huge_size)
{
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		union abi_arg arg = abi_cases[i].arg;
		long ret;

		arg.size = ~0U;
		ret = ABI_IOCTL(targets[abi_cases[i].target], abi_cases[i].cmd, &arg);
		TEST_ASSERT(ret == -E2BIG || ret == -EFAULT,
			    "%s with size %u returned %ld", abi_cases[i].name, ~0U, ret);
	}
}

/* EFAULT for a structure that lies, even in part, where nothing is mapped. */
TEST_F(abi, bad_address)
{
	u32 there;
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		const struct abi_case *c = &abi_cases[i];
		union abi_arg arg = c->arg;
		int fd = targets[c->target];

		DEVUSER_EXPECT(sys->ioctl(fd, c->cmd, NULL), -EFAULT);
		DEVUSER_EXPECT(sys->ioctl(fd, c->cmd, (void *)BAD_ADDRESS), -EFAULT);
		for (there = 1; there < c->arg.size; there++)
			expect_case(c, &arg, there, -EFAULT);

		/* What is said to lie beyond cannot be looked at. */
		arg.size += 8;
		expect_case(c, &arg, c->arg.size, -EFAULT);
	}
}

/* EINVAL for every unknown flag and every bit of a reserved field. */
TEST_F(abi, unknown_bits)
{
	int i, bit;
	u32 word;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		for (bit = 0; bit < 32; bit++) {
			union abi_arg arg = abi_cases[i].arg;

			word = abi_cases[i].zero_mask & 1u << bit;
			if (!word)
				continue;

			memcpy(&arg.bytes[abi_cases[i].zero_at], &word, sizeof(word));
			expect_case(&abi_cases[i], &arg, arg.size, -EINVAL);
		}
	}
}

/* ENOTTY for the other descriptor's ioctls and for what is none. */
TEST_F(abi, wrong_ioctl)
{
	union abi_arg arg = { .size = sizeof(arg) };
	int i;

	abi_open_targets(self->vm);
	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		const struct abi_case *c = &abi_cases[i];
		bool of_master = c->target == MASTER || c->target == OWNER;
		int other = targets[of_master ? IMAGE : MASTER];
		int own = targets[c->target];
		u32 nr = _IOC_NR(c->cmd);

		arg = c->arg;
		DEVUSER_EXPECT(ABI_IOCTL(other, c->cmd, &arg),
			       c->cmd == KVM_DEV_USER_INFO ? 0 : -ENOTTY);
		DEVUSER_EXPECT(ABI_IOCTL(own, _IOC(_IOC_WRITE, KVMIO, nr, arg.size), &arg),
			       -ENOTTY);
		DEVUSER_EXPECT(ABI_IOCTL(own, _IO('x', nr), &arg), -ENOTTY);
	}

	DEVUSER_EXPECT(ABI_IOCTL(targets[MASTER], _IO(KVMIO, 0xe9), &arg), -ENOTTY);
	DEVUSER_EXPECT(ABI_IOCTL(targets[IMAGE], _IO(KVMIO, 0xe9), &arg), -ENOTTY);
}

/* --- Finding and making the device --------------------------------------------- */

/* The capability is the version of the interface. */
TEST_F(abi, version)
{
	DEVUSER_EXPECT(sys->ioctl(self->vm->kvm_fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_DEV_USER),
		       KVM_DEV_USER_VERSION);
	DEVUSER_EXPECT(sys->ioctl(self->vm->fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_DEV_USER),
		       KVM_DEV_USER_VERSION);
}

/* What KVM_DEV_USER_INFO has to tell is what the tests take for granted. */
static void expect_info(const struct kvm_dev_user_info *info, u32 size)
{
	TEST_ASSERT_EQ(info->size, size);
	TEST_ASSERT_EQ(info->version, KVM_DEV_USER_VERSION);
	TEST_ASSERT_EQ(info->ranges, DEVUSER_RANGES_MAX);
	TEST_ASSERT_EQ(info->stores, DEVUSER_STORES_MAX);
	TEST_ASSERT_EQ(info->areas, DEVUSER_AREAS_MAX);
	TEST_ASSERT_EQ(info->doorbells, DEVUSER_DOORBELLS_MAX);
	TEST_ASSERT_EQ(info->shadow_bytes, DEVUSER_SHADOW_MAX);
	TEST_ASSERT_EQ(info->spin_ns, DEVUSER_SPIN_MAX);
}

/* Version and limits, on both descriptors, also of a device that is no more. */
TEST_F(abi, info)
{
	int slave = devuser_slave_fd(self->master, 0);
	int fds[] = { self->master, slave };
	struct kvm_dev_user_info info;
	int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		memset(&info, 0xff, sizeof(info));
		info.size = sizeof(info);
		DEVUSER_EXPECT(ABI_IOCTL(fds[i], KVM_DEV_USER_INFO, &info), 0);
		expect_info(&info, sizeof(info));
	}

	devuser_revoke(self->master);
	info = devuser_info(slave);
	expect_info(&info, sizeof(info));
	close(slave);
}

/* The kernel writes no more than the caller's size. */
TEST_F(abi, info_of_a_newer_caller)
{
	struct {
		struct kvm_dev_user_info info;
		u64 newer[2];
	} arg = { .info.size = sizeof(arg) };

	DEVUSER_EXPECT(ABI_IOCTL(self->master, KVM_DEV_USER_INFO, &arg), 0);
	expect_info(&arg.info, sizeof(arg));
	TEST_ASSERT(!arg.newer[0] && !arg.newer[1], "The kernel made up fields");
}

/* Another of KVM's devices does not know it: so it tells what a descriptor is. */
TEST_F(abi, info_is_of_no_other_device)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_dev_user_info info = { .size = sizeof(info) };

	if (ABI_IOCTL(self->vm->fd, KVM_CREATE_DEVICE, &create))
		SKIP(return, "There is no other device to ask");

	DEVUSER_EXPECT(ABI_IOCTL(create.fd, KVM_DEV_USER_INFO, &info), -ENOTTY);
	/* What a VM says to an ioctl that it does not know depends on the architecture. */
	TEST_ASSERT(ABI_IOCTL(self->vm->fd, KVM_DEV_USER_INFO, &info) < 0,
		    "A VM takes itself for a user device");
	close(create.fd);
}

/* KVM_CREATE_DEVICE_TEST makes nothing; a VM may have many devices. */
TEST_F(abi, create)
{
	struct kvm_create_device create = {
		.type = KVM_DEV_TYPE_USER,
		.fd = 12345,
		.flags = KVM_CREATE_DEVICE_TEST,
	};
	int fds[8], free_fd, i;

	free_fd = dup(0);
	close(free_fd);
	DEVUSER_EXPECT(ABI_IOCTL(self->vm->fd, KVM_CREATE_DEVICE, &create), 0);
	TEST_ASSERT_EQ(create.fd, 12345);

	create.flags = 0;
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		DEVUSER_EXPECT(ABI_IOCTL(self->vm->fd, KVM_CREATE_DEVICE, &create), 0);
		fds[i] = create.fd;
	}
	TEST_ASSERT(fds[0] == free_fd, "KVM_CREATE_DEVICE_TEST left descriptor %d", free_fd);

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* R15: the master is of no use in another process. */
TEST_F(abi, master_in_another_process)
{
	struct kvm_dev_user_abandon abandon = { .size = sizeof(abandon) };
	int status;
	pid_t pid;

	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		_exit(ABI_IOCTL(self->master, KVM_DEV_USER_ABANDON, &abandon) != -EIO);

	TEST_ASSERT(waitpid(pid, &status, 0) == pid, "waitpid() failed");
	TEST_ASSERT(!status, "An ioctl of another process was not refused with EIO");
}

/* The master cannot be read, written or mapped. */
TEST_F(abi, master_is_no_file)
{
	struct kvm_dev_user_request *req = (void *)(page_end - sizeof(*req));
	void *map;

	memset(req, 0, sizeof(*req));
	DEVUSER_EXPECT(sys->read(self->master, req, sizeof(*req)), -EINVAL);
	DEVUSER_EXPECT(sys->write(self->master, req, sizeof(*req)), -EINVAL);
	map = mmap(NULL, SZ_4K, PROT_READ, MAP_SHARED, self->master, 0);
	TEST_ASSERT(map == MAP_FAILED && errno == ENODEV, "The master was mapped");
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
