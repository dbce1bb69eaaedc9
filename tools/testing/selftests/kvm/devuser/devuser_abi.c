// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all ioctls of the user device have in common, and how it is found and
 * made.
 */
#include "devuser_abi.h"

/* The same numbers and layouts on every kernel and for every caller. */
kvm_static_assert(KVM_DEV_TYPE_USER == 17);
kvm_static_assert(KVM_CAP_DEV_USER == 252);
kvm_static_assert(sizeof(struct kvm_devuser_slave) == 8);
kvm_static_assert(sizeof(struct kvm_devuser_pa_range) == 32);
kvm_static_assert(sizeof(struct kvm_devuser_timeout) == 16);
kvm_static_assert(sizeof(struct kvm_devuser_eventfd) == 8);
kvm_static_assert(sizeof(struct kvm_devuser_status) == 72);
kvm_static_assert(sizeof(struct kvm_devuser_quiet) == 16);
kvm_static_assert(sizeof(struct kvm_devuser_abandon) == 8);
kvm_static_assert(sizeof(struct kvm_devuser_request) == 40);
kvm_static_assert(sizeof(struct kvm_devuser_shadow_size) == 16);
kvm_static_assert(sizeof(struct kvm_devuser_shadow_area) == 32);
kvm_static_assert(sizeof(struct kvm_devuser_shadow_ctrl) == 16);

/* --- What all ioctls have in common ---------------------------------------------- */

union abi_arg {
	u32 size;
	u8 bytes[SZ_256];
	struct kvm_devuser_slave slave;
	struct kvm_devuser_pa_range range;
	struct kvm_devuser_timeout timeout;
	struct kvm_devuser_eventfd eventfd;
	struct kvm_devuser_status status;
	struct kvm_devuser_quiet quiet;
	struct kvm_devuser_abandon abandon;
	struct kvm_devuser_shadow_size shadow_size;
	struct kvm_devuser_shadow_ctrl shadow_ctrl;
};

/* A bad argument is a good one with some bits set that are not known. */
struct abi_case {
	const char *name;
	unsigned long cmd;
	bool slave;		/* for the slave, not for the master */
	bool image;		/* wants a shadow image */
	union abi_arg arg;	/* a good one */
	u32 zero_at;		/* offset of a word in it, 0 for none, where ... */
	u32 zero_mask;		/* ... these bits have to be zero */
};

#define NAME(_cmd)	.name = #_cmd, .cmd = _cmd
#define ZERO(_type, _member, _mask)						\
	.zero_at = offsetof(struct _type, _member), .zero_mask = (u32)(_mask)

static const struct abi_case abi_cases[] = {
	{
		NAME(KVM_DEV_USER_SLAVE_FD),
		.arg.slave = { .size = sizeof(struct kvm_devuser_slave) },
		ZERO(kvm_devuser_slave, flags,
		     ~(KVM_DEVUSER_SLAVE_HOLD | KVM_DEVUSER_SLAVE_REPLAY)),
	}, {
		NAME(KVM_DEV_USER_PA_RANGE),
		.arg.range = {
			.size = sizeof(struct kvm_devuser_pa_range),
			.addr = DEVUSER_PORT,
			.len = DEVUSER_PORT_LEN,
		},
		ZERO(kvm_devuser_pa_range, flags, ~KVM_DEVUSER_RANGE_PIO),
	}, {
		NAME(KVM_DEV_USER_PA_RANGE),
		.arg.range = {
			.size = sizeof(struct kvm_devuser_pa_range),
			.addr = DEVUSER_PORT,
			.len = DEVUSER_PORT_LEN,
		},
		ZERO(kvm_devuser_pa_range, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_TIMEOUT),
		.arg.timeout = {
			.size = sizeof(struct kvm_devuser_timeout),
			.timeout_ns = ~0ull,
		},
		ZERO(kvm_devuser_timeout, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_EVENTFD),
		.arg.eventfd = { .size = sizeof(struct kvm_devuser_eventfd), .fd = -1 },
	}, {
		NAME(KVM_DEV_USER_STATUS),
		.arg.status = { .size = sizeof(struct kvm_devuser_status) },
	}, {
		NAME(KVM_DEV_USER_QUIET),
		.arg.quiet = { .size = sizeof(struct kvm_devuser_quiet) },
		ZERO(kvm_devuser_quiet, flags, ~KVM_DEVUSER_QUIET_BARRIER),
	}, {
		NAME(KVM_DEV_USER_ABANDON),
		.arg.abandon = { .size = sizeof(struct kvm_devuser_abandon) },
		ZERO(kvm_devuser_abandon, flags, ~0),
	}, {
		NAME(KVM_DEV_USER_SHADOW_SIZE),
		.slave = true,
		.arg.shadow_size = {
			.size = sizeof(struct kvm_devuser_shadow_size),
			.bytes = SZ_4K,
		},
		ZERO(kvm_devuser_shadow_size, reserved, ~0),
	}, {
		NAME(KVM_DEV_USER_SHADOW_CTRL),
		.slave = true,
		.image = true,
		.arg.shadow_ctrl = { .size = sizeof(struct kvm_devuser_shadow_ctrl) },
	},
};

