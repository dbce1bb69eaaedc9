// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark of single accesses: who serves them.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "devuser_bench_count.h"
#include "devuser_bench_serve.h"

/* --- In the emulator's process ------------------------------------------------ */

struct bench_emul_arg {
	u32 cpu;		/* where it begins */
	bool anywhere;		/* and then goes where the scheduler has it */
	u32 batch;
	int policy;		/* of the scheduler */
};

/* The counter of served accesses, seen by both processes. */
static u64 *emul_served(struct devuser_emul *emul)
{
	return &emul->shared->scratch[0];
}

static void emul_count(struct devuser_emul *emul, u64 nr)
{
	u64 *served = emul_served(emul);

	WRITE_ONCE(*served, *served + nr);
}

static void emul_begin(const struct bench_emul_arg *arg)
{
	const struct sched_param param = { };

	devuser_pin(pthread_self(), arg->cpu);
	if (arg->anywhere)
		devuser_pin_between(pthread_self(), 0, arg->cpu);
	TEST_ASSERT(!sched_setscheduler(0, arg->policy, &param), "sched_setscheduler() failed");
	BENCH_MARK(BENCH_MARK_EMULATOR);
}

/* Beyond the one that struct devuser_emul knows: slaves, or what the server needs. */
static int emul_fds[BENCH_DEVICES_MAX];
static int emul_nr_fds;

static long emul_keep_fd(struct devuser_emul *emul, void *arg)
{
	emul_fds[emul_nr_fds++] = emul->slave;
	emul->slave = -1;
	return 0;
}

/* Sleeps in read(), and answers by write(). */
static long emulate_read_write(struct devuser_emul *emul, void *arg_)
{
	struct kvm_dev_user_request reqs[DEVUSER_BATCH_MAX];
	const struct bench_emul_arg *arg = arg_;
	long nr;

	emul_begin(arg);
	for (;;) {
		nr = devuser_read(emul_fds[0], reqs, arg->batch);
		TEST_ASSERT(nr > 0, "read() failed");
		DEVUSER_EXPECT(devuser_write(emul_fds[0], reqs, nr), nr);
		emul_count(emul, nr);
	}
}

/* Answers, and sleeps or spins until there is more; returns -EAGAIN if it may not. */
static long emul_exchange(struct devuser_emul *emul, int slave, u32 batch)
{
	struct kvm_dev_user_request reqs[DEVUSER_BATCH_MAX];
	long nr = 0;

	for (;;) {
		nr = devuser_exchange(slave, reqs, nr, reqs, batch);
		if (nr <= 0)
			return nr;
		emul_count(emul, nr);
	}
}

static long emulate_device(struct devuser_emul *emul, void *arg_)
{
	const struct bench_emul_arg *arg = arg_;

	emul_begin(arg);
	TEST_FAIL("The exchange returned %ld",
		  emul_exchange(emul, emul_fds[0], arg->batch));
	return 0;
}

static int emul_epoll(void)
{
	int i, ep = epoll_create1(0);

	for (i = 0; i < emul_nr_fds; i++) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLET,
			.data.fd = emul_fds[i],
		};

		TEST_ASSERT(!fcntl(emul_fds[i], F_SETFL, O_NONBLOCK), "fcntl() failed");
		TEST_ASSERT(!epoll_ctl(ep, EPOLL_CTL_ADD, emul_fds[i], &event),
			    "epoll_ctl() failed");
	}
	return ep;
}

/* Sleeps in epoll_wait(), for any number of devices. */
static long emulate_devices(struct devuser_emul *emul, void *arg_)
{
	struct epoll_event events[BENCH_DEVICES_MAX];
	const struct bench_emul_arg *arg = arg_;
	int i, nr, ep = emul_epoll();

	emul_begin(arg);
	for (;;) {
		nr = epoll_wait(ep, events, ARRAY_SIZE(events), -1);
		for (i = 0; i < nr; i++)
			DEVUSER_EXPECT(emul_exchange(emul, events[i].data.fd, arg->batch),
				       -EAGAIN);
	}
}

/* What a proxy sends to its process, and the reply to a load. */
struct bench_message {
	u64 addr;
	u64 data;
	u32 load;
	u32 len;
};

static long emulate_socket(struct devuser_emul *emul, void *arg)
{
	struct bench_message msg;

	emul_begin(arg);
	for (;;) {
		TEST_ASSERT(read(emul->slave, &msg, sizeof(msg)) == sizeof(msg),
			    "The socket broke");
		if (msg.load)
			TEST_ASSERT(write(emul->slave, &msg, sizeof(msg)) == sizeof(msg),
				    "The socket broke");
		emul_count(emul, 1);
	}
}

