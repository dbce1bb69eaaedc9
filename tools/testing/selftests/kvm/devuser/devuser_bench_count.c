// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark of single accesses: events, counted by the kernel's tracepoints.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include "devuser_bench_count.h"

/* sched_waking, as sched_wakeup may be told on the sleeper's CPU. */
static const char * const tracepoints[BENCH_EVENTS] = {
	[BENCH_EXITS] = "kvm/kvm_userspace_exit",
	[BENCH_SWITCHES] = "sched/sched_switch",
	[BENCH_WAKEUPS] = "sched/sched_waking",
	[BENCH_SYSCALLS] = "raw_syscalls/sys_enter",
};

/* Of this process and of the emulator; -1 before they are opened. */
static int event_fds[2][BENCH_EVENTS] = {
	{ -1, -1, -1, -1 }, { -1, -1, -1, -1 },
};

static u64 tracepoint_id(const char *name)
{
	char path[128];
	FILE *file;
	u64 id;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", name);
	file = fopen(path, "re");
	TEST_ASSERT(file && fscanf(file, "%lu", &id) == 1, "Cannot read %s", path);
	fclose(file);
	return id;
}

static int event_open(const char *name, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint_id(name),
		.inherit = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	TEST_ASSERT(fd >= 0, "perf_event_open() of %s failed", name);
	return fd;
}

void bench_count_events(pid_t emulator)
{
	int i;

	for (i = 0; i < BENCH_EVENTS; i++) {
		event_fds[0][i] = event_open(tracepoints[i], 0);
		if (emulator)
			event_fds[1][i] = event_open(tracepoints[i], emulator);
	}
}

static u64 event_read(int fd)
{
	u64 count = 0;

	if (fd >= 0)
		TEST_ASSERT(read(fd, &count, sizeof(count)) == sizeof(count),
			    "Cannot read a count of events");
	return count;
}

void bench_count_read(struct bench_counts *counts)
{
	struct timespec ts;
	int i;

	for (i = 0; i < BENCH_EVENTS; i++)
		counts->events[i] = event_read(event_fds[0][i]) + event_read(event_fds[1][i]);

	clock_gettime(CLOCK_MONOTONIC, &ts);
	counts->ns = ts.tv_sec * 1000000000ull + ts.tv_nsec;
}