/*
 * Does the ioctl on a device of its own.  Hands over @size bytes of @arg, but
 * tells the size in @arg.
 */
static long abi_do_case(struct kvm_vm *vm, const struct abi_case *c, union abi_arg *arg,
			size_t size)
{
	int master = devuser_create(vm);
	int slave = -1;
	long ret;

	if (c->slave)
		slave = devuser_slave_fd(master, 0);
	if (c->image)
		DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K), 0);

	ret = abi_ioctl(c->slave ? slave : master, c->cmd, arg, size);

	if (c->cmd == KVM_DEV_USER_SLAVE_FD && ret >= 0) {
		close(ret);
		ret = 0;
	}
	if (c->slave)
		close(slave);
	close(master);
	return ret;
}

static void expect_case(struct kvm_vm *vm, const struct abi_case *c, union abi_arg *arg,
			size_t size, long want)
{
	const u32 told = arg->size;
	long ret = abi_do_case(vm, c, arg, size);

	TEST_ASSERT(ret == want,
		    "%s with size %u and %zu bytes there returned %ld, wanted %ld",
		    c->name, told, size, ret, want);
}

/* Every ioctl takes the argument of its first version. */
TEST_F(abi, first_version)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		union abi_arg arg = abi_cases[i].arg;

		expect_case(self->vm, &abi_cases[i], &arg, arg.size, 0);
	}
}

/* EINVAL for every size below the first version's. */
TEST_F(abi, smaller_size)
{
	u32 size;
	int i;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		for (size = 0; size < abi_cases[i].arg.size; size++) {
			union abi_arg arg = abi_cases[i].arg;

			arg.size = size;
			expect_case(self->vm, &abi_cases[i], &arg, max(size, 4u), -EINVAL);
		}
	}
}

/* A larger structure is taken when what lies beyond is zero, otherwise E2BIG. */
TEST_F(abi, larger_size)
{
	int i, byte;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		const u32 first = abi_cases[i].arg.size;
		union abi_arg arg = abi_cases[i].arg;

		arg.size = first + 12;
		expect_case(self->vm, &abi_cases[i], &arg, arg.size, 0);

		arg = abi_cases[i].arg;
		arg.size = sizeof(arg);
		expect_case(self->vm, &abi_cases[i], &arg, arg.size, 0);

		for (byte = first; byte < first + 12; byte++) {
			arg = abi_cases[i].arg;
			arg.size = first + 12;
			arg.bytes[byte] = 0x80;
			expect_case(self->vm, &abi_cases[i], &arg, arg.size, -E2BIG);
		}
	}
}

