/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_DEVICE_H
#define KVM_DEVUSER_DEVICE_H

#include "json.h"
#include "scan.h"

/* The name of the VM, or "-"; to be shown on a terminal. */
char *device_vm_text(const struct device *device);

/*
 * Who holds one end of a device, in a few words. "-" is nobody; "?" is nobody of whom
 * this could be seen.
 */
char *holders_text(GPtrArray *holders, const struct scan *scan);

/* All that is known of a device, as members of the object that has been begun. */
void device_json(struct json *json, const struct device *device);

/* The processes, as an array of objects. */
void holders_json(struct json *json, const char *name, GPtrArray *holders);

/* What the answer lacks, as members of the object that has been begun. */
void scan_unseen_json(struct json *json, const struct scan *scan);

#endif
