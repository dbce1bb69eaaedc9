// SPDX-License-Identifier: GPL-2.0-only
/* The command modules: KVM with the user device in the place of the kernel's own, and back. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "kmods.h"
#include "kvm.h"
#include "main.h"
#include "output.h"
#include "trust.h"

#define SYS "/sys"

/* Who has descriptors of KVM's, or NULL and said. */
static GPtrArray *users_of_kvm(struct unseen *unseen)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *users = kvm_users(options.proc, unseen, &error);

	if (!users)
		p_err("%s", error->message);
	return users;
}

static char *user_text(const struct kvm_user *user)
{
	g_autofree char *name = printable(user->name);
	g_autofree char *vm = user->vm_name ? printable(user->vm_name) : NULL;

	if (!user->vms)
		return g_strdup_printf("process %d (%s)", user->pid, name);
	return g_strdup_printf("process %d (%s), which runs %s", user->pid, name, vm ?: "a VM");
}

/* Takes nothing from a VM that runs: says who is in the way. */
static bool nobody_uses_kvm(void)
{
	struct unseen unseen;
	GPtrArray *users = users_of_kvm(&unseen);
	bool nobody = users && !users->len;
	unsigned int i;

	for (i = 0; users && i < users->len; i++) {
		g_autofree char *text = user_text(g_ptr_array_index(users, i));

		p_err("KVM is in use by %s", text);
	}
	if (users)
		g_ptr_array_unref(users);
	return nobody;
}

/* Everything that can be known before, so that no attempt is made in vain. */
static bool file_is_good(const char *path, const struct trust *trust)
{
	g_autoptr(GError) error = NULL;
	struct kmods_file *file = kmods_file_read(path, &error);
	bool good = file && kmods_file_fits(file, &error);

	if (!good)
		p_err("%s: %s", path, error->message);
	if (good && !file->signer && trust_needs_signature(trust)) {
		p_err("%s is not signed, and this kernel takes signed modules only (%s)", path,
		      trust->locked_down ? "it is locked down" : "module.sig_enforce");
		good = false;
	}
	kmods_file_free(file);
	return good;
}

static bool files_are_good(const struct kmods *kmods)
{
	struct trust trust = trust_read(SYS);

	return file_is_good(kmods->kvm_path, &trust) && file_is_good(kmods->vendor_path, &trust);
}

/* KVM is better than none. */
static void give_back(void)
{
	g_autoptr(GError) error = NULL;
	struct kmods *stock = kmods_find_stock(&error);

	if (stock && kmods_insert(stock, &error))
		p_info("the kernel's own modules are loaded again");
	else
		p_err("now there is no KVM: %s", error->message);
	kmods_free(stock);
}

static bool replace(const struct kmods *kmods, bool stock)
{
	g_autoptr(GError) error = NULL;

	if (!kmods_remove(&error)) {
		p_err("%s", error->message);
		/* The first of two may be gone. */
		if (kmods_state() != KMODS_LOADED || kvm_ask().error)
			give_back();
		return false;
	}
	if (kmods_insert(kmods, &error))
		return true;

	p_err("%s", error->message);
	if (!stock)
		give_back();
	return false;
}

static int swap(struct kmods *kmods, GError *error, bool stock)
{
	bool done = false;

	if (kmods_state() == KMODS_BUILTIN)
		p_err("KVM is a part of this kernel, and no module");
	else if (!kmods)
		p_err("%s", error->message);
	else if (files_are_good(kmods) && nobody_uses_kvm())
		done = replace(kmods, stock);
	return done ? STATUS_OK : STATUS_ERROR;
}

static int said(const char *text)
{
	if (options.json)
		return STATUS_OK;
	return out_text(text) ? STATUS_OK : STATUS_ERROR;
}

static int load(const char *folder)
{
	g_autoptr(GError) error = NULL;
	struct kmods *kmods = kmods_find(folder, &error);
	int status = swap(kmods, error, false);

	if (status == STATUS_OK && !kvm_ask().version) {
		p_err("%s is loaded, and has no user device", kmods->kvm_path);
		status = STATUS_NO;
	}
	kmods_free(kmods);
	return status == STATUS_OK ? said("KVM with the user device is loaded\n") : status;
}

static int unload(void)
{
	g_autoptr(GError) error = NULL;
	struct kmods *kmods = kmods_find_stock(&error);
	int status = swap(kmods, error, true);

	kmods_free(kmods);
	return status == STATUS_OK ? said("the kernel's own KVM is loaded\n") : status;
}

/* --- status ----------------------------------------------------------------------------- */

struct status {
	struct utsname name;
	enum kmods_state state;
	struct kvm_offer offer;
	struct trust trust;
	struct kmods *kmods;		/* NULL if there are none */
	struct kmods_file *file;	/* of kvm */
	bool fits;
	char *problem;			/* of the files; NULL if there is none */
	GPtrArray *users;
	struct unseen unseen;
};

static bool status_read(struct status *status, const char *folder)
{
	g_autoptr(GError) error = NULL;

	*status = (struct status) { .state = kmods_state(), .trust = trust_read(SYS) };
	uname(&status->name);
	/* Before one's own descriptors are among them. */
	status->users = users_of_kvm(&status->unseen);
	if (!status->users)
		return false;
	status->offer = kvm_ask();
	status->kmods = kmods_find(folder, &error);
	if (status->kmods)
		status->file = kmods_file_read(status->kmods->kvm_path, &error);
	status->fits = status->file && kmods_file_fits(status->file, &error);
	status->problem = error ? g_strdup(error->message) : NULL;
	return true;
}