/* In the emulator's process: all stores of the device ring this eventfd. */
static long emul_set_doorbell(struct devuser_emul *emul, void *arg)
{
	const u32 *len = arg;
	struct kvm_dev_user_doorbell bell = {
		.len = *len,
		.fd = eventfd(0, EFD_CLOEXEC),
	};
	struct kvm_dev_user_doorbells bells = {
		.size = sizeof(bells),
		.nr_doorbells = 1,
		.doorbells = (unsigned long)&bell,
	};

	DEVUSER_EXPECT(devuser_ioctl(emul_fds[0], KVM_DEV_USER_DOORBELLS, &bells), 0);
	emul->slave = bell.fd;
	return 0;
}

static long emulate_eventfd(struct devuser_emul *emul, void *arg)
{
	u64 nr;

	emul_begin(arg);
	for (;;) {
		TEST_ASSERT(read(emul->slave, &nr, sizeof(nr)) == sizeof(nr),
			    "The eventfd broke");
		emul_count(emul, nr);
	}
}

static void eventfd_take(int fd)
{
	u64 nr;

	TEST_ASSERT(read(fd, &nr, sizeof(nr)) == sizeof(nr) && nr == 1, "The eventfd broke");
}

static void eventfd_ring(int fd)
{
	const u64 nr = 1;

	TEST_ASSERT(write(fd, &nr, sizeof(nr)) == sizeof(nr), "The eventfd broke");
}

static long emulate_ping_pong(struct devuser_emul *emul, void *arg)
{
	emul_begin(arg);
	for (;;) {
		eventfd_take(emul_fds[0]);
		eventfd_ring(emul_fds[1]);
		emul_count(emul, 1);
	}
}

/* --- Exits to userspace --------------------------------------------------------- */

static u8 *exit_data(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO)
		return run->mmio.data;

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	return (u8 *)run + run->io.data_offset;
}

static void exit_here(struct bench *bench, struct kvm_vcpu *vcpu)
{
	u32 nr = bench->access == PORT_STRING ? vcpu->run->io.count : 1;

	memset(exit_data(vcpu), 0, nr);
	bench->served += nr;
}

static void exit_socket(struct bench *bench, struct kvm_vcpu *vcpu)
{
	u8 *data = exit_data(vcpu);
	struct bench_message msg = {
		.addr = bench->addr,
		.data = *data,
		.load = bench_is_load(bench),
		.len = 4,
	};

	TEST_ASSERT(write(bench->fd, &msg, sizeof(msg)) == sizeof(msg), "The socket broke");
	if (!msg.load)
		return;
	TEST_ASSERT(read(bench->fd, &msg, sizeof(msg)) == sizeof(msg), "The socket broke");
	*data = msg.data;
}

static struct kvm_coalesced_mmio_ring *coalesced_ring(struct bench *bench)
{
	return (void *)bench->vcpus[0]->run + bench->fd;
}

static u32 coalesced_max(struct kvm_coalesced_mmio_ring *ring)
{
	return (getpagesize() - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
}

/* The ring is full: the store that found it so is an ordinary exit. */
static void exit_coalesced(struct bench *bench, struct kvm_vcpu *vcpu)
{
	struct kvm_coalesced_mmio_ring *ring = coalesced_ring(bench);

	while (ring->first != READ_ONCE(ring->last)) {
		ring->first = (ring->first + 1) % coalesced_max(ring);
		bench->served++;
	}
	bench->served++;
}

/* --- Set-up ----------------------------------------------------------------------- */

static void setup_socket(struct bench *bench)
{
	int socks[2];

	TEST_ASSERT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks),
		    "socketpair() failed");
	bench->fd = socks[0];
	devuser_emul_attach(bench->emul, socks[1]);
}

static void setup_ioeventfd(struct bench *bench)
{
	struct kvm_ioeventfd ioeventfd = {
		.addr = bench->addr,
		.len = bench_is_port(bench) ? 1 : 4,
		.fd = eventfd(0, EFD_CLOEXEC),
		.flags = bench_is_port(bench) ? KVM_IOEVENTFD_FLAG_PIO : 0,
	};

	vm_ioctl(bench->vm, KVM_IOEVENTFD, &ioeventfd);
	devuser_emul_attach(bench->emul, ioeventfd.fd);
}

/* The I/O APIC's index register, and an edge/level register of the PIC. */
#define IOAPIC_GPA	0xfec00000
#define ELCR_PORT	0x4d0

