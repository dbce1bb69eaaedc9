// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark of single accesses of a guest.
 *
 * One run measures one kind of access, served in one way.  The guest makes no
 * access, then a number of them: the difference is what they cost, without all
 * that comes once.  This is done twice, first without and then with counters of
 * events, which cost instructions themselves.
 *
 * devuser_bench_serve.c has the ways, devuser_bench_count.c what is counted.
 *
 * Prints one line, "row" and the fields of print_row() separated by tabs; the
 * counts are those of all accesses.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "devuser_bench_count.h"
#include "devuser_bench_serve.h"

static const char * const access_names[] = {
	[MMIO_LOAD] = "mmio-load",
	[MMIO_STORE] = "mmio-store",
	[PORT_LOAD] = "port-load",
	[PORT_STORE] = "port-store",
	[PORT_STRING] = "port-string",
};

/* --- The guest ----------------------------------------------------------------- */

static struct {
	enum bench_access access;
	u64 addr;
	u64 mask;		/* pages - 1 */
	u64 count;
	bool timed;
} guest;

static u8 string[BENCH_STRING];

/* How long each access of the last window took, in ticks of the TSC. */
static u64 ticks[BENCH_TIMED_MAX];

#define GUEST_LOOP(n, access)							\
do {										\
	u64 __i, __n = (n);							\
										\
	for (__i = 0; __i < __n; __i++) {					\
		u64 addr = guest.addr + (__i & guest.mask) * SZ_4K;		\
										\
		access;								\
	}									\
} while (0)

static void guest_timed_loads(void)
{
	u64 i, begin;

	for (i = 0; i < guest.count; i++) {
		begin = rdtsc();
		if (guest.access == MMIO_LOAD)
			guest_read32(guest.addr);
		else
			guest_in8(guest.addr);
		ticks[i] = rdtsc() - begin;
	}
}

static void guest_main(void)
{
	for (;;) {
		GUEST_SYNC(0);
		if (guest.timed) {
			guest_timed_loads();
			continue;
		}
		switch (guest.access) {
		case MMIO_LOAD:
			GUEST_LOOP(guest.count, guest_read32(addr));
			break;
		case MMIO_STORE:
			GUEST_LOOP(guest.count, guest_write32(addr, 0));
			break;
		case PORT_LOAD:
			GUEST_LOOP(guest.count, guest_in8(addr));
			break;
		case PORT_STORE:
			GUEST_LOOP(guest.count, guest_out8(addr, 0));
			break;
		case PORT_STRING:
			GUEST_LOOP(guest.count, guest_in_string(addr, string, BENCH_STRING));
			break;
		}
	}
}

/* --- Windows --------------------------------------------------------------------- */

static struct bench bench = {
	.nr_vcpus = 1,
	.nr_devices = 1,
	.nr_pages = 1,
	.batch = 64,
	.count = 1000,
	.addr = DEVUSER_GPA,
};

static pthread_barrier_t barrier;
static bool ending;

/* Of the window that is under way. */
static u64 wanted;

/* What the server does after the accesses is part of them. */
static void finish_accesses(void)
{
	u64 *time = *DEVUSER_GUEST_VAR(bench.vm, ticks);
	u64 i, begin;

	if (!bench.server->after)
		return;
	for (i = 0; i < wanted; i++) {
		begin = bench.timed ? rdtsc() : 0;
		bench.server->after(&bench);
		if (bench.timed)
			time[i] += rdtsc() - begin;
	}
}

static bool is_sync(struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == 0x1000;
}

/* Runs the vCPU until it has made its accesses. */
static void run_vcpu(struct kvm_vcpu *vcpu)
{
	for (;;) {
		TEST_ASSERT(!__vcpu_run(vcpu), "KVM_RUN failed");
		if (is_sync(vcpu->run))
			return;
		TEST_ASSERT(bench.server->exit, "Unexpected exit, reason %u",
			    vcpu->run->exit_reason);
		bench.server->exit(&bench, vcpu);
	}
}

static void *vcpu_thread(void *arg)
{
	u32 index = (unsigned long)arg;

	/* The last CPU is the emulator's, if there are two. */
	devuser_pin(pthread_self(), bench.nr_cpus > 1 ? index % (bench.nr_cpus - 1) : 0);
	for (;;) {
		pthread_barrier_wait(&barrier);
		if (ending)
			return NULL;
		run_vcpu(bench.vcpus[index]);
		finish_accesses();
		pthread_barrier_wait(&barrier);
	}
}

