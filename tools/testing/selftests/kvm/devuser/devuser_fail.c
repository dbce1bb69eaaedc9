// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation of memory fails in turn, in each system call that has to do
 * with a user device. A call says -ENOMEM and has changed nothing, or has done
 * without that memory; done again it succeeds.
 *
 * It takes a kernel with CONFIG_FAILSLAB, and with CONFIG_FAIL_PAGE_ALLOC for
 * whole pages, and root's rights.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mount.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define DEBUGFS		"/sys/kernel/debug"
#define TRIES_MAX	200
#define TRIAL_S		240
#define NEW_RID		5
#define NEW_GPA		(DEVUSER_GPA + DEVUSER_MMIO_LEN)
#define TEXT_MAX	4096

/* --- Faults in the kernel --------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	errno = 0;
	return ok;
}

/* Allocations that may sleep fail as well, of any size, and none is talked about. */
static bool faults_prepare(void)
{
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (access("/proc/thread-self/fail-nth", W_OK) ||
	    !write_text(DEBUGFS "/failslab/ignore-gfp-wait", "N") ||
	    !write_text(DEBUGFS "/failslab/verbose", "0")) {
		errno = 0;
		return false;
	}
	if (write_text(DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N")) {
		write_text(DEBUGFS "/fail_page_alloc/ignore-gfp-highmem", "N");
		write_text(DEBUGFS "/fail_page_alloc/min-order", "0");
		write_text(DEBUGFS "/fail_page_alloc/verbose", "0");
	}
	return true;
}

/* The @nth allocation from here on fails, of this thread's. */
static void faults_set(int fd, int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	TEST_ASSERT(pwrite(fd, text, len, 0) == len, "Cannot write to fail-nth");
}

/* Ends that; returns whether one failed. */
static bool faults_clear(int fd)
{
	char text[16] = "";

	TEST_ASSERT(pread(fd, text, sizeof(text) - 1, 0) > 0, "Cannot read fail-nth");
	faults_set(fd, 0);
	return !atoi(text);
}

/* --- What is tried ------------------------------------------------------------ */

struct trial {
	struct devuser_vm *dv;
	int slave;		/* in this process; the emulator has none then */
	int other;		/* another descriptor that a trial needs */
	void *map;
};

static const struct kvm_dev_user_shadow_area areas[DEVUSER_AREAS_MAX] = {
	[0 ... DEVUSER_AREAS_MAX - 1] = { .rid = DEVUSER_RID_MMIO, .access = 4, .len = 8 },
};

static void take_slave(struct trial *t)
{
	devuser_emul_kill(t->dv->emul);
	t->slave = devuser_slave_fd(t->dv->master, 0);
}

static void take_image(struct trial *t)
{
	take_slave(t);
	DEVUSER_EXPECT(devuser_shadow_size(t->slave, SZ_64K), 0);
}

static void lose_slave(struct trial *t)
{
	devuser_emul_kill(t->dv->emul);
}

static long try_create(struct trial *t)
{
	struct kvm_create_device arg = { .type = KVM_DEV_TYPE_USER };
	long ret = devuser_ret(__vm_ioctl(t->dv->vm, KVM_CREATE_DEVICE, &arg));

	if (!ret)
		t->other = arg.fd;
	return ret;
}

/* The VM's first device, which makes what all of them share. */
static void forget_vm(struct trial *t)
{
	devuser_vm_free(t->dv);
	t->dv = calloc(1, sizeof(*t->dv));
	t->dv->emul = devuser_emul_start();
	t->dv->vm = vm_create_with_vcpus(2, NULL, t->dv->vcpus);
	t->dv->master = -1;
}

static long try_slave_fd(struct trial *t)
{
	struct kvm_dev_user_slave arg = { .size = sizeof(arg) };
	long ret = devuser_ioctl(t->dv->master, KVM_DEV_USER_SLAVE_FD, &arg);

	if (ret < 0)
		return ret;
	t->slave = ret;
	return 0;
}

static long try_range_set(struct trial *t)
{
	return __devuser_set_range(t->dv->master, NEW_RID, 0, NEW_GPA, SZ_4K);
}

/* Several places on the bus. */
static long try_range_long(struct trial *t)
{
	return __devuser_set_range(t->dv->master, NEW_RID, 0, 2 * DEVUSER_GPA, 3ull * SZ_1G);
}

static long try_range_move(struct trial *t)
{
	return __devuser_set_range(t->dv->master, DEVUSER_RID_MMIO, 0, NEW_GPA, SZ_4K);
}

static long try_range_remove(struct trial *t)
{
	return __devuser_remove_range(t->dv->master, DEVUSER_RID_PIO);
}

static void make_eventfd(struct trial *t)
{
	t->other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static long try_eventfd(struct trial *t)
{
	struct kvm_dev_user_eventfd arg = { .size = sizeof(arg), .fd = t->other };

	return devuser_ioctl(t->dv->master, KVM_DEV_USER_EVENTFD, &arg);
}

static long try_timeout(struct trial *t)
{
	struct kvm_dev_user_timeout arg = {
		.size = sizeof(arg), .timeout_ns = 1000000000, .busy_ns = 1000000000,
	};

	return devuser_ioctl(t->dv->master, KVM_DEV_USER_TIMEOUT, &arg);
}

static long try_status(struct trial *t)
{
	struct kvm_dev_user_status arg = { .size = sizeof(arg) };

	return devuser_ioctl(t->dv->master, KVM_DEV_USER_STATUS, &arg);
}

static long try_quiet(struct trial *t)
{
	return __devuser_quiet(t->dv->master, 0, 0);
}

static long try_abandon(struct trial *t)
{
	struct kvm_dev_user_abandon arg = { .size = sizeof(arg) };

	return devuser_ioctl(t->dv->master, KVM_DEV_USER_ABANDON, &arg);
}

static long try_spin(struct trial *t)
{
	return __devuser_set_spin(t->dv->master, 1000, 1000);
}

static long try_info(struct trial *t)
{
	struct kvm_dev_user_info arg = { .size = sizeof(arg) };

	return devuser_ioctl(t->dv->master, KVM_DEV_USER_INFO, &arg);
}

static long try_revoke(struct trial *t)
{
	return __devuser_revoke(t->dv->master);
}

static long read_fdinfo(int fd, char *text)
{
	char path[64];
	long len;
	int file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return devuser_ret(file);
	len = devuser_ret(read(file, text, TEXT_MAX - 1));
	close(file);
	if (len >= 0)
		text[len] = '\0';
	return len;
}

static long try_fdinfo(struct trial *t)
{
	char text[TEXT_MAX];
	long ret = read_fdinfo(t->dv->master, text);

	return ret < 0 ? ret : 0;
}

static long try_master_close(struct trial *t)
{
	int copy = fcntl(t->dv->master, F_DUPFD_CLOEXEC, 0);

	/* So that what closes it later closes something else. */
	dup2(t->slave, t->dv->master);
	return devuser_ret(close(copy));
}

static long try_shadow_size(struct trial *t)
{
	return devuser_shadow_size(t->slave, SZ_64K);
}

/* As large a map as there can be; kvmalloc() may have it from elsewhere. */
static long try_shadow_ctrl(struct trial *t)
{
	struct kvm_dev_user_shadow_area map[DEVUSER_AREAS_MAX];
	int i;

	memcpy(map, areas, sizeof(map));
	for (i = 0; i < ARRAY_SIZE(map); i++) {
		map[i].offset = 8 * i;
		map[i].image = 8 * i;
	}
	return devuser_shadow_ctrl(t->slave, map, ARRAY_SIZE(map));
}

static void take_eventfd(struct trial *t)
{
	take_slave(t);
	make_eventfd(t);
}

/* As many as there can be, too. */
static long try_doorbells(struct trial *t)
{
	struct kvm_dev_user_doorbell bells[DEVUSER_DOORBELLS_MAX];
	int i;

	for (i = 0; i < ARRAY_SIZE(bells); i++)
		bells[i] = (struct kvm_dev_user_doorbell) {
			.offset = 4 * i, .len = 4, .fd = t->other,
		};
	return devuser_set_doorbells(t->slave, bells, ARRAY_SIZE(bells));
}

static long try_busy(struct trial *t)
{
	return devuser_busy(t->slave);
}

static long try_mmap(struct trial *t)
{
	t->map = mmap(NULL, SZ_64K, PROT_READ | PROT_WRITE, MAP_SHARED, t->slave, 0);
	return t->map == MAP_FAILED ? devuser_ret(-1) : 0;
}

static long try_read(struct trial *t)
{
	struct kvm_dev_user_request req;
	long ret;

	fcntl(t->slave, F_SETFL, O_NONBLOCK);
	ret = devuser_read(t->slave, &req, 1);
	return ret == -EAGAIN ? 0 : ret;
}

static long try_write(struct trial *t)
{
	struct kvm_dev_user_request req = { .seq = 1 };
	long ret = devuser_write(t->slave, &req, 1);

	return ret == -ENOENT ? 0 : ret;
}

static void make_epoll(struct trial *t)
{
	take_slave(t);
	t->other = epoll_create1(EPOLL_CLOEXEC);
}

static long try_epoll(struct trial *t)
{
	struct epoll_event event = { .events = EPOLLIN };

	return devuser_ret(epoll_ctl(t->other, EPOLL_CTL_ADD, t->slave, &event));
}

static long try_slave_close(struct trial *t)
{
	int slave = t->slave;

	t->slave = -1;
	return devuser_ret(close(slave));
}

static void make_run(struct trial *t)
{
	devuser_run_sync(t->dv->vcpus[0]);
	devuser_emul_serve(t->dv->emul, devuser_serve);
}

/* The vCPU's first accesses, a store and a load, once each however often it is run. */
static long try_run(struct trial *t)
{
	return devuser_run_once(t->dv->vcpus[0]);
}

static void check_run(struct trial *t)
{
	struct ucall uc;
	u32 next = 0;

	TEST_ASSERT_EQ(get_ucall(t->dv->vcpus[0], &uc), UCALL_DONE);
	devuser_check_log(t->dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO, 0, 4, 1);
	devuser_check_log(t->dv->emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, 4, 4, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(t->dv->emul), 2);
}

static void guest_code(u64 index)
{
	GUEST_SYNC(0);
	guest_write32(DEVUSER_GPA, 1);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4), devuser_pattern(DEVUSER_RID_MMIO, 4, 4));
	GUEST_DONE();
}

