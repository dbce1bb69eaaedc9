// SPDX-License-Identifier: GPL-2.0-only
/*
 * R15 of the user device: whatever the slave's process does, it harms nobody but
 * its own device. A guest, its VMM and a hostile slave do random things, all at
 * the same time, and an honest device beside theirs works on.
 *
 * The environment's DEVUSER_SEED repeats the choices that are made, though not
 * how they fall together; DEVUSER_OPS is how many operations there are to be.
 */
#include <sys/resource.h>

#include "devuser_hostile.h"
#include "kvm_test_harness.h"

#define OPS		200000
#define STUCK_MS	30000		/* without an operation, on a slow machine */
#define HARNESS_S	(24 * 3600)	/* what is stuck is seen long before */
#define TIMEOUT_MS	(HOSTILE_DELAY_MS / 2)	/* at first */

/* Pages for the hostile one, wherever its ranges are, and those of the other. */
#define WILD_PAGES	8
#define WILD_LEN	(WILD_PAGES * SZ_4K)
#define WILD_PORT	0x2000
#define WILD_PORTS	0x200
#define NEIGHBOUR_GPA	(DEVUSER_GPA + WILD_LEN)
#define NEIGHBOUR_RID	9

/* vCPUs: two of the hostile device, one of its neighbour, one for the end. */
#define NEIGHBOUR	2
#define LAST		3
#define NR_VCPUS	4

static u64 seed;
static bool stop;
static u64 nr_accesses[NR_VCPUS];

/* --- The guest ----------------------------------------------------------------------- */

static void guest_wild_memory(u64 *rng)
{
	u64 addr = DEVUSER_GPA + hostile_random(rng) % (WILD_LEN - 8);
	u64 val = hostile_random(rng);

	switch (val % 8) {
	case 0:
		guest_read8(addr);
		break;
	case 1:
		guest_read16(addr);
		break;
	case 2:
		guest_read32(addr & ~3ull);
		break;
	case 3:
		guest_read64(addr);
		break;
	case 4:
		guest_write8(addr, val);
		break;
	case 5:
		guest_write64(addr, val);
		break;
	default:
		guest_write32(addr, val);
		break;
	}
}

static void guest_wild_ports(u64 *rng)
{
	u16 port = WILD_PORT + hostile_random(rng) % WILD_PORTS;
	u64 val = hostile_random(rng), count = val % 16;
	u8 buf[16];
	void *p = buf;

	switch (val % 5) {
	case 0:
		guest_in8(port);
		break;
	case 1:
		guest_in32(port);
		break;
	case 2:
		guest_out16(port, val);
		break;
	case 3:
		asm volatile("rep insb" : "+D"(p), "+c"(count) : "d"(port) : "memory");
		break;
	default:
		asm volatile("rep outsb" : "+S"(p), "+c"(count) : "d"(port) : "memory");
		break;
	}
}

static void guest_wild(u64 index)
{
	u64 rng = READ_ONCE(seed) + index;

	while (!READ_ONCE(stop)) {
		if (hostile_random(&rng) % 4)
			guest_wild_memory(&rng);
		else
			guest_wild_ports(&rng);
		WRITE_ONCE(nr_accesses[index], nr_accesses[index] + 1);
	}
	GUEST_DONE();
}

/* Its device is in good hands, and answers as ever. */
static void guest_neighbour(void)
{
	u32 offset = 0;

	while (!READ_ONCE(stop)) {
		guest_write32(NEIGHBOUR_GPA + offset, offset);
		GUEST_ASSERT_EQ(guest_read32(NEIGHBOUR_GPA + offset),
				devuser_pattern(NEIGHBOUR_RID, offset, 4));
		offset = (offset + 4) % SZ_4K;
		WRITE_ONCE(nr_accesses[NEIGHBOUR], nr_accesses[NEIGHBOUR] + 2);
	}
	GUEST_DONE();
}

static void guest_last(void)
{
	guest_write32(DEVUSER_GPA, 1);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));
	GUEST_ASSERT_EQ(guest_in32(DEVUSER_PORT + 4), devuser_pattern(DEVUSER_RID_PIO, 4, 4));
	GUEST_DONE();
}

