/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_WATCH_H
#define KVM_DEVUSER_WATCH_H

#include "scan.h"

/* Tells in the main loop when one of a set of processes ends. */
struct watch;

typedef void watch_fn(void *data);

struct watch *watch_new(watch_fn *fn, void *data);
void watch_free(struct watch *watch);

/* From now on the processes that hold a device, and no others. */
void watch_holders(struct watch *watch, const struct scan *scan);

#endif
