/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_TRUST_H
#define KVM_DEVUSER_TRUST_H

#include <stdbool.h>

/* What the kernel asks of a module before it runs it. */
struct trust {
	bool secure_boot;	/* the firmware checked who made the kernel */
	bool locked_down;	/* the kernel lets root change nothing of itself */
	bool enforced;		/* module.sig_enforce */
};

/* sys is where sysfs is. What cannot be read is not so. */
struct trust trust_read(const char *sys);

/* Does it refuse a module without a signature? */
static inline bool trust_needs_signature(const struct trust *trust)
{
	return trust->locked_down || trust->enforced;
}

#endif