static void status_free(struct status *status)
{
	kmods_free(status->kmods);
	kmods_file_free(status->file);
	g_free(status->problem);
	if (status->users)
		g_ptr_array_unref(status->users);
}

static const char *state_text(const struct status *status)
{
	static const char * const names[] = {
		[KMODS_ABSENT] = "not loaded",
		[KMODS_LOADED] = "loaded as modules",
		[KMODS_BUILTIN] = "a part of the kernel",
	};

	return names[status->state];
}

static const char *trust_text(const struct trust *trust)
{
	if (trust->locked_down)
		return "signed modules only: the kernel is locked down";
	return trust->enforced ? "signed modules only: module.sig_enforce" : "any module";
}

static void append_files(GString *text, const struct status *status)
{
	if (status->kmods)
		g_string_append_printf(text, "%-12s %s\n%-12s %s\n", "file",
				       status->kmods->kvm_path, "",
				       status->kmods->vendor_path);
	if (status->file)
		g_string_append_printf(text, "%-12s %s\n%-12s %s\n", "is for",
				       g_strchomp(status->file->vermagic), "signed by",
				       status->file->signer ?: "nobody");
	if (status->problem)
		g_string_append_printf(text, "%-12s %s\n", "problem", status->problem);
}

static bool status_text(const struct status *status)
{
	g_autoptr(GString) text = g_string_new(NULL);
	unsigned int i;

	g_string_append_printf(text, "%-12s %s\n", "kernel", status->name.release);
	g_string_append_printf(text, "%-12s %s\n", "takes", trust_text(&status->trust));
	g_string_append_printf(text, "%-12s %s\n", "secure boot",
			       status->trust.secure_boot ? "on" : "off");
	g_string_append_printf(text, "%-12s %s\n", "kvm", state_text(status));
	if (status->offer.version)
		g_string_append_printf(text, "%-12s version %u\n", "user device",
				       status->offer.version);
	else
		g_string_append_printf(text, "%-12s %s\n", "user device",
				       status->offer.error ? g_strerror(status->offer.error) :
				       "none");
	append_files(text, status);
	for (i = 0; i < status->users->len; i++) {
		g_autofree char *user = user_text(g_ptr_array_index(status->users, i));

		g_string_append_printf(text, "%-12s %s\n", "used by", user);
	}
	return out_text(text->str);
}

static void users_json(struct json *json, const struct status *status)
{
	unsigned int i;

	json_array(json, "users");
	for (i = 0; i < status->users->len; i++) {
		const struct kvm_user *user = g_ptr_array_index(status->users, i);

		json_object(json, NULL);
		json_uint(json, "pid", user->pid);
		json_string(json, "process", user->name);
		json_string(json, "vm", user->vm_name);
		json_uint(json, "vms", user->vms);
		json_uint(json, "descriptors", user->descriptors);
		json_end(json);
	}
	json_end(json);
	json_uint(json, "unreadable-processes", status->unseen.processes);
}

static bool status_json(const struct status *status)
{
	struct json *json = json_new(options.pretty);

	json_object(json, NULL);
	json_string(json, "kernel", status->name.release);
	json_bool(json, "signed-only", trust_needs_signature(&status->trust));
	json_bool(json, "secure-boot", status->trust.secure_boot);
	json_string(json, "kvm", state_text(status));
	json_uint(json, "user-device", status->offer.version);
	json_string(json, "file", status->kmods ? status->kmods->kvm_path : NULL);
	json_string(json, "vermagic", status->file ? g_strchomp(status->file->vermagic) : NULL);
	json_string(json, "signer", status->file ? status->file->signer : NULL);
	json_bool(json, "fits", status->fits);
	json_string(json, "problem", status->problem);
	users_json(json, status);
	json_end(json);
	return out_json(json);
}

static int show_status(const char *folder)
{
	struct status status;
	int result = STATUS_ERROR;
	bool written;

	if (status_read(&status, folder)) {
		written = options.json ? status_json(&status) : status_text(&status);
		if (written)
			result = status.offer.version ? STATUS_OK : STATUS_NO;
	}
	status_free(&status);
	return result;
}

/* --- the command line ------------------------------------------------------------------- */

/* "[--dir FOLDER]", and nothing else; false, and said, if it is not. */
static bool parse_folder(const char *command, int argc, char **argv, const char **folder)
{
	*folder = NULL;
	if (!argc)
		return true;
	if (strcmp(argv[0], "--dir")) {
		usage_error(command, argv[0]);
	} else if (argc < 2 || !*argv[1]) {
		p_err("%s: --dir: give a folder", command);
	} else if (argc > 2) {
		usage_error(command, argv[2]);
	} else {
		*folder = argv[1];
		return true;
	}
	return false;
}

static int do_status(int argc, char **argv)
{
	const char *folder;

	return parse_folder("modules status", argc, argv, &folder) ?
	       show_status(folder) : STATUS_USAGE;
}

static int do_load(int argc, char **argv)
{
	const char *folder;

	return parse_folder("modules load", argc, argv, &folder) ? load(folder) : STATUS_USAGE;
}

static int do_unload(int argc, char **argv)
{
	return argc ? usage_error("modules unload", argv[0]) : unload();
}

int do_modules(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "status",	do_status },
		{ "load",	do_load },
		{ "unload",	do_unload },
		{ 0 }
	};

	return command_select(commands, "modules: ", argc, argv);
}