static void guest_code(u64 index)
{
	if (index == NEIGHBOUR)
		guest_neighbour();
	if (index == LAST)
		guest_last();
	guest_wild(index);
}

/* --- The VMM ------------------------------------------------------------------------- */

static struct devuser_vm *dv;
static u64 rng;

static u64 below(u64 limit)
{
	return hostile_random(&rng) % limit;
}

static void check_exit(struct kvm_vcpu *vcpu)
{
	u32 reason = vcpu->run->exit_reason;

	if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO) {
		vcpu_dump(stderr, vcpu, 0);
		TEST_FAIL("vCPU %u left with %s", vcpu->id, exit_reason_str(reason));
	}
}

/* Takes each access that comes, to whatever place, for any reason. */
static void *vcpu_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct ucall uc = { };
	int ret;

	while (uc.cmd != UCALL_DONE) {
		ret = devuser_run_once(vcpu);
		TEST_ASSERT(!ret || ret == -EINTR, "KVM_RUN returned %d", ret);
		if (ret)
			continue;
		check_exit(vcpu);
		if (get_ucall(vcpu, &uc) == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
	}
	return NULL;
}

static void start_vcpu(int index)
{
	TEST_ASSERT(!pthread_create(&dv->threads[index], NULL, vcpu_thread, dv->vcpus[index]),
		    "pthread_create() failed");
}

/* The neighbour's emulator; its log would be full soon. */
static void serve_and_forget(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	emul->shared->nr = 0;
	devuser_serve(emul, reqs, nr);
}

/* In the emulator's process, which keeps nothing itself. */
static long spawn_hostile(struct devuser_emul *emul, void *arg)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		close(emul->sock);
		hostile_slave(emul->slave, *(u64 *)arg, &emul->shared->scratch[0]);
	}
	close(emul->slave);
	emul->slave = -1;
	return pid > 0 ? 0 : -errno;
}

static u64 nr_slave_ops, nr_master_ops, nr_slaves;

/* The one that was revoked last, whose processes still do with its slave what they like. */
static struct devuser_emul *revoked;

static void free_slave(struct devuser_emul *emul)
{
	if (!emul)
		return;
	nr_slave_ops += emul->shared->scratch[0];
	devuser_emul_free(emul);
}

/*
 * Half of them are revoked, and half are killed; what kills the slave's process kills
 * its children a little later.
 */
static void next_slave(u32 flags)
{
	struct kvm_dev_user_slave arg = { .size = sizeof(arg), .flags = flags };
	long fd, ret;

	free_slave(revoked);
	revoked = NULL;
	if (below(2)) {
		ret = __devuser_revoke(dv->master);
		TEST_ASSERT(!ret || ret == -ENOENT, "KVM_DEV_USER_REVOKE returned %ld", ret);
		revoked = dv->emul;
		fd = devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD, &arg);
	} else {
		free_slave(dv->emul);
		DEVUSER_WAIT((fd = devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD,
						 &arg)) != -EBUSY);
	}
	TEST_ASSERT(fd >= 0, "KVM_DEV_USER_SLAVE_FD returned %ld", fd);
	dv->emul = devuser_emul_start();
	devuser_emul_attach(dv->emul, fd);
}

static void next_hostile(void)
{
	static const u32 flags[] = {
		0, KVM_DEV_USER_SLAVE_HOLD, KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY,
	};
	u64 arg = hostile_random(&rng);

	next_slave(flags[below(ARRAY_SIZE(flags))]);
	DEVUSER_EXPECT(devuser_emul_call(dv->emul, spawn_hostile, &arg, sizeof(arg)), 0);
	nr_slaves++;
}

