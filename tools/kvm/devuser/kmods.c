// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's modules by libkmod. A context of libkmod knows one file for each name of a
 * module, so each task here has a context of its own.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include <libkmod.h>

#include "kmods.h"

static const char * const vendors[] = { "kvm_amd", "kvm_intel" };

static void set_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void set_error(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_propagate_error(error, g_error_new_valist(g_quark_from_static_string("kmods"), 0,
						    format, arguments));
	va_end(arguments);
}

/* Its reports would be in the way of ours. */
static struct kmod_ctx *open_context(void)
{
	struct kmod_ctx *context = kmod_new(NULL, NULL);

	if (!context)
		g_error("libkmod has no memory");
	kmod_set_log_priority(context, -1);
	return context;
}

static int state_of(const char *name)
{
	struct kmod_ctx *context = open_context();
	struct kmod_module *module;
	int state = -ENOENT;

	if (!kmod_module_new_from_name(context, name, &module)) {
		state = kmod_module_get_initstate(module);
		kmod_module_unref(module);
	}
	kmod_unref(context);
	return state;
}

enum kmods_state kmods_state(void)
{
	switch (state_of("kvm")) {
	case KMOD_MODULE_BUILTIN:
		return KMODS_BUILTIN;
	case KMOD_MODULE_COMING:
		/* So libkmod calls a built-in one where it has no list of them. */
		if (!g_file_test("/sys/module/kvm/initstate", G_FILE_TEST_EXISTS))
			return KMODS_BUILTIN;
		return KMODS_LOADED;
	case KMOD_MODULE_LIVE:
	case KMOD_MODULE_GOING:
		return KMODS_LOADED;
	default:
		return KMODS_ABSENT;
	}
}

static const char *vendor_of_processor(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;

	if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
		return NULL;
	words = g_strsplit_set(text, "\n ", 0);
	if (g_strv_contains((const char * const *)words, "svm"))
		return "kvm_amd";
	return g_strv_contains((const char * const *)words, "vmx") ? "kvm_intel" : NULL;
}

const char *kmods_vendor(void)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(vendors); i++)
		if (state_of(vendors[i]) == KMOD_MODULE_LIVE)
			return vendors[i];

	return vendor_of_processor();
}

/* A module's file has "-" or "_" in its name, and may be compressed. */
static char *path_in(const char *folder, const char *name)
{
	static const char * const suffixes[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	g_autofree char *dashed = g_strdelimit(g_strdup(name), "_", '-');
	const char * const names[] = { name, dashed };
	unsigned int i, j;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		for (j = 0; j < G_N_ELEMENTS(suffixes); j++) {
			g_autofree char *file = g_strconcat(names[i], suffixes[j], NULL);
			g_autofree char *path = g_build_filename(folder, file, NULL);

			if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
				return g_steal_pointer(&path);
		}
	}
	return NULL;
}