static void setup_in_kernel(struct bench *bench)
{
	bench->addr = bench_is_port(bench) ? ELCR_PORT : IOAPIC_GPA;
	if (!bench_is_port(bench))
		virt_map(bench->vm, IOAPIC_GPA, IOAPIC_GPA, 1);
}

/* The emulator keeps what the caller does. */
static int bench_eventfd(struct bench *bench)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	devuser_emul_attach(bench->emul, dup(fd));
	devuser_emul_call(bench->emul, emul_keep_fd, NULL, 0);
	return fd;
}

/*
 * What a hand-off to another process and back costs at least, beside the access: two
 * wake-ups, each of a task that sleeps for nothing else.
 */
static void setup_ping_pong(struct bench *bench)
{
	setup_in_kernel(bench);
	bench->ping = bench_eventfd(bench);
	bench->fd = bench_eventfd(bench);
}

static void after_ping_pong(struct bench *bench)
{
	eventfd_ring(bench->ping);
	eventfd_take(bench->fd);
}

static void setup_coalesced(struct bench *bench)
{
	bench->fd = kvm_check_cap(KVM_CAP_COALESCED_MMIO) * getpagesize();
	kvm_vm_register_coalesced_io(bench->vm, bench->addr, 4, bench_is_port(bench));
}

static u64 device_len(const struct bench *bench)
{
	return bench_is_port(bench) ? 1 : bench->nr_pages / bench->nr_devices * SZ_4K;
}

static void setup_devices(struct bench *bench)
{
	u32 flags = bench_is_port(bench) ? KVM_DEV_USER_RANGE_PIO : 0;
	u64 len = device_len(bench);
	u32 i;

	for (i = 0; i < bench->nr_devices; i++) {
		bench->masters[i] = devuser_create(bench->vm);
		devuser_emul_attach(bench->emul, devuser_slave_fd(bench->masters[i], 0));
		devuser_emul_call(bench->emul, emul_keep_fd, NULL, 0);
		devuser_set_range(bench->masters[i], 0, flags, bench->addr + i * len, len);
	}
}

static void setup_doorbell(struct bench *bench)
{
	u32 len = bench_is_port(bench) ? 1 : 4;

	setup_devices(bench);
	devuser_emul_call(bench->emul, emul_set_doorbell, &len, sizeof(len));
}

static void setup_nonposted(struct bench *bench)
{
	u32 flags = bench_is_port(bench) ? KVM_DEV_USER_RANGE_PIO : 0;

	setup_devices(bench);
	devuser_set_range(bench->masters[0], 0, flags | KVM_DEV_USER_RANGE_NONPOSTED,
			  bench->addr, device_len(bench));
}

/* Longer than the other side ever takes. */
#define SPIN_NS		1000000

static void setup_spinning(struct bench *bench)
{
	setup_devices(bench);
	devuser_set_spin(bench->masters[0], SPIN_NS, 0);
}

static void setup_polling(struct bench *bench)
{
	setup_devices(bench);
	devuser_set_spin(bench->masters[0], SPIN_NS, SPIN_NS);
}

static long emul_shadow(struct devuser_emul *emul, void *arg)
{
	const u64 *len = arg;
	const struct kvm_dev_user_shadow_area area = { .access = 1 | 4, .len = *len };
	int i;

	for (i = 0; i < emul_nr_fds; i++) {
		DEVUSER_EXPECT(devuser_shadow_size(emul_fds[i], *len), 0);
		DEVUSER_EXPECT(devuser_shadow_ctrl(emul_fds[i], &area, 1), 0);
	}
	return 0;
}

static void setup_shadow(struct bench *bench)
{
	u64 len = bench_is_port(bench) ? 8 : device_len(bench);

	setup_devices(bench);
	devuser_emul_call(bench->emul, emul_shadow, &len, sizeof(len));
}

/* --- Bystanders ----------------------------------------------------------------------- */

#define IDLE_RANGES	6
#define IDLE_GPA	(DEVUSER_GPA + SZ_1G)

/* Devices with as many ranges as PCI allows. */
void bench_add_idle(struct bench *bench)
{
	u64 addr = IDLE_GPA;
	u32 i, rid;
	int master;

	for (i = 0; i < bench->nr_idle; i++) {
		master = devuser_create(bench->vm);
		devuser_slave_fd(master, 0);
		for (rid = 0; rid < IDLE_RANGES; rid++, addr += 2 * SZ_4K)
			devuser_set_range(master, rid, 0, addr, SZ_4K);
	}
}

