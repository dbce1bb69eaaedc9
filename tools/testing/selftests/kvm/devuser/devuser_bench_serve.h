/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who serves the accesses that the benchmark measures.
 */
#ifndef SELFTEST_KVM_DEVUSER_BENCH_SERVE_H
#define SELFTEST_KVM_DEVUSER_BENCH_SERVE_H

#include "devuser_util.h"

#define BENCH_VCPUS_MAX		16
#define BENCH_PAGES_MAX		64	/* of guest physical memory, that the guest accesses */
#define BENCH_DEVICES_MAX	64	/* which share the pages */
#define BENCH_OTHERS_MAX	1000
#define BENCH_TIMED_MAX		4000	/* accesses whose times are kept */

enum bench_access {
	MMIO_LOAD,
	MMIO_STORE,
	PORT_LOAD,
	PORT_STORE,
	PORT_STRING,			/* INS of BENCH_STRING elements */
};

#define BENCH_STRING		512

#define BENCH_LOADS	(BIT(MMIO_LOAD) | BIT(PORT_LOAD) | BIT(PORT_STRING))
#define BENCH_STORES	(BIT(MMIO_STORE) | BIT(PORT_STORE))
#define BENCH_MMIO	(BIT(MMIO_LOAD) | BIT(MMIO_STORE))

struct bench;

struct bench_server {
	const char *name;
	u32 accesses;			/* those it can serve, by bit */
	bool many;			/* it can serve several devices */

	/* Before the guest runs; may set bench->addr. */
	void (*setup)(struct bench *bench);

	/* After each exit to userspace; NULL if there must be none. */
	void (*exit)(struct bench *bench, struct kvm_vcpu *vcpu);

	/* As often as the guest made an access, after its last one; NULL for nothing. */
	void (*after)(struct bench *bench);

	/* In the emulator's process, without end; NULL if there is none. */
	devuser_call_t emulate;

	/* How many accesses have been served; NULL if nobody counts. */
	u64 (*served)(struct bench *bench);
};

struct bench {
	const struct bench_server *server;
	enum bench_access access;
	u32 nr_cpus;			/* the emulator runs on the last one */
	u32 nr_vcpus;
	u32 nr_devices;
	u32 nr_pages;			/* of all devices, accessed in turn */
	u32 nr_idle;			/* devices of the VM that nobody accesses */
	u32 nr_others;			/* VMs that have a device, and do nothing */
	u32 batch;			/* requests taken by one read() */
	u32 count;			/* accesses of each vCPU in a window */
	bool timed;			/* each access by itself */

	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[BENCH_VCPUS_MAX];
	u64 addr;			/* of the first device */
	int masters[BENCH_DEVICES_MAX];
	int fd, ping;			/* whatever the server needs */
	struct devuser_emul *emul;
	u64 served;			/* by vCPU threads themselves */
};

static inline bool bench_is_port(const struct bench *bench)
{
	return !(BIT(bench->access) & BENCH_MMIO);
}

static inline bool bench_is_load(const struct bench *bench)
{
	return BIT(bench->access) & BENCH_LOADS;
}

/* How many elements an access has, each of which is served. */
static inline u32 bench_elements(const struct bench *bench)
{
	return bench->access == PORT_STRING ? BENCH_STRING : 1;
}

const struct bench_server *bench_server_find(const char *name);
void bench_server_start(struct bench *bench);
void bench_add_idle(struct bench *bench);
void bench_add_others(struct bench *bench);

#endif /* SELFTEST_KVM_DEVUSER_BENCH_SERVE_H */
