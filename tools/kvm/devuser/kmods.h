/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_KMODS_H
#define KVM_DEVUSER_KMODS_H

#include <stdbool.h>

#include <glib.h>

/* KVM's modules: where they are, what they are, in and out. */

/* How KVM is part of the running kernel. */
enum kmods_state {
	KMODS_ABSENT,		/* not loaded */
	KMODS_LOADED,
	KMODS_BUILTIN,		/* it is no module */
};

/* A pair of modules: kvm, and that of the processor's maker. */
struct kmods {
	char *vendor;		/* "kvm_amd" or "kvm_intel" */
	char *kvm_path;
	char *vendor_path;
};

/* What the file of a module says. */
struct kmods_file {
	char *vermagic;
	char *signer;		/* NULL if it is not signed */
};

enum kmods_state kmods_state(void);

/* NULL if the processor has no virtualisation. */
const char *kmods_vendor(void);

/*
 * The modules in a folder; with NULL those that modprobe takes. NULL and an error if
 * one is missing.
 */
struct kmods *kmods_find(const char *folder, GError **error);

/* Those that came with the running kernel, whatever modprobe takes. */
struct kmods *kmods_find_stock(GError **error);

void kmods_free(struct kmods *kmods);

struct kmods_file *kmods_file_read(const char *path, GError **error);
void kmods_file_free(struct kmods_file *file);

/* Would the running kernel take that file? */
bool kmods_file_fits(const struct kmods_file *file, GError **error);

/* The kernel refuses while anybody uses them, and so does this. */
bool kmods_remove(GError **error);

/* With what they depend on, and with the options that modprobe.d has for them. */
bool kmods_insert(const struct kmods *kmods, GError **error);

#endif
