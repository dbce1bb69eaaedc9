// SPDX-License-Identifier: GPL-2.0-only
/*
 * R19 of the user device, and R9's accounting: what one slave does costs the other
 * CPUs of the machine nothing that grows with it, and its memory is paid for by its
 * own control group. Counters of the kernel show it, no clock.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO

/* --- Interrupts of other CPUs -------------------------------------------------------- */

#define NR_CALLS	20
#define NR_LOOPS	5

/*
 * Those that other CPUs sent to @cpu to have a function called there, to flush its
 * TLB among them; or -1.
 */
static long function_calls(int cpu)
{
	FILE *file = fopen("/proc/interrupts", "re");
	long sum = -1, nr;
	char line[4096];
	int skipped, i;
	char *at;

	TEST_ASSERT(file, "Cannot open /proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		at = strchr(line, ':');
		if (!at || (!strstr(at, "Function call interrupts") &&
			    !strstr(at, "TLB shootdowns")))
			continue;
		at++;
		for (i = 0; i <= cpu; i++, at += skipped)
			TEST_ASSERT(sscanf(at, "%ld%n", &nr, &skipped) == 1,
				    "Unexpected line in /proc/interrupts: %s", line);
		sum = max(sum, 0l) + nr;
	}
	fclose(file);
	return sum;
}

static const struct kvm_dev_user_shadow_area area = { .rid = RID, .access = 4, .len = 8 };

/* Each call makes another map's memory free again. */
static void loop_over_maps(int slave)
{
	int i;

	for (i = 0; i < NR_CALLS; i++)
		DEVUSER_EXPECT(devuser_shadow_ctrl(slave, &area, 1), 0);
}

static void loop_over_doorbells(int slave)
{
	struct kvm_dev_user_doorbell bell = { .rid = RID, .len = 4 };
	int i;

	bell.fd = eventfd(0, EFD_CLOEXEC);
	for (i = 0; i < NR_CALLS; i++)
		DEVUSER_EXPECT(devuser_set_doorbells(slave, &bell, 1), 0);
	close(bell.fd);
}

/* What @loop costs the other CPU; this process is on CPU 0 alone. */
static long count_calls(int slave, void (*loop)(int slave))
{
	long before = function_calls(1);

	loop(slave);
	return function_calls(1) - before;
}

/* The least of some, as others interrupt that CPU as well, now and then. */
static long least_calls(int slave, void (*loop)(int slave))
{
	long least = LONG_MAX;
	int i;

	for (i = 0; i < NR_LOOPS; i++)
		least = min(least, count_calls(slave, loop));
	return least;
}

/* R19: a slave that replaces its tables for ever interrupts no other CPU for that. */
TEST(no_interrupts)
{
	struct devuser_vm *dv;
	long maps, bells;
	struct devuser_hog hog;
	int slave;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || function_calls(1) < 0)
		SKIP(return, "It takes two CPUs, and their counters");

	devuser_pin(pthread_self(), 0);
	dv = devuser_vm_create(1, NULL);
	devuser_emul_kill(dv->emul);
	slave = devuser_slave_fd(dv->master, 0);
	DEVUSER_EXPECT(devuser_shadow_size(slave, SZ_4K), 0);
	/* A CPU that sleeps is spared most interrupts. */
	devuser_hog_start(&hog, 1);

	maps = least_calls(slave, loop_over_maps);
	bells = least_calls(slave, loop_over_doorbells);
	devuser_hog_end(&hog);
	ksft_print_msg("%d calls cost %ld and %ld interrupts of another CPU\n", NR_CALLS,
		       maps, bells);
	TEST_ASSERT(maps < NR_CALLS / 4 && bells < NR_CALLS / 4,
		    "Another CPU is interrupted");
	close(slave);
	devuser_vm_free(dv);
}

/* --- Waits on a slave ---------------------------------------------------------------- */

#define MANY_WATCHES	50000
#define FEW_WATCHES	32
#define WAITS_MAX	64	/* that one request wakes up, with interrupts off */
#define DUPS		1000

struct watches {
	int slave;
	int dups[DUPS];
	int epolls[MANY_WATCHES / DUPS];
	int nr_epolls;
};

