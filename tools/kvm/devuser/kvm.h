/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_KVM_H
#define KVM_DEVUSER_KVM_H

#include <stdbool.h>

#include "walk.h"

/* What /dev/kvm says of itself. */
struct kvm_offer {
	int error;		/* of opening it or making a VM; 0 if there was none */
	unsigned int version;	/* of the user device's interface; 0 if KVM has none */
};

/*
 * Makes a VM with a user device, and ends it: a capability's number may mean another
 * one in a kernel of somebody else's.
 */
struct kvm_offer kvm_ask(void);

/* A process that has descriptors of KVM's. */
struct kvm_user {
	int pid;
	char *name;
	char *vm_name;			/* NULL if it has none, or is no QEMU */
	unsigned int vms;
	unsigned int descriptors;	/* all of them */
};

/* An array of struct kvm_user; NULL if procfs cannot be read. */
GPtrArray *kvm_users(const char *proc, struct unseen *unseen, GError **error);

#endif