static void change_range(void)
{
	u32 posted = below(4) ? 0 : KVM_DEV_USER_RANGE_NONPOSTED;
	u32 rid = below(4);

	if (!below(8))
		__devuser_remove_range(dv->master, rid);
	else if (rid == DEVUSER_RID_PIO)
		__devuser_set_range(dv->master, rid, KVM_DEV_USER_RANGE_PIO | posted,
				    WILD_PORT + below(WILD_PORTS), 1 + below(WILD_PORTS));
	else
		__devuser_set_range(dv->master, rid, posted, DEVUSER_GPA + below(WILD_LEN),
				    1 + below(WILD_LEN));
}

/* What the master's ioctls take, and one that there is not. */
static const struct {
	unsigned long cmd;
	u32 size;
} master_ioctls[] = {
	{ KVM_DEV_USER_SLAVE_FD, sizeof(struct kvm_dev_user_slave) },
	{ KVM_DEV_USER_PA_RANGE, sizeof(struct kvm_dev_user_pa_range) },
	{ KVM_DEV_USER_TIMEOUT, sizeof(struct kvm_dev_user_timeout) },
	{ KVM_DEV_USER_EVENTFD, sizeof(struct kvm_dev_user_eventfd) },
	{ KVM_DEV_USER_STATUS, sizeof(struct kvm_dev_user_status) },
	{ KVM_DEV_USER_QUIET, sizeof(struct kvm_dev_user_quiet) },
	{ KVM_DEV_USER_ABANDON, sizeof(struct kvm_dev_user_abandon) },
	{ KVM_DEV_USER_SPIN, sizeof(struct kvm_dev_user_spin) },
	{ KVM_DEV_USER_REVOKE, sizeof(struct kvm_dev_user_revoke) },
	{ KVM_DEV_USER_INFO, sizeof(struct kvm_dev_user_info) },
	{ KVM_SET_DEVICE_ATTR, sizeof(struct kvm_device_attr) },
	{ KVM_GET_DEVICE_ATTR, sizeof(struct kvm_device_attr) },
	{ KVM_HAS_DEVICE_ATTR, sizeof(struct kvm_device_attr) },
	{ KVM_DEV_USER_SHADOW_SIZE, sizeof(struct kvm_dev_user_shadow_size) },
	{ KVM_DEV_USER_DOORBELLS, sizeof(struct kvm_dev_user_doorbells) },
};

/* Zero, all ones, something between, or a small number. */
static u64 number(void)
{
	if (below(2))
		return below(4);
	return hostile_random(&rng) >> below(64) << below(64);
}

/* A structure with random members, and mostly the size that it should have. */
static void fill_arg(u64 *arg, size_t words, u32 size)
{
	size_t i;

	for (i = 0; i < words; i++)
		arg[i] = number();
	if (below(8))
		memcpy(arg, &size, sizeof(size));
}

/* A range of a TiB takes a thousand places on the bus, one after the other. */
static void spare_time(struct kvm_dev_user_pa_range *range)
{
	if (below(256))
		range->len %= 4ull * SZ_1G;
}

/* One of the errors that the interface has. */
static bool is_clean(long ret)
{
	static const int errors[] = {
		0, EFAULT, EINVAL, E2BIG, ENOTTY, EBUSY, EEXIST, ENOENT, ENOSPC, EBADF, EINTR,
		ETIMEDOUT, ENXIO, EPERM,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (ret == -errors[i])
			return true;
	}
	return ret > 0;
}

/* An ioctl with random contents, which does not sleep for ever. */
static void fuzz_ioctl(void)
{
	int which = below(ARRAY_SIZE(master_ioctls));
	unsigned long cmd = master_ioctls[which].cmd;
	u64 arg[16];
	long ret;

	/* No slave would live for long. */
	if (cmd == KVM_DEV_USER_REVOKE && below(8))
		return;
	fill_arg(arg, ARRAY_SIZE(arg), master_ioctls[which].size);
	if (cmd == KVM_DEV_USER_PA_RANGE)
		spare_time((void *)arg);
	/* Some nanoseconds would be the end of every slave, and one may be busy for ever. */
	if (cmd == KVM_DEV_USER_TIMEOUT) {
		arg[1] <<= 24;
		arg[2] %= NSEC_PER_SEC;
	}
	devuser_alarm_ms(5);
	ret = devuser_ioctl(dv->master, cmd, below(32) ? arg : (void *)number());
	devuser_alarm_ms(0);
	TEST_ASSERT(is_clean(ret), "Ioctl 0x%lx returned %ld (%s)", cmd, ret, strerror(-ret));
	if (cmd == KVM_DEV_USER_SLAVE_FD && ret >= 0)
		close(ret);
}