/* EFAULT for a structure that lies, even in part, where nothing is mapped. */
TEST_F(abi, bad_address)
{
	const struct abi_case *c;
	union abi_arg arg;
	int slave, fd, i;
	u32 there;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		c = &abi_cases[i];
		slave = devuser_slave_fd(self->master, 0);
		fd = c->slave ? slave : self->master;
		DEVUSER_EXPECT(sys->ioctl(fd, c->cmd, NULL), -EFAULT);
		DEVUSER_EXPECT(sys->ioctl(fd, c->cmd, (void *)BAD_ADDRESS), -EFAULT);
		close(slave);

		for (there = 1; there < c->arg.size; there++) {
			arg = c->arg;
			expect_case(self->vm, c, &arg, there, -EFAULT);
		}

		/* What is said to lie beyond cannot be looked at. */
		arg = c->arg;
		arg.size += 8;
		expect_case(self->vm, c, &arg, c->arg.size, -EFAULT);
	}
}

/* A size beyond all reason is refused, quickly. */
TEST_F(abi, huge_size)
{
	union abi_arg arg;
	long ret;
	int i;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		arg = abi_cases[i].arg;
		arg.size = ~0U;
		ret = abi_do_case(self->vm, &abi_cases[i], &arg, sizeof(arg));
		TEST_ASSERT(ret == -E2BIG || ret == -EFAULT,
			    "%s with size %u returned %ld", abi_cases[i].name, ~0U, ret);
	}
}

/* EINVAL for every unknown flag and every bit of a reserved field. */
TEST_F(abi, unknown_bits)
{
	union abi_arg arg;
	int i, bit;
	u32 word;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		for (bit = 0; bit < 32; bit++) {
			word = 1u << bit;
			if (!(abi_cases[i].zero_mask & word))
				continue;

			arg = abi_cases[i].arg;
			memcpy(&arg.bytes[abi_cases[i].zero_at], &word, sizeof(word));
			expect_case(self->vm, &abi_cases[i], &arg, arg.size, -EINVAL);
		}
	}
}

/* ENOTTY for the other descriptor's ioctls and for what is none. */
TEST_F(abi, wrong_ioctl)
{
	int slave = devuser_slave_fd(self->master, 0);
	union abi_arg arg;
	int i;

	for (i = 0; i < ARRAY_SIZE(abi_cases); i++) {
		const struct abi_case *c = &abi_cases[i];
		int other = c->slave ? self->master : slave;
		int own = c->slave ? slave : self->master;

		arg = c->arg;
		DEVUSER_EXPECT(ABI_IOCTL(other, c->cmd, &arg), -ENOTTY);
		DEVUSER_EXPECT(ABI_IOCTL(own, _IOC(_IOC_WRITE, KVMIO, _IOC_NR(c->cmd),
						   c->arg.size), &arg), -ENOTTY);
		DEVUSER_EXPECT(ABI_IOCTL(own, _IO('x', _IOC_NR(c->cmd)), &arg), -ENOTTY);
	}

	DEVUSER_EXPECT(ABI_IOCTL(self->master, _IO(KVMIO, 0xdf), &arg), -ENOTTY);
	DEVUSER_EXPECT(ABI_IOCTL(slave, _IO(KVMIO, 0xdf), &arg), -ENOTTY);
	close(slave);
}

/* --- Finding and making the device --------------------------------------------- */

/* The capability is the version of the interface. */
TEST_F(abi, version)
{
	DEVUSER_EXPECT(sys->ioctl(self->vm->kvm_fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_DEV_USER),
		       KVM_DEVUSER_VERSION);
	DEVUSER_EXPECT(sys->ioctl(self->vm->fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_DEV_USER),
		       KVM_DEVUSER_VERSION);
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
	struct kvm_devuser_abandon abandon = { .size = sizeof(abandon) };
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
	struct kvm_devuser_request *req = (void *)(page_end - sizeof(*req));
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