/* Accesses made so far by all vCPUs. */
static u64 made;

/* All vCPUs make their accesses, and these are served. */
static void window(u64 count)
{
	wanted = count;
	DEVUSER_GUEST_VAR(bench.vm, guest)->count = count;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	made += count * bench.nr_vcpus;

	if (bench.server->served)
		DEVUSER_WAIT(bench.server->served(&bench) >= made * bench_elements(&bench));
}

/*
 * The ticks of timers come at the same moments of each run then, and so does the
 * scheduler's decision which of two tasks that share a CPU goes on.
 */
static void wait_for_full_second(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec++;
	ts.tv_nsec = 0;
	TEST_ASSERT(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL),
		    "clock_nanosleep() failed");
}

/*
 * What the accesses of a window cost: that of an empty one is subtracted, which
 * may have seen an event more.
 */
static struct bench_counts measure(bool marks)
{
	struct bench_counts at[3];
	int i;

	wait_for_full_second();
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		if (i)
			window(i == 1 ? 0 : bench.count);
		bench_count_read(&at[i]);
		if (marks)
			BENCH_MARK(BENCH_MARK_TOTAL);
	}

	at[0].ns = at[2].ns - at[1].ns - (at[1].ns - at[0].ns);
	for (i = 0; i < BENCH_EVENTS; i++)
		at[0].events[i] = at[2].events[i] - at[1].events[i] -
				  (at[1].events[i] - at[0].events[i]);
	return at[0];
}

static int compare_ticks(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Of the accesses of the last window, the time that so many of a hundred do not exceed. */
struct percentiles {
	u64 ns_50, ns_99;
};

/* Sorts the guest's times; zeros if there are none. */
static struct percentiles read_times(void)
{
	u64 *time = *DEVUSER_GUEST_VAR(bench.vm, ticks);
	u64 khz = __vcpu_ioctl(bench.vcpus[0], KVM_GET_TSC_KHZ, NULL);

	if (!bench.timed)
		return (struct percentiles) { };

	qsort(time, bench.count, sizeof(*time), compare_ticks);
	return (struct percentiles) {
		.ns_50 = time[(bench.count - 1) * 50 / 100] * 1000000 / khz,
		.ns_99 = time[(bench.count - 1) * 99 / 100] * 1000000 / khz,
	};
}

/* Threads are made anew each time, for events to be counted in them. */
static struct bench_counts pass(bool marks)
{
	pthread_t threads[BENCH_VCPUS_MAX];
	struct bench_counts counts;
	unsigned long i;

	ending = false;
	for (i = 0; i < bench.nr_vcpus; i++)
		TEST_ASSERT(!pthread_create(&threads[i], NULL, vcpu_thread, (void *)i),
			    "pthread_create() failed");
	/* From where a vCPU was made to its first access, then a warm-up. */
	window(0);
	window(bench.count / 2);
	counts = measure(marks);

	ending = true;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < bench.nr_vcpus; i++)
		pthread_join(threads[i], NULL);
	return counts;
}

/* --- The machine ------------------------------------------------------------------- */

static void make_vm(void)
{
	if (bench_is_port(&bench))
		bench.addr = DEVUSER_PORT;
	if (bench.server->emulate)
		bench.emul = devuser_emul_start();
	bench.vm = vm_create_with_vcpus(bench.nr_vcpus, guest_main, bench.vcpus);
	virt_map(bench.vm, DEVUSER_GPA, DEVUSER_GPA, BENCH_PAGES_MAX);
	bench_server_start(&bench);
	bench_add_idle(&bench);
	bench_add_others(&bench);

	guest.access = bench.access;
	guest.addr = bench.addr;
	guest.mask = bench.nr_pages - 1;
	guest.timed = bench.timed;
	sync_global_to_guest(bench.vm, guest);
	pthread_barrier_init(&barrier, NULL, bench.nr_vcpus + 1);
	devuser_pin(pthread_self(), 0);
}