/* What the kernel says of the device holds together, whatever happens to it. */
static struct kvm_dev_user_status check_status(void)
{
	static struct kvm_dev_user_status last;
	struct kvm_dev_user_status now = devuser_status(dv->master);

	TEST_ASSERT(now.state <= KVM_DEV_USER_FAILED && now.reason <= KVM_DEV_USER_REASON_REVOKED,
		    "State %u, reason %u", now.state, now.reason);
	TEST_ASSERT(now.pending + now.sent <= DEVUSER_STORES_MAX + NR_VCPUS,
		    "%u pending, %u sent", now.pending, now.sent);
	TEST_ASSERT(now.vcpus <= NR_VCPUS, "%u vCPUs", now.vcpus);
	TEST_ASSERT(now.stores >= last.stores && now.loads >= last.loads &&
		    now.shadow_loads >= last.shadow_loads && now.timeouts >= last.timeouts &&
		    now.refused >= last.refused && now.discarded >= last.discarded &&
		    now.doorbells >= last.doorbells && now.busy >= last.busy,
		    "A counter went back");
	TEST_ASSERT(now.state != KVM_DEV_USER_FAILED || !(now.pending + now.sent),
		    "Failed with %u pending, %u sent", now.pending, now.sent);
	last = now;
	return now;
}

/* As the master of a device that gives trouble would do, and worse. */
static void act(void)
{
	struct kvm_dev_user_status status = check_status();

	switch (below(13)) {
	case 0:
		change_range();
		break;
	case 1:
		devuser_set_timeout(dv->master, MSEC_NS << (below(8) ? 4 + below(6) : below(4)));
		break;
	case 2:
		__devuser_quiet(dv->master, below(2), MSEC_NS * (1 + below(3)));
		break;
	case 3:
		devuser_abandon(dv->master);
		break;
	case 4:
		pthread_kill(dv->threads[below(NEIGHBOUR)], SIGUSR1);
		break;
	case 5:
		close(devuser_watch(dv->master));
		break;
	case 6:
		devuser_set_spin(dv->master, below(20000), below(20000));
		break;
	case 7:
		if (!below(64))
			__devuser_revoke(dv->master);
		break;
	default:
		fuzz_ioctl();
		break;
	}
	nr_master_ops++;
	if (!below(status.state == KVM_DEV_USER_LIVE ? 400 : 2))
		next_hostile();
	usleep(below(100));
}

/* --- The end of it ------------------------------------------------------------------- */

/* Has the kernel complained? */
static u64 taint(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint;

	TEST_ASSERT(file && fscanf(file, "%lu", &taint) == 1, "Cannot read the kernel's taint");
	fclose(file);
	return taint;
}

/* A number above zero from the environment. */
static u64 number_of(const char *name, u64 otherwise)
{
	const char *text = getenv(name);
	char *end = NULL;
	u64 value;

	if (!text)
		return otherwise;
	value = strtoull(text, &end, 0);
	TEST_ASSERT(value && !*end, "%s is not a number above zero: '%s'", name, text);
	return value;
}

static u64 nr_guest_ops(void)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		sum += READ_ONCE(*DEVUSER_GUEST_VAR(dv->vm, nr_accesses[i]));
	return sum;
}

/* Those of the present slave's process included. */
static u64 nr_all_ops(void)
{
	return nr_guest_ops() + nr_slave_ops + nr_master_ops +
	       READ_ONCE(dv->emul->shared->scratch[0]);
}

/* Until there have been so many operations; a guest that stands still is an error. */
static void run(u64 wanted)
{
	u64 moved = devuser_now_ms(), before = 0, now;

	while (nr_all_ops() < wanted) {
		act();
		now = nr_guest_ops();
		if (now != before)
			moved = devuser_now_ms();
		before = now;
		TEST_ASSERT(devuser_now_ms() - moved < STUCK_MS, "The guest stands still");
	}
}

