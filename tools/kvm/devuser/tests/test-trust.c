// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel asks of modules, from a folder that looks like sysfs. */
#include <glib/gstdio.h>

#include "../trust.h"

#define SECURE_BOOT "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

struct fake_sys {
	char *root;
};

static void setup(struct fake_sys *sys, gconstpointer data)
{
	sys->root = g_dir_make_tmp("kvm-devuser-XXXXXX", NULL);
	g_assert_nonnull(sys->root);
}

static void put(struct fake_sys *sys, const char *name, const char *bytes, gssize size)
{
	g_autofree char *path = g_build_filename(sys->root, name, NULL);
	g_autofree char *folder = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, bytes, size, NULL));
}

static void teardown(struct fake_sys *sys, gconstpointer data)
{
	const gchar *argv[] = { "rm", "-rf", sys->root, NULL };

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
				   NULL, NULL, NULL, NULL));
	g_free(sys->root);
}

static void test_nothing(struct fake_sys *sys, gconstpointer data)
{
	struct trust trust = trust_read(sys->root);

	g_assert_false(trust.secure_boot || trust.locked_down || trust.enforced);
	g_assert_false(trust_needs_signature(&trust));
}

static void test_secure_boot(struct fake_sys *sys, gconstpointer data)
{
	put(sys, SECURE_BOOT, "\6\0\0\0\1", 5);
	g_assert_true(trust_read(sys->root).secure_boot);
	put(sys, SECURE_BOOT, "\6\0\0\0\0", 5);
	g_assert_false(trust_read(sys->root).secure_boot);
	put(sys, SECURE_BOOT, "\1\1\1\1", 4);
	g_assert_false(trust_read(sys->root).secure_boot);
	put(sys, SECURE_BOOT, "", 0);
	g_assert_false(trust_read(sys->root).secure_boot);
}

static void test_lockdown(struct fake_sys *sys, gconstpointer data)
{
	struct trust trust;

	put(sys, "kernel/security/lockdown", "none [integrity] confidentiality\n", -1);
	trust = trust_read(sys->root);
	g_assert_true(trust_needs_signature(&trust));
	put(sys, "kernel/security/lockdown", "[none] integrity confidentiality\n", -1);
	trust = trust_read(sys->root);
	g_assert_false(trust_needs_signature(&trust));
}

static void test_enforced(struct fake_sys *sys, gconstpointer data)
{
	struct trust trust;

	put(sys, "module/module/parameters/sig_enforce", "Y\n", -1);
	trust = trust_read(sys->root);
	g_assert_true(trust_needs_signature(&trust));
	put(sys, "module/module/parameters/sig_enforce", "N\n", -1);
	trust = trust_read(sys->root);
	g_assert_false(trust_needs_signature(&trust));
}

#define ADD(name, function) \
	g_test_add("/trust/" name, struct fake_sys, NULL, setup, function, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("nothing", test_nothing);
	ADD("secure-boot", test_secure_boot);
	ADD("lockdown", test_lockdown);
	ADD("enforced", test_enforced);
	return g_test_run();
}
