/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_SCAN_H
#define KVM_DEVUSER_SCAN_H

#include "fdinfo.h"
#include "walk.h"

/* A process that has descriptors of one end of a device. */
struct holder {
	int pid;
	uint64_t start;			/* process_start() */
	char *name;
	unsigned int descriptors;	/* how many of them; fd is the first that was seen */
	unsigned int fd;
};

struct device {
	struct fdinfo *info;
	char *vm_name;			/* as QEMU was told; NULL if it was not */
	GPtrArray *masters;		/* of struct holder */
	GPtrArray *slaves;
};

/* What was seen of all devices at one time. */
struct scan {
	GPtrArray *devices;		/* of struct device, by id */
	gint64 time;			/* g_get_monotonic_time() */
	struct unseen unseen;
	GPtrArray *complaints;		/* text: of descriptors that are not understood */
};

struct scan *scan_new(const char *root, GError **error);

/* What is below options.proc; NULL, and said, if that cannot be read. */
struct scan *scan_or_say(void);

void scan_free(struct scan *scan);

struct device *scan_find(const struct scan *scan, uint32_t id);

/* All that the answer may lack, to standard error. */
void scan_say_unseen(const struct scan *scan);

/* Is there anything that it may lack? */
bool scan_is_partial(const struct scan *scan);

bool device_has_failed(const struct device *device);

#endif