/* All vCPUs but the last end, those that wait because the device fails. */
static void stop_guest(void)
{
	u32 i;

	/* One of the ranges may hold the port that the guest speaks through. */
	for (i = 0; i < DEVUSER_RANGES_MAX; i++)
		__devuser_remove_range(dv->master, i);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	next_slave(0);
	devuser_emul_kill(dv->emul);
	for (i = 0; i <= NEIGHBOUR; i++)
		devuser_vcpu_join(dv, i);
}

/* The device works with an honest slave. */
static void check_usable(void)
{
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	devuser_set_range(dv->master, DEVUSER_RID_PIO, KVM_DEV_USER_RANGE_PIO, DEVUSER_PORT,
			  DEVUSER_PORT_LEN);
	devuser_set_timeout(dv->master, 0);
	devuser_set_spin(dv->master, 0, 0);
	next_slave(0);
	devuser_emul_serve(dv->emul, serve_and_forget);
	start_vcpu(LAST);
	devuser_vcpu_join(dv, LAST);
}

static void report(void)
{
	struct kvm_dev_user_status status = devuser_status(dv->master);

	ksft_print_msg("%lu operations of the guest, %lu of the master, %lu of %lu slaves\n",
		       nr_guest_ops(), nr_master_ops, nr_slave_ops, nr_slaves);
	ksft_print_msg("%llu stores, %llu doorbells, %llu loads, %llu shadow loads\n",
		       status.stores, status.doorbells, status.loads, status.shadow_loads);
	ksft_print_msg("%llu refused, %llu timeouts\n", status.refused, status.timeouts);
	TEST_ASSERT(nr_slaves > 2 && status.stores && status.loads && status.refused &&
		    status.timeouts && *DEVUSER_GUEST_VAR(dv->vm, nr_accesses[NEIGHBOUR]),
		    "Not all was tried: give more DEVUSER_OPS");
}

FIXTURE(fuzz)
{
};

FIXTURE_SETUP(fuzz)
{
}

FIXTURE_TEARDOWN(fuzz)
{
}

/* R15, with R8 and R12: everything at the same time. */
TEST_F_TIMEOUT(fuzz, everything, HARNESS_S)
{
	struct devuser_emul *neighbour = devuser_emul_start();
	u64 before = taint(), ops = number_of("DEVUSER_OPS", OPS);
	int i, master;

	rng = number_of("DEVUSER_SEED", devuser_now_ms() * 2654435761u + getpid());
	ksft_print_msg("DEVUSER_SEED=%lu DEVUSER_OPS=%lu\n", rng, ops);
	fflush(stdout);
	devuser_catch_signals();
	dv = devuser_vm_create(NR_VCPUS, guest_code);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, seed), hostile_random(&rng));
	devuser_set_timeout(dv->master, MSEC_NS * TIMEOUT_MS);

	master = devuser_create(dv->vm);
	devuser_set_range(master, NEIGHBOUR_RID, 0, NEIGHBOUR_GPA, SZ_4K);
	devuser_emul_attach(neighbour, devuser_slave_fd(master, 0));
	devuser_emul_serve(neighbour, serve_and_forget);

	for (i = 0; i <= NEIGHBOUR; i++)
		start_vcpu(i);
	/* A slave that waits for a CPU behind the vCPUs is a dead one; root may do that. */
	setpriority(PRIO_PROCESS, 0, -10);
	next_hostile();
	run(ops);
	stop_guest();
	check_usable();
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, DEVUSER_WAIT_MS * MSEC_NS), 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	devuser_expect_state(master, KVM_DEV_USER_LIVE, KVM_DEV_USER_REASON_NONE);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	TEST_ASSERT_EQ(devuser_status(master).refused, 0);
	report();
	free_slave(revoked);
	devuser_vm_free(dv);
	close(master);
	devuser_emul_free(neighbour);
	TEST_ASSERT_EQ(taint(), before);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