/* An epoll instance watches a file once for each of its descriptors. */
static void watch(struct watches *w, int nr)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int i;

	for (i = 0; i < min(nr, DUPS); i++) {
		w->dups[i] = dup(w->slave);
		TEST_ASSERT(w->dups[i] >= 0, "dup() failed: %s", strerror(errno));
	}
	for (i = 0; i < nr; i++) {
		if (i % DUPS == 0)
			w->epolls[w->nr_epolls++] = epoll_create1(EPOLL_CLOEXEC);
		DEVUSER_EXPECT(devuser_ret(epoll_ctl(w->epolls[i / DUPS], EPOLL_CTL_ADD,
						     w->dups[i % DUPS], &event)), 0);
	}
}

/* Watches that have been woken since the last look: each is told of once. */
static int nr_woken(struct watches *w, u32 *events)
{
	static struct epoll_event woken[DUPS];
	int i, j, nr, sum = 0;

	*events = 0;
	for (i = 0; i < w->nr_epolls; i++) {
		while ((nr = epoll_wait(w->epolls[i], woken, ARRAY_SIZE(woken), 0)) > 0) {
			for (j = 0; j < nr; j++)
				*events |= woken[j].events;
			sum += nr;
		}
	}
	return sum;
}

static void allow_descriptors(void)
{
	const struct rlimit many = { 2 * DUPS, 2 * DUPS };

	TEST_ASSERT(!setrlimit(RLIMIT_NOFILE, &many), "setrlimit() failed: %s", strerror(errno));
}

static void guest_stores(u64 index)
{
	u32 i;

	for (i = 0;; i++) {
		guest_write32(DEVUSER_GPA, i);
		GUEST_SYNC(0);
	}
}

static short events_now(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };

	TEST_ASSERT(poll(&poll_fd, 1, 0) >= 0, "poll() failed");
	return poll_fd.revents;
}

static struct devuser_vm *watched_vm(struct watches *w)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_stores);

	devuser_emul_kill(dv->emul);
	w->slave = devuser_slave_fd(dv->master, 0);
	return dv;
}

static void unwatch(struct watches *w)
{
	int i;

	for (i = 0; i < w->nr_epolls; i++)
		close(w->epolls[i]);
	for (i = 0; i < DUPS && w->dups[i]; i++)
		close(w->dups[i]);
}

/* As many as a program may want: a request wakes all of them. */
TEST(few_watches)
{
	static struct watches w;
	struct kvm_dev_user_request req;
	struct devuser_vm *dv = watched_vm(&w);
	u32 events;
	int i;

	watch(&w, FEW_WATCHES);
	TEST_ASSERT_EQ(nr_woken(&w, &events), 0);
	for (i = 0; i < 3; i++) {
		devuser_run_sync(dv->vcpus[0]);
		TEST_ASSERT_EQ(nr_woken(&w, &events), FEW_WATCHES);
		TEST_ASSERT_EQ(events, EPOLLIN);
		DEVUSER_EXPECT(devuser_read(w.slave, &req, 1), 1);
	}
	TEST_ASSERT_EQ(events_now(w.slave), POLLOUT);
	unwatch(&w);
	close(w.slave);
	devuser_vm_free(dv);
}

/*
 * R19: however many there are, the guest's store wakes a bounded number of them. Those
 * that are not woken are told at once.
 */
TEST(many_watches)
{
	static struct watches w;
	struct kvm_dev_user_request req;
	struct devuser_vm *dv = watched_vm(&w);
	u32 events;
	int i, nr;

	allow_descriptors();
	watch(&w, MANY_WATCHES);
	nr = nr_woken(&w, &events);
	TEST_ASSERT(nr >= MANY_WATCHES - WAITS_MAX, "%d of %d were told", nr, MANY_WATCHES);
	TEST_ASSERT(events & EPOLLERR, "They were told 0x%x", events);
	TEST_ASSERT_EQ(events_now(w.slave), POLLOUT | POLLERR);
	for (i = 0; i < 3; i++) {
		devuser_run_sync(dv->vcpus[0]);
		nr = nr_woken(&w, &events);
		TEST_ASSERT(nr <= WAITS_MAX, "A store woke %d watches", nr);
		DEVUSER_EXPECT(devuser_read(w.slave, &req, 1), 1);
	}
	unwatch(&w);
	close(w.slave);

	/* The next slave has nothing of it. */
	w.slave = devuser_slave_fd(dv->master, 0);
	TEST_ASSERT_EQ(events_now(w.slave), POLLOUT);
	close(w.slave);
	devuser_vm_free(dv);
}

/* --- Memory -------------------------------------------------------------------------- */

