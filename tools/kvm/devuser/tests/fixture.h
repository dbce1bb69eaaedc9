/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_TESTS_FIXTURE_H
#define KVM_DEVUSER_TESTS_FIXTURE_H

#include <glib.h>

/* A folder that looks like procfs, with the processes that a test gives it. */
struct fake_proc {
	char *root;
};

struct fake_proc *fake_proc_new(void);
void fake_proc_free(struct fake_proc *proc);

/* A process of that name; cmdline may be NULL. */
void fake_process(struct fake_proc *proc, int pid, const char *name, const char *cmdline,
		  gsize cmdline_size);
void fake_process_ends(struct fake_proc *proc, int pid);

/* A descriptor, and its fdinfo; NULL for none, as when it is closed between two looks. */
void fake_descriptor(struct fake_proc *proc, int pid, int fd, const char *target,
		     const char *fdinfo);

/* A whole fdinfo of a device; more is added to it. */
char *fake_fdinfo(unsigned int id, const char *state, const char *more);

/* The same with the counters given, in the order of enum fdinfo_number. */
char *fake_fdinfo_numbers(unsigned int id, const char *state, const guint64 *numbers);

#define FAKE_MASTER	"anon_inode:kvm-user"
#define FAKE_SLAVE	"anon_inode:kvm-user-slave"

#endif
