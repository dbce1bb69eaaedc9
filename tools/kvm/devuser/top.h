/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_TOP_H
#define KVM_DEVUSER_TOP_H

#include "scan.h"

/* How much a device did per second between two looks. */
struct rates {
	const struct device *device;	/* of the later look */
	double numbers[FDINFO_NR_NUMBERS];
	double accesses;		/* by which they are sorted */
};

/*
 * An array of struct rates, the busiest device first. A device that the first look did
 * not see has none.
 */
GArray *rates_between(const struct scan *before, const struct scan *after);

#endif