/* --- The sweep ------------------------------------------------------------------- */

FIXTURE(fail)
{
};

/* A system call, and what is known of it. */
struct attempt {
	void (*prepare)(struct trial *t);
	long (*call)(struct trial *t);
	void (*check)(struct trial *t);
	bool allocates;		/* else it has to do without any memory */
	bool once;		/* never fails, whatever it allocates on the way */
	bool unseen;		/* fdinfo of the master cannot tell */
};

FIXTURE_VARIANT(fail) {
	struct attempt attempt;
};

FIXTURE_VARIANT_ADD(fail, create) {
	.attempt = { .call = try_create, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, create_first) {
	.attempt = { .prepare = forget_vm, .call = try_create, .allocates = true, .unseen = true },
};

FIXTURE_VARIANT_ADD(fail, slave_fd) {
	.attempt = { .prepare = lose_slave, .call = try_slave_fd, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, range_set) {
	.attempt = { .call = try_range_set, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, range_long) {
	.attempt = { .call = try_range_long, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, range_move) {
	.attempt = { .call = try_range_move, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, range_remove) {
	.attempt = { .call = try_range_remove, .once = true },
};

FIXTURE_VARIANT_ADD(fail, eventfd) {
	.attempt = { .prepare = make_eventfd, .call = try_eventfd },
};

FIXTURE_VARIANT_ADD(fail, timeout) {
	.attempt = { .call = try_timeout },
};

FIXTURE_VARIANT_ADD(fail, status) {
	.attempt = { .call = try_status },
};

FIXTURE_VARIANT_ADD(fail, quiet) {
	.attempt = { .call = try_quiet },
};

FIXTURE_VARIANT_ADD(fail, abandon) {
	.attempt = { .call = try_abandon },
};

FIXTURE_VARIANT_ADD(fail, spin) {
	.attempt = { .call = try_spin },
};

FIXTURE_VARIANT_ADD(fail, info) {
	.attempt = { .call = try_info },
};

FIXTURE_VARIANT_ADD(fail, revoke) {
	.attempt = { .call = try_revoke, .once = true },
};

FIXTURE_VARIANT_ADD(fail, fdinfo) {
	.attempt = { .call = try_fdinfo, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, master_close) {
	.attempt = { .prepare = take_slave, .call = try_master_close, .once = true,
		     .unseen = true },
};

FIXTURE_VARIANT_ADD(fail, shadow_size) {
	.attempt = { .prepare = take_slave, .call = try_shadow_size, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, shadow_ctrl) {
	.attempt = { .prepare = take_image, .call = try_shadow_ctrl, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, doorbells) {
	.attempt = { .prepare = take_eventfd, .call = try_doorbells, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, busy) {
	.attempt = { .prepare = take_slave, .call = try_busy },
};

FIXTURE_VARIANT_ADD(fail, mmap) {
	.attempt = { .prepare = take_image, .call = try_mmap, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, read) {
	.attempt = { .prepare = take_slave, .call = try_read },
};

FIXTURE_VARIANT_ADD(fail, write) {
	.attempt = { .prepare = take_slave, .call = try_write },
};

FIXTURE_VARIANT_ADD(fail, epoll) {
	.attempt = { .prepare = make_epoll, .call = try_epoll, .allocates = true },
};

FIXTURE_VARIANT_ADD(fail, slave_close) {
	.attempt = { .prepare = take_image, .call = try_slave_close, .once = true },
};

FIXTURE_VARIANT_ADD(fail, run) {
	.attempt = { .prepare = make_run, .call = try_run, .check = check_run,
		     .allocates = true, .unseen = true },
};

FIXTURE_SETUP(fail)
{
}

FIXTURE_TEARDOWN(fail)
{
}

static void trial_begin(struct trial *t, void (*prepare)(struct trial *t))
{
	*t = (struct trial) {
		.dv = devuser_vm_create(1, guest_code),
		.slave = -1,
		.other = -1,
		.map = MAP_FAILED,
	};
	if (prepare)
		prepare(t);
}

static void trial_end(struct trial *t)
{
	if (t->map != MAP_FAILED)
		munmap(t->map, SZ_64K);
	if (t->other >= 0)
		close(t->other);
	if (t->slave >= 0)
		close(t->slave);
	devuser_vm_free(t->dv);
}

static void look(struct trial *t, bool unseen, char *text)
{
	text[0] = '\0';
	if (!unseen)
		TEST_ASSERT(read_fdinfo(t->dv->master, text) > 0, "Cannot read fdinfo");
}

/* Nobody else allocates between the two ends of this. */
static long call_with_fault(struct trial *t, long (*call)(struct trial *t), int nth, bool *hit)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	long ret;

	TEST_ASSERT(fd >= 0, "Cannot open fail-nth");
	/* A fork() leaves pages that are copied when they are next written to. */
	TEST_ASSERT(!mlockall(MCL_CURRENT), "mlockall() failed");
	faults_set(fd, nth);
	ret = call(t);
	*hit = faults_clear(fd);
	close(fd);
	return ret;
}

/* Each try has a VM of its own. Returns whether there was an @nth allocation. */
static bool try_nth(const struct attempt *attempt, int nth)
{
	char before[TEXT_MAX], after[TEXT_MAX];
	struct trial t;
	bool hit;
	long ret;

	trial_begin(&t, attempt->prepare);
	look(&t, attempt->unseen, before);
	ret = call_with_fault(&t, attempt->call, nth, &hit);
	TEST_ASSERT(!ret || (hit && ret == -ENOMEM && !attempt->once),
		    "With allocation %d failing: %ld (%s)", nth, ret, strerror(-ret));
	if (ret) {
		look(&t, attempt->unseen, after);
		TEST_ASSERT(!strcmp(before, after),
			    "With allocation %d failing, the call changed\n%sto\n%s", nth,
			    before, after);
		DEVUSER_EXPECT(attempt->call(&t), 0);
	}
	if (attempt->check)
		attempt->check(&t);
	trial_end(&t);
	return hit;
}

TEST_F_TIMEOUT(fail, each, TRIAL_S)
{
	int nth = 1;

	while (try_nth(&variant->attempt, nth))
		TEST_ASSERT(nth++ < TRIES_MAX, "There is no end of allocations");
	ksft_print_msg("%d allocations\n", nth - 1);
	TEST_ASSERT(variant->attempt.once || (nth > 1) == variant->attempt.allocates,
		    "%d allocations, wanted %s", nth - 1,
		    variant->attempt.allocates ? "some" : "none");
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	__TEST_REQUIRE(faults_prepare(),
		       "The kernel makes no allocation fail on request (CONFIG_FAILSLAB)");
	return test_harness_run(argc, argv);
}
