/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_EVENTS_H
#define KVM_DEVUSER_EVENTS_H

#include "scan.h"

enum event {
	EVENT_PRESENT,		/* it was there when the first look was taken */
	EVENT_APPEARED,
	EVENT_SLAVE_GAINED,	/* its first one */
	EVENT_SLAVE_LOST,	/* it was closed */
	EVENT_SLAVE_REVOKED,	/* a process still has it, and it serves no more */
	EVENT_SLAVE_REPLACED,	/* a new one serves */
	EVENT_TIMED_OUT,
	EVENT_FAILED,
	EVENT_GONE,
};

const char *event_name(enum event event);

/* device is of the later look, or of the earlier one if it is in no other. */
typedef void event_fn(enum event event, const struct device *device, void *data);

/* Calls fn with all that has happened between two looks; before is NULL for the first. */
void events_between(const struct scan *before, const struct scan *after, event_fn *fn,
		    void *data);

#endif