/* Each has descriptors of the VM, the master and the slave. */
void bench_add_others(struct bench *bench)
{
	const struct rlimit limit = {
		.rlim_cur = 8 * BENCH_OTHERS_MAX,
		.rlim_max = 8 * BENCH_OTHERS_MAX,
	};
	struct kvm_vm *vm;
	u32 i;

	if (!bench->nr_others)
		return;

	TEST_ASSERT(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit() failed");
	for (i = 0; i < bench->nr_others; i++) {
		vm = vm_create_barebones();
		devuser_slave_fd(devuser_create(vm), 0);
	}
}

/* --- Who has served how many ---------------------------------------------------------- */

static u64 served_here(struct bench *bench)
{
	return bench->served;
}

static u64 served_coalesced(struct bench *bench)
{
	struct kvm_coalesced_mmio_ring *ring = coalesced_ring(bench);
	u32 max = coalesced_max(ring);

	return bench->served + (ring->last + max - ring->first) % max;
}

static u64 served_emulator(struct bench *bench)
{
	return READ_ONCE(*emul_served(bench->emul));
}

static u64 served_shadow(struct bench *bench)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < bench->nr_devices; i++)
		sum += devuser_status(bench->masters[i]).shadow_loads;
	return sum;
}

static const struct bench_server servers[] = {
	{
		.name = "exit",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.exit = exit_here,
		.served = served_here,
	}, {
		.name = "exit+socket",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_socket,
		.exit = exit_socket,
		.emulate = emulate_socket,
		.served = served_emulator,
	}, {
		.name = "ioeventfd",
		.accesses = BENCH_STORES,
		.setup = setup_ioeventfd,
		.emulate = emulate_eventfd,
		.served = served_emulator,
	}, {
		.name = "coalesced",
		.accesses = BENCH_STORES,
		.setup = setup_coalesced,
		.exit = exit_coalesced,
		.served = served_coalesced,
	}, {
		.name = "in-kernel",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_in_kernel,
	}, {
		.name = "in-kernel+ping-pong",
		.accesses = BENCH_LOADS & ~BIT(PORT_STRING),
		.setup = setup_ping_pong,
		.after = after_ping_pong,
		.emulate = emulate_ping_pong,
		.served = served_emulator,
	}, {
		.name = "user-device",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_devices,
		.emulate = emulate_device,
		.served = served_emulator,
	}, {
		.name = "user-device-read",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_devices,
		.emulate = emulate_read_write,
		.served = served_emulator,
	}, {
		.name = "user-device-spin",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_spinning,
		.emulate = emulate_device,
		.served = served_emulator,
	}, {
		.name = "user-device-polling",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.setup = setup_polling,
		.emulate = emulate_device,
		.served = served_emulator,
	}, {
		.name = "user-device-nonposted",
		.accesses = BENCH_STORES,
		.setup = setup_nonposted,
		.emulate = emulate_device,
		.served = served_emulator,
	}, {
		.name = "user-device-doorbell",
		.accesses = BENCH_STORES,
		.setup = setup_doorbell,
		.emulate = emulate_eventfd,
		.served = served_emulator,
	}, {
		.name = "user-device-epoll",
		.accesses = BENCH_LOADS | BENCH_STORES,
		.many = true,
		.setup = setup_devices,
		.emulate = emulate_devices,
		.served = served_emulator,
	}, {
		.name = "user-device-shadow",
		.accesses = BENCH_LOADS,
		.many = true,
		.setup = setup_shadow,
		.emulate = emulate_devices,
		.served = served_shadow,
	},
};

const struct bench_server *bench_server_find(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(servers); i++)
		if (!strcmp(servers[i].name, name))
			return &servers[i];
	return NULL;
}

/*
 * Where the emulator shares a CPU with the guest, what ran before decides whether
 * a store's wake-up preempts the guest. That of a batch task never does. A guest
 * that loads waits anyway.
 */
static int emul_policy(const struct bench *bench)
{
	return BENCH_STORES & BIT(bench->access) ? SCHED_BATCH : SCHED_OTHER;
}

void bench_server_start(struct bench *bench)
{
	struct bench_emul_arg arg = {
		.cpu = bench->nr_cpus - 1,
		.anywhere = bench->timed,
		.batch = bench->batch,
		.policy = emul_policy(bench),
	};

	if (bench->server->setup)
		bench->server->setup(bench);
	if (bench->server->emulate)
		devuser_emul_call_start(bench->emul, bench->server->emulate, &arg, sizeof(arg));
}
