/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_FDINFO_H
#define KVM_DEVUSER_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/*
 * The devuser- keys in the fdinfo of a user device's descriptors, as
 * Documentation/virt/kvm/devices/user-fdinfo.rst defines them.
 */

enum fdinfo_state {
	FDINFO_IDLE,
	FDINFO_LIVE,
	FDINFO_HELD,
	FDINFO_FAILED,
	FDINFO_GONE,
	FDINFO_UNKNOWN,		/* a word that this program does not know */
};

enum fdinfo_number {
	FDINFO_PENDING,
	FDINFO_SENT,
	FDINFO_VCPUS,
	FDINFO_STORES,
	FDINFO_LOADS,
	FDINFO_SHADOW_LOADS,
	FDINFO_DOORBELLS,
	FDINFO_TIMEOUTS,
	FDINFO_REFUSED,
	FDINFO_DISCARDED,
	FDINFO_BUSY,
	FDINFO_NR_NUMBERS,
};

struct fdinfo_range {
	uint32_t rid;
	bool pio;
	bool posted;
	uint64_t addr;
	uint64_t len;
};

struct fdinfo {
	uint32_t id;
	enum fdinfo_state state;
	uint64_t numbers[FDINFO_NR_NUMBERS];
	GArray *ranges;		/* of struct fdinfo_range */
};

/* The longest text that is taken: it has room for more ranges than a device has. */
#define FDINFO_TEXT_MAX	(64 * 1024)

/*
 * What the text says; NULL if it is not what a kernel writes, with the reason.
 * It need not end with a zero byte.
 */
struct fdinfo *fdinfo_parse(const char *text, size_t size, char **reason);
void fdinfo_free(struct fdinfo *info);

const char *fdinfo_state_name(enum fdinfo_state state);

/* As in the text, without "devuser-". */
const char *fdinfo_number_name(enum fdinfo_number number);

/* Every key with its prefix, one after the other; NULL after the last. */
const char *fdinfo_key(unsigned int index);

#endif
