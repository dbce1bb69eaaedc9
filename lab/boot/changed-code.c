// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU changes the constant that a function returns, and then tells which
 * one it is; another one looks what was told, executes CPUID, as processors ask
 * for before code that was changed, and calls the function.  What it returns may
 * be newer than what was told, and never older.
 *
 * Nothing else is in the function's page, so that at times none of it is
 * translated.  The constant is aligned, so that no half of it is ever there.
 */

#define _GNU_SOURCE
#include <cpuid.h>
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECONDS		3
#define PAGE_SIZE	4096
#define ROUND		100	/* changes between two looks at the clock */
#define LONGEST_PAUSE	2000	/* turns of an empty loop */
#define ENOUGH_CALLS	1000
#define CONSTANT	4	/* where it is in the function */

enum { EXCHANGED = 1, WITH_PAUSES = 2, WAYS = 4 };

/* nop; nop; nop; mov $0, %eax; ret */
static const unsigned char function[] = {
	0x90, 0x90, 0x90, 0xb8, 0, 0, 0, 0, 0xc3
};

struct page {
	uint32_t (*executed)(void);
	void *written;
	atomic_uint told;
	atomic_bool end;
	unsigned long calls, old;
};

static void stay_on(int number)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(number, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "CPU %d", number);
}

static void *call(void *opaque)
{
	struct page *page = opaque;

	stay_on(1);
	while (!page->end) {
		uint32_t told = page->told, eax, ebx, ecx, edx;

		__cpuid(0, eax, ebx, ecx, edx);
		if ((int32_t)(page->executed() - told) < 0)
			page->old++;
		page->calls++;
	}
	return NULL;
}

static void change(struct page *page, uint32_t value, int way)
{
	volatile atomic_uint *constant = page->written + CONSTANT;

	if (way & EXCHANGED)
		atomic_exchange(constant, value);
	else
		atomic_store_explicit(constant, value, memory_order_relaxed);
	atomic_store_explicit(&page->told, value, memory_order_release);
	if (way & WITH_PAUSES)
		for (volatile int left = rand() % LONGEST_PAUSE; left; left--)
			;
}

static void map(struct page *page)
{
	int fd = memfd_create("code", 0);

	if (fd < 0 || ftruncate(fd, PAGE_SIZE))
		err(1, "memfd");
	page->written = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page->executed = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (page->written == MAP_FAILED || page->executed == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	memcpy(page->written, function, sizeof(function));
}

/* Whether what was called was never old */
static int check(int way)
{
	struct page page = {};
	time_t end = time(NULL) + SECONDS;
	uint32_t value = 0;
	pthread_t caller;

	map(&page);
	if (pthread_create(&caller, NULL, call, &page))
		errx(1, "no thread");
	while (time(NULL) < end)
		for (int i = 0; i < ROUND; i++)
			change(&page, ++value, way);
	page.end = true;
	pthread_join(caller, NULL);
	printf("changed-code: %s%s: %u changes, %lu calls, %lu of old code\n",
	       way & EXCHANGED ? "exchanged" : "stored",
	       way & WITH_PAUSES ? ", with pauses" : "", value, page.calls, page.old);
	munmap(page.written, PAGE_SIZE);
	munmap(page.executed, PAGE_SIZE);
	return page.calls >= ENOUGH_CALLS && !page.old;
}

int main(void)
{
	int failed = 0;

	stay_on(0);
	for (int way = 0; way < WAYS; way++)
		failed += !check(way);
	if (failed)
		printf("FAILED: %d of %d ways: old code was executed, or too little\n", failed, WAYS);
	return !!failed;
}