static char *path_by_modprobe(const char *name)
{
	struct kmod_ctx *context = open_context();
	struct kmod_module *module;
	struct kmod_list *list = NULL;
	char *path = NULL;

	if (!kmod_module_new_from_lookup(context, name, &list) && list) {
		module = kmod_module_get_module(list);
		path = g_strdup(kmod_module_get_path(module));
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(context);
	return path;
}

static char *find(const char *folder, const char *name, GError **error)
{
	char *path = folder ? path_in(folder, name) : path_by_modprobe(name);

	if (!path)
		set_error(error, "there is no module %s in %s", name,
			  folder ?: "what modprobe knows for this kernel");
	return path;
}

struct kmods *kmods_find(const char *folder, GError **error)
{
	const char *vendor = kmods_vendor();
	struct kmods *kmods;

	if (!vendor) {
		set_error(error, "this processor has no virtualisation, or it is switched off");
		return NULL;
	}
	kmods = g_new0(struct kmods, 1);
	kmods->vendor = g_strdup(vendor);
	kmods->kvm_path = find(folder, "kvm", error);
	if (kmods->kvm_path)
		kmods->vendor_path = find(folder, vendor, error);
	if (kmods->vendor_path)
		return kmods;

	kmods_free(kmods);
	return NULL;
}

struct kmods *kmods_find_stock(GError **error)
{
	g_autofree char *folder = NULL;
	struct utsname name;

	uname(&name);
	folder = g_strdup_printf("/lib/modules/%s/kernel/arch/x86/kvm", name.release);
	return kmods_find(folder, error);
}

void kmods_free(struct kmods *kmods)
{
	if (!kmods)
		return;
	g_free(kmods->vendor);
	g_free(kmods->kvm_path);
	g_free(kmods->vendor_path);
	g_free(kmods);
}

static struct kmod_module *module_at(struct kmod_ctx *context, const char *path, GError **error)
{
	struct kmod_module *module;
	int result = kmod_module_new_from_path(context, path, &module);

	if (!result)
		return module;
	set_error(error, "%s: %s", path, g_strerror(-result));
	return NULL;
}

/* The first value of a key in what the module's file says of itself. */
static char *info_value(const struct kmod_list *list, const char *key)
{
	const struct kmod_list *entry;

	kmod_list_foreach(entry, list)
		if (!strcmp(kmod_module_info_get_key(entry), key))
			return g_strdup(kmod_module_info_get_value(entry));

	return NULL;
}

static struct kmod_list *read_info(const struct kmod_module *module, GError **error)
{
	struct kmod_list *list = NULL;
	int result = kmod_module_get_info(module, &list);

	if (result < 0)
		set_error(error, "%s: it cannot be read: %s", kmod_module_get_path(module),
			  g_strerror(-result));
	return list;
}

struct kmods_file *kmods_file_read(const char *path, GError **error)
{
	struct kmod_ctx *context = open_context();
	struct kmod_module *module = module_at(context, path, error);
	struct kmod_list *list = module ? read_info(module, error) : NULL;
	struct kmods_file *file = NULL;

	if (list) {
		file = g_new0(struct kmods_file, 1);
		file->vermagic = info_value(list, "vermagic") ?: g_strdup("");
		file->signer = info_value(list, "signer");
	}
	kmod_module_info_free_list(list);
	if (module)
		kmod_module_unref(module);
	kmod_unref(context);
	return file;
}

void kmods_file_free(struct kmods_file *file)
{
	if (!file)
		return;
	g_free(file->vermagic);
	g_free(file->signer);
	g_free(file);
}

/* What the running kernel's own modules say; NULL where it has none on disk. */
static char *stock_vermagic(void)
{
	struct kmods *stock = kmods_find_stock(NULL);
	struct kmods_file *file = stock ? kmods_file_read(stock->kvm_path, NULL) : NULL;
	char *vermagic = file ? g_strdup(file->vermagic) : NULL;

	kmods_file_free(file);
	kmods_free(stock);
	return vermagic;
}

bool kmods_file_fits(const struct kmods_file *file, GError **error)
{
	g_autofree char *expected = stock_vermagic();
	struct utsname name;

	uname(&name);
	if (expected) {
		if (!strcmp(file->vermagic, expected))
			return true;
	} else if (g_str_has_prefix(file->vermagic, name.release) &&
		   file->vermagic[strlen(name.release)] == ' ') {
		return true;
	}
	set_error(error, "it is for the kernel '%s', and this is '%s'",
		  g_strchomp(file->vermagic), expected ? g_strchomp(expected) : name.release);
	return false;
}

static bool remove_one(const char *name, GError **error)
{
	struct kmod_ctx *context = open_context();
	struct kmod_module *module;
	int result = kmod_module_new_from_name(context, name, &module);

	if (!result) {
		result = kmod_module_remove_module(module, 0);
		kmod_module_unref(module);
	}
	kmod_unref(context);
	if (!result || result == -ENOENT)
		return true;

	if (result == -EWOULDBLOCK || result == -EBUSY)
		set_error(error, "%s cannot be removed: it is in use", name);
	else
		set_error(error, "%s cannot be removed: %s", name, g_strerror(-result));
	return false;
}

/* How often it is in use, but for its use by other modules. */
static int uses_of(const char *name)
{
	struct kmod_ctx *context = open_context();
	struct kmod_list *holders, *holder;
	struct kmod_module *module;
	int uses = 0;

	if (!kmod_module_new_from_name(context, name, &module)) {
		uses = MAX(kmod_module_get_refcnt(module), 0);
		holders = kmod_module_get_holders(module);
		kmod_list_foreach(holder, holders)
			uses--;
		kmod_module_unref_list(holders);
		kmod_module_unref(module);
	}
	kmod_unref(context);
	return uses;
}

/*
 * Not all users have a descriptor that procfs shows: one may be on its way in a socket. They
 * hold kvm, but not its maker's module: this has to be known before that is removed.
 */
bool kmods_remove(GError **error)
{
	unsigned int i;

	if (uses_of("kvm") > 0) {
		set_error(error, "kvm cannot be removed: it is in use");
		return false;
	}
	for (i = 0; i < G_N_ELEMENTS(vendors); i++)
		if (!remove_one(vendors[i], error))
			return false;

	return remove_one("kvm", error);
}

static int probe(struct kmod_ctx *context, const char *name)
{
	struct kmod_list *list = NULL, *entry;
	int result = kmod_module_new_from_lookup(context, name, &list);

	if (!result && !list)
		result = -ENOENT;
	kmod_list_foreach(entry, list) {
		struct kmod_module *module = kmod_module_get_module(entry);

		if (!result)
			result = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	return result;
}

/* All but kvm itself, which comes from where its maker's module does. */
static bool insert_dependencies(struct kmod_ctx *context, struct kmod_module *module,
				GError **error)
{
	struct kmod_list *list = read_info(module, error);
	g_autofree char *depends = list ? info_value(list, "depends") : NULL;
	g_auto(GStrv) names = NULL;
	char **name;
	int result = 0;

	kmod_module_info_free_list(list);
	if (!list)
		return false;
	names = g_strsplit(depends ?: "", ",", 0);
	for (name = names; *name && !result; name++) {
		if (!**name || !strcmp(*name, "kvm") || state_of(*name) >= 0)
			continue;
		result = probe(context, *name);
		if (result)
			set_error(error, "%s, which %s needs, cannot be loaded: %s", *name,
				  kmod_module_get_name(module),
				  result < 0 ? g_strerror(-result) : "it is blacklisted");
	}
	return !result;
}

static const char *why_not(int error)
{
	switch (error) {
	case EKEYREJECTED:
	case ENOKEY:
		return "the kernel takes signed modules only";
	case ENOEXEC:
		return "it is for another kernel";
	case EPERM:
		return "no right to do so";
	default:
		return g_strerror(error);
	}
}

static bool insert_one(const char *path, GError **error)
{
	struct kmod_ctx *context = open_context();
	struct kmod_module *module = module_at(context, path, error);
	bool done = module && insert_dependencies(context, module, error);
	int result;

	if (done) {
		result = kmod_module_insert_module(module, 0, kmod_module_get_options(module));
		/* Somebody kept it from being removed. */
		done = !result || result == -EEXIST;
		if (!done)
			set_error(error, "%s cannot be loaded: %s", path, why_not(-result));
	}
	if (module)
		kmod_module_unref(module);
	kmod_unref(context);
	return done;
}

/* Half of them would be of no use. */
bool kmods_insert(const struct kmods *kmods, GError **error)
{
	if (!insert_one(kmods->kvm_path, error))
		return false;
	if (insert_one(kmods->vendor_path, error))
		return true;

	remove_one("kvm", NULL);
	return false;
}