#define CGROUPS		"/tmp/devuser_neighbours.cgroups"
#define GROUP		CGROUPS "/devuser"
#define NR_DEVICES	64
#define IMAGE_BYTES	SZ_128K

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	errno = 0;
	return ok;
}

/* A group of its own, whose memory is counted. */
static bool group_make(void)
{
	mkdir(CGROUPS, 0700);
	devuser_ret(mount("cgroup2", CGROUPS, "cgroup2", 0, NULL));
	if (!put_text(CGROUPS "/cgroup.subtree_control", "+memory"))
		return false;
	mkdir(GROUP, 0700);
	errno = 0;
	return !access(GROUP "/memory.stat", R_OK);
}

static void group_remove(void)
{
	put_text(CGROUPS "/cgroup.procs", "0");
	rmdir(GROUP);
	umount(CGROUPS);
	rmdir(CGROUPS);
	errno = 0;
}

/* Bytes that the kernel has for the group. */
static long group_kernel(void)
{
	FILE *file = fopen(GROUP "/memory.stat", "re");
	char line[128];
	long bytes = -1;

	TEST_ASSERT(file, "Cannot open memory.stat");
	while (bytes < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "kernel %ld", &bytes);
	fclose(file);
	TEST_ASSERT(bytes >= 0, "memory.stat does not tell of the kernel");
	return bytes;
}

struct tenant {
	struct kvm_vm *vm;
	int masters[NR_DEVICES];
	int slaves[NR_DEVICES];
	int eventfd;
};

static void make_devices(struct tenant *t)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		t->masters[i] = devuser_create(t->vm);
}

static void make_slaves(struct tenant *t)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		t->slaves[i] = devuser_slave_fd(t->masters[i], 0);
}

static void make_images(struct tenant *t)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		DEVUSER_EXPECT(devuser_shadow_size(t->slaves[i], IMAGE_BYTES), 0);
}

static void make_maps(struct tenant *t)
{
	struct kvm_dev_user_shadow_area areas[DEVUSER_AREAS_MAX];
	int i;

	for (i = 0; i < DEVUSER_AREAS_MAX; i++)
		areas[i] = (struct kvm_dev_user_shadow_area) {
			.access = 4, .len = 8, .offset = 8 * i,
		};
	for (i = 0; i < NR_DEVICES; i++)
		DEVUSER_EXPECT(devuser_shadow_ctrl(t->slaves[i], areas, DEVUSER_AREAS_MAX), 0);
}

static void make_doorbells(struct tenant *t)
{
	struct kvm_dev_user_doorbell bells[DEVUSER_DOORBELLS_MAX];
	int i;

	for (i = 0; i < DEVUSER_DOORBELLS_MAX; i++)
		bells[i] = (struct kvm_dev_user_doorbell) {
			.len = 8, .offset = 8 * i, .fd = t->eventfd,
		};
	for (i = 0; i < NR_DEVICES; i++)
		DEVUSER_EXPECT(devuser_set_doorbells(t->slaves[i], bells, ARRAY_SIZE(bells)), 0);
}

/* Each step, and the least that all the devices take for it. */
static struct step {
	const char *name;
	void (*make)(struct tenant *t);
	long bytes;
} steps[] = {
	{ "devices", make_devices,
	  NR_DEVICES * DEVUSER_STORES_MAX * sizeof(struct kvm_dev_user_request) },
	{ "slaves", make_slaves, 0 },
	{ "images", make_images, NR_DEVICES * IMAGE_BYTES },
	{ "access maps", make_maps,
	  NR_DEVICES * DEVUSER_AREAS_MAX * sizeof(struct kvm_dev_user_shadow_area) },
	{ "doorbells", make_doorbells,
	  NR_DEVICES * DEVUSER_DOORBELLS_MAX * sizeof(struct kvm_dev_user_doorbell) },
};

/* All of it goes, some of it by RCU. */
static void free_tenant(struct tenant *t)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++) {
		close(t->slaves[i]);
		close(t->masters[i]);
	}
}

/* The kernel adds its counters up every other second, or when they have changed a lot. */
static void expect_grown(const struct step *step, long before)
{
	int ms;

	for (ms = 0; ms < DEVUSER_WAIT_MS && group_kernel() < before + step->bytes; ms += 10)
		devuser_sleep_ms(10);
	ksft_print_msg("%s: %ld KiB, %ld at least\n", step->name,
		       (group_kernel() - before) / SZ_1K, step->bytes / SZ_1K);
	TEST_ASSERT(group_kernel() >= before + step->bytes, "The %s are not accounted",
		    step->name);
}