/* What is measured is what was meant: nothing has been lost or gone elsewhere. */
static void check(const struct bench_counts *events)
{
	u64 elements = made * bench_elements(&bench);
	u64 served = bench.server->served ? bench.server->served(&bench) : elements;

	TEST_ASSERT(served == elements, "%lu accesses were served, %lu were made",
		    served, elements);
	TEST_ASSERT(bench.server->exit || !events->events[BENCH_EXITS],
		    "%ld exits that should not be", events->events[BENCH_EXITS]);
}

static void print_row(const struct bench_counts *bare, const struct percentiles *times,
		      const struct bench_counts *counted)
{
	int i;

	printf("row\t%s\t%s\t%u\t%u\t%u\t%u\t%u\t%lu", access_names[bench.access],
	       bench.server->name, bench.nr_cpus, bench.nr_vcpus, bench.nr_devices,
	       bench.batch, bench.count * bench.nr_vcpus, bare->ns);
	for (i = 0; i < BENCH_EVENTS; i++)
		printf("\t%ld", counted->events[i]);
	printf("\t%lu\t%lu\n", times->ns_50, times->ns_99);
}

/* --- Options --------------------------------------------------------------------------- */

static void __noreturn usage(const char *wrong)
{
	fprintf(stderr, "%s\n"
		"options: [-v vcpus] [-d devices] [-p pages] [-b batch] [-n count]\n"
		"         [-i idle devices] [-o other VMs] [-t (time each load)] access server\n",
		wrong);
	exit(2);
}

static u32 number(const char *arg, u32 max)
{
	char *end;
	unsigned long val = strtoul(arg, &end, 10);

	if (!*arg || *end || !val || val > max)
		usage("An argument is out of range");
	return val;
}

static void parse(int argc, char *argv[])
{
	int opt, i;

	while ((opt = getopt(argc, argv, "v:d:p:b:n:i:o:t")) != -1) {
		switch (opt) {
		case 'v':
			bench.nr_vcpus = number(optarg, BENCH_VCPUS_MAX);
			break;
		case 'd':
			bench.nr_devices = number(optarg, BENCH_DEVICES_MAX);
			break;
		case 'p':
			bench.nr_pages = number(optarg, BENCH_PAGES_MAX);
			break;
		case 'b':
			bench.batch = number(optarg, DEVUSER_BATCH_MAX);
			break;
		case 'n':
			bench.count = number(optarg, 1000000);
			break;
		case 'i':
			bench.nr_idle = number(optarg, BENCH_DEVICES_MAX);
			break;
		case 'o':
			bench.nr_others = number(optarg, BENCH_OTHERS_MAX);
			break;
		case 't':
			bench.timed = true;
			break;
		default:
			usage("unknown option");
		}
	}
	if (argc - optind != 2)
		usage("give an access and a server");

	for (i = 0; i < ARRAY_SIZE(access_names); i++)
		if (!strcmp(access_names[i], argv[optind]))
			break;
	bench.access = i;
	bench.server = bench_server_find(argv[optind + 1]);
	if (i == ARRAY_SIZE(access_names) || !bench.server)
		usage("unknown access or server");
	if (!(bench.server->accesses & BIT(bench.access)))
		usage("the server does not serve that access");
	if (bench.nr_pages > 1 && (!bench.server->many || bench_is_port(&bench)))
		usage("the server serves one page");
	if (bench.timed && (!bench_is_load(&bench) || bench.access == PORT_STRING ||
			    bench.nr_vcpus > 1 || bench.nr_pages > 1 ||
			    bench.count > BENCH_TIMED_MAX))
		usage("timed are loads of one vCPU from one page, as many as there is room for");
	if (bench.nr_pages & (bench.nr_pages - 1) || bench.nr_pages % bench.nr_devices)
		usage("pages: a power of two, and a multiple of the devices");
}

int main(int argc, char *argv[])
{
	struct bench_counts bare, counted;
	struct percentiles times;

	parse(argc, argv);
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	bench.nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	make_vm();

	bare = pass(true);
	times = read_times();
	bench_count_events(bench.emul ? bench.emul->pid : 0);
	counted = pass(false);
	check(&counted);
	print_row(&bare, &times, &counted);

	if (bench.emul)
		devuser_emul_free(bench.emul);
	kvm_vm_free(bench.vm);
	return 0;
}
