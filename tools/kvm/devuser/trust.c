// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include <glib.h>

#include "trust.h"

/* Four bytes of attributes, then its one byte. */
#define SECURE_BOOT	"firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURE_BOOT_AT	4

static char *read_file(const char *sys, const char *name, gsize *size)
{
	g_autofree char *path = g_build_filename(sys, name, NULL);
	char *text = NULL;

	*size = 0;
	g_file_get_contents(path, &text, size, NULL);
	return text;
}

static bool has_secure_boot(const char *sys)
{
	gsize size;
	g_autofree char *value = read_file(sys, SECURE_BOOT, &size);

	return size == SECURE_BOOT_AT + 1 && value[SECURE_BOOT_AT] == 1;
}

/* "none [integrity] confidentiality" */
static bool is_locked_down(const char *sys)
{
	gsize size;
	g_autofree char *value = read_file(sys, "kernel/security/lockdown", &size);

	return value && (strstr(value, "[integrity]") || strstr(value, "[confidentiality]"));
}

static bool is_enforced(const char *sys)
{
	gsize size;
	g_autofree char *value = read_file(sys, "module/module/parameters/sig_enforce", &size);

	return value && value[0] == 'Y';
}

struct trust trust_read(const char *sys)
{
	return (struct trust) {
		.secure_boot = has_secure_boot(sys),
		.locked_down = is_locked_down(sys),
		.enforced = is_enforced(sys),
	};
}
