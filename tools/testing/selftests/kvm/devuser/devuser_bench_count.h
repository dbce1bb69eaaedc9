/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark counts of an access, by itself and from outside.
 */
#ifndef SELFTEST_KVM_DEVUSER_BENCH_COUNT_H
#define SELFTEST_KVM_DEVUSER_BENCH_COUNT_H

#include "devuser_util.h"

enum bench_event {
	BENCH_EXITS,
	BENCH_SWITCHES,
	BENCH_WAKEUPS,
	BENCH_SYSCALLS,
	BENCH_EVENTS,
};

struct bench_counts {
	u64 ns;
	s64 events[BENCH_EVENTS];
};

/* Counts events of this process's threads to come, and of the emulator. */
void bench_count_events(pid_t emulator);
void bench_count_read(struct bench_counts *counts);

/*
 * Instructions are counted from outside, by a plugin of the QEMU that runs this
 * machine.  It takes note when it sees one of these instructions, which do
 * nothing.
 */
#define BENCH_MARK(what)							\
({										\
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0" : : "i" (what) : "memory"); \
})

#define BENCH_MARK_TOTAL	0x6b766d01	/* write the totals down */
#define BENCH_MARK_EMULATOR	0x6b766d02	/* this process is the emulator */

#endif /* SELFTEST_KVM_DEVUSER_BENCH_COUNT_H */
