/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_UEVENT_H
#define KVM_DEVUSER_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* The kernel's uevents, received in the main loop. */
struct uevents;

enum uevents_news {
	UEVENTS_KVM,		/* something of KVM's has changed */
	UEVENTS_OVERRUN,	/* they came faster than they were taken: some are lost */
	UEVENTS_BROKEN,		/* no more will come */
};

typedef void uevents_fn(enum uevents_news news, void *data);

struct uevents *uevents_new(uevents_fn *fn, void *data, GError **error);
void uevents_free(struct uevents *uevents);

/* The socket's descriptor. */
int uevents_fd(const struct uevents *uevents);

/*
 * Is a message about KVM: its device, of which the kernel says when a VM comes and goes, or
 * its modules?
 */
bool uevent_is_of_kvm(const char *message, size_t size);

#endif