/* R9: all that a device and its slave make the kernel allocate is their group's. */
/* The counters are late by some seconds: wait until nothing comes any more. */
static long group_still(void)
{
	long was, is = group_kernel();
	int i = 0;

	do {
		was = is;
		devuser_sleep_ms(2500);
		is = group_kernel();
	} while (was != is && i++ < 5);
	return is;
}

TEST(memory_is_accounted)
{
	struct tenant t = { };
	long before, start;
	int i;

	if (!group_make()) {
		group_remove();
		SKIP(return, "There is no memory control group to be had");
	}
	TEST_ASSERT(put_text(GROUP "/cgroup.procs", "0"), "Cannot join the group");
	t.vm = vm_create_barebones();
	t.eventfd = eventfd(0, EFD_CLOEXEC);
	start = group_still();
	/* Besides its requests, a device has a pointer for each vCPU. */
	steps[0].bytes += NR_DEVICES * kvm_check_cap(KVM_CAP_MAX_VCPUS) * sizeof(void *);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		before = group_kernel();
		steps[i].make(&t);
		expect_grown(&steps[i], before);
	}
	free_tenant(&t);
	DEVUSER_WAIT(group_kernel() < start + SZ_512K);
	close(t.eventfd);
	kvm_vm_free(t.vm);
	group_remove();
}

/* --- Each allocation ----------------------------------------------------------------- */

#define TRACEFS		"/sys/kernel/tracing"
#define INSTANCE	TRACEFS "/instances/devuser_neighbours"
#define EVENTS		INSTANCE "/events/kmem"

/* Traces what this thread, and the children that it will have, allocate. */
static bool trace_start(void)
{
	char filter[64];

	devuser_ret(mount("tracefs", TRACEFS, "tracefs", 0, NULL));
	mkdir(INSTANCE, 0700);
	snprintf(filter, sizeof(filter), "common_pid==%ld", syscall(__NR_gettid));
	return put_text(EVENTS "/kmalloc/filter", filter) &&
	       put_text(EVENTS "/kmem_cache_alloc/filter", filter) &&
	       put_text(EVENTS "/kmalloc/enable", "1") &&
	       put_text(EVENTS "/kmem_cache_alloc/enable", "1");
}

static void trace_stop(void)
{
	put_text(EVENTS "/kmalloc/enable", "0");
	put_text(EVENTS "/kmem_cache_alloc/enable", "0");
}

/* Allocations of the component's functions, all of which have to be accounted. */
static int check_trace(void)
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	char line[1024], *at;
	int nr = 0;

	TEST_ASSERT(file, "Cannot open the trace");
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, "call_site=");
		if (!at || strncmp(at + strlen("call_site="), "devuser_", strlen("devuser_")))
			continue;
		nr++;
		TEST_ASSERT(strstr(at, "accounted=true"), "Not accounted: %s", at);
	}
	fclose(file);
	return nr;
}

static void guest_access(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);
	guest_read32(DEVUSER_GPA + 4);
	GUEST_DONE();
}

/*
 * R9: also those that are too small to be seen in a group's numbers: ranges and their
 * index, slaves, and what a vCPU has for its first access.
 */
TEST(each_allocation)
{
	struct devuser_vm *dv;
	int nr, master;

	if (!trace_start()) {
		rmdir(INSTANCE);
		SKIP(return, "This kernel does not trace allocations");
	}
	dv = devuser_vm_create(2, guest_access);
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[1]);
	devuser_vcpu_run_done(dv->vcpus[0]);
	master = devuser_create(dv->vm);
	devuser_set_range(master, 0, 0, DEVUSER_GPA + DEVUSER_MMIO_LEN, SZ_4K);
	devuser_set_range(master, 0, 0, DEVUSER_GPA + 2 * DEVUSER_MMIO_LEN, SZ_4K);
	close(devuser_slave_fd(master, 0));
	close(master);
	trace_stop();
	nr = check_trace();
	ksft_print_msg("%d allocations\n", nr);
	/* A slave, two ranges, an index, a score and an access, for each at least one. */
	TEST_ASSERT(nr >= 10, "Only %d allocations were seen", nr);
	devuser_vm_free(dv);
	rmdir(INSTANCE);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
