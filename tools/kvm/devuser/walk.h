/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_WALK_H
#define KVM_DEVUSER_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* A process, for as long as it is walked over. */
struct process {
	int dir;		/* its folder: of this process, even if its pid is used again */
	int pid;
};

/*
 * What of procfs could not be looked at. Processes that end meanwhile are no loss:
 * they have no descriptors any more.
 */
struct unseen {
	unsigned int processes;	/* whose descriptors may not be read */
	bool hidden;		/* procfs does not even show others' processes */
};

static inline bool unseen_any(const struct unseen *unseen)
{
	return unseen->processes || unseen->hidden;
}

typedef void walk_fn(const struct process *process, const char *fd, const char *target,
		     void *data);

/* Calls fn with every descriptor of every process below root, and what it refers to. */
bool walk_descriptors(const char *root, walk_fn *fn, void *data, struct unseen *unseen,
		      GError **error);

/*
 * A file of the process's folder, of which at most max bytes are taken, with a zero
 * byte behind them. NULL, with errno, if there is none, or no right to read it.
 */
char *process_read(const struct process *process, const char *name, size_t max, size_t *size);

/* For people: the name that the kernel has for it. "?" once it has ended. */
char *process_name(const struct process *process);

/* In clock ticks since the boot: with the pid, this tells processes apart. 0 if unknown. */
uint64_t process_start(const struct process *process);

/* One of the kernel's own threads? */
bool process_is_kernel(const struct process *process);

/* What QEMU was told to call its guest; NULL if nothing, or if it is no QEMU. */
char *process_vm_name(const struct process *process);

/* The value of QEMU's -name in a command line as procfs has it; NULL if there is none. */
char *vm_name_in(const char *cmdline, size_t size);

#endif
