// SPDX-License-Identifier: GPL-2.0-only
/* The command check: is this host ready for user devices, and if not, what to do. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "kmods.h"
#include "kvm.h"
#include "main.h"
#include "output.h"
#include "trust.h"

#define SYS "/sys"

enum result {
	RESULT_OK,
	RESULT_NOTE,	/* it works without */
	RESULT_NO,
};

static const char * const result_names[] = {
	[RESULT_OK] = "ok",
	[RESULT_NOTE] = "note",
	[RESULT_NO] = "no",
};

/* One line of the answer; todo is NULL if there is nothing to do. */
struct finding {
	enum result result;
	char *text;
	const char *todo;
};

static struct finding finding(enum result result, char *text, const char *todo)
{
	return (struct finding) { .result = result, .text = text, .todo = todo };
}

/* The first line of a file; empty if it cannot be read. */
static char *first_line(const char *path)
{
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup("");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Where VMs can be made without, KVM knows another way. */
static struct finding check_processor(const struct kvm_offer *offer)
{
	const char *vendor = kmods_vendor();

	if (!vendor && !offer->error)
		return finding(RESULT_OK, g_strdup("VMs need nothing of the processor"), NULL);
	if (!vendor)
		return finding(RESULT_NO, g_strdup("the processor has no virtualisation"),
			       "switch it on in the firmware's settings; in a VM, ask its host for nesting");
	return finding(RESULT_OK, g_strdup_printf("the processor is one for %s", vendor), NULL);
}

static struct finding check_kernel(void)
{
	struct utsname name;

	uname(&name);
	if (kmods_state() == KMODS_ABSENT)
		return finding(RESULT_NO, g_strdup_printf("%s has no KVM loaded", name.release),
			       "modprobe kvm_amd, or kvm_intel");
	return finding(RESULT_OK, g_strdup_printf("%s has KVM", name.release), NULL);
}

static struct finding check_access(const struct kvm_offer *offer)
{
	if (!offer->error)
		return finding(RESULT_OK, g_strdup("VMs can be made"), NULL);
	return finding(RESULT_NO,
		       g_strdup_printf("no VM can be made: %s", g_strerror(offer->error)),
		       offer->error == EACCES ? "join the group kvm" :
		       "load KVM's modules, and see what the kernel's log says");
}

static struct finding check_device(const struct kvm_offer *offer)
{
	if (offer->version)
		return finding(RESULT_OK, g_strdup_printf("KVM has the user device, version %u",
							  offer->version), NULL);
	return finding(RESULT_NO, g_strdup("KVM has no user device"),
		       "kvm-devuser modules load, or a kernel with CONFIG_KVM_DEVUSER=y");
}

static struct finding check_modules(void)
{
	struct trust trust = trust_read(SYS);

	if (kmods_state() == KMODS_BUILTIN)
		return finding(RESULT_OK, g_strdup("KVM is a part of the kernel"), NULL);
	if (!trust_needs_signature(&trust))
		return finding(RESULT_OK, g_strdup("the kernel takes modules that are not signed"),
			       NULL);
	return finding(RESULT_NOTE, g_strdup("the kernel takes signed modules only"),
		       "sign rebuilt modules with a key that the firmware or MOK knows");
}

static struct finding check_nesting(void)
{
	const char *vendor = kmods_vendor() ?: "kvm_amd";
	g_autofree char *path = g_strdup_printf(SYS "/module/%s/parameters/nested", vendor);
	g_autofree char *value = first_line(path);

	if (*value == 'Y' || *value == '1')
		return finding(RESULT_OK, g_strdup("guests can run VMs of their own"), NULL);
	return finding(RESULT_NOTE, g_strdup("guests cannot run VMs of their own"),
		       "if they should: nested=1 for kvm_amd or kvm_intel in /etc/modprobe.d");
}

static guint64 read_meminfo(const char *key)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	char **line;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	lines = g_strsplit(text, "\n", 0);
	for (line = lines; *line; line++)
		if (g_str_has_prefix(*line, key))
			return g_ascii_strtoull(*line + strlen(key), NULL, 10);

	return 0;
}

static struct finding check_huge_pages(void)
{
	g_autofree char *thp = first_line(SYS "/kernel/mm/transparent_hugepage/shmem_enabled");
	guint64 nr = read_meminfo("HugePages_Total:");
	guint64 available = read_meminfo("HugePages_Free:");

	if (nr)
		return finding(RESULT_OK,
			       g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
					       " huge pages are free", available, nr), NULL);
	if (strstr(thp, "[always]") || strstr(thp, "[advise]") || strstr(thp, "[within_size]"))
		return finding(RESULT_OK, g_strdup("shared memory gets huge pages by itself"),
			       NULL);
	return finding(RESULT_NOTE, g_strdup("there are no huge pages for a guest's shared RAM"),
		       "for speed: set vm.nr_hugepages, or shmem_enabled of transparent_hugepage to advise");
}

/* Those that this project packages, then the usual one. */
static char *find_qemu(void)
{
	return g_find_program_in_path("qemu-system-x86_64-devuser") ?:
	       g_find_program_in_path("qemu-system-x86_64");
}

static struct finding check_qemu(const char *given)
{
	g_autofree char *found = given ? g_strdup(given) : find_qemu();
	const gchar *argv[] = { found, "-help", NULL };
	g_autofree char *help = NULL;
	bool ran;

	if (!found)
		return finding(RESULT_NO, g_strdup("there is no QEMU in the PATH"),
			       "install qemu-devuser, or give --qemu PROGRAM");
	ran = g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &help,
			   NULL, NULL, NULL);
	if (!ran)
		return finding(RESULT_NO, g_strdup_printf("%s does not start", found),
			       "give --qemu PROGRAM");
	if (!strstr(help, "\n-remote "))
		return finding(RESULT_NO, g_strdup_printf("%s has no option -remote", found),
			       "install qemu-devuser, or give --qemu PROGRAM");
	return finding(RESULT_OK, g_strdup_printf("%s has -remote", found), NULL);
}

static struct finding check_policy(void)
{
	g_autofree char *lsm = first_line(SYS "/kernel/security/lsm");
	g_autofree char *enforce = first_line(SYS "/fs/selinux/enforce");

	if (*enforce == '1')
		return finding(RESULT_NOTE, g_strdup("SELinux enforces its policy"),
			       "if a remote process is denied something, ausearch -m avc says what");
	if (strstr(lsm, "apparmor"))
		return finding(RESULT_NOTE, g_strdup("AppArmor may confine QEMU"),
			       "if a remote process is denied something, the kernel's log says what");
	return finding(RESULT_OK, g_strdup("no policy confines QEMU"), NULL);
}

struct answer {
	struct json *json;	/* or else */
	GString *text;
	bool ready;
};

static void add(struct answer *answer, const char *name, struct finding finding)
{
	answer->ready &= finding.result != RESULT_NO;
	if (answer->json) {
		json_object(answer->json, NULL);
		json_string(answer->json, "name", name);
		json_string(answer->json, "result", result_names[finding.result]);
		json_string(answer->json, "text", finding.text);
		json_string(answer->json, "todo", finding.todo);
		json_end(answer->json);
	} else {
		g_string_append_printf(answer->text, "%-4s  %-10s  %s%s%s\n",
				       result_names[finding.result], name, finding.text,
				       finding.todo ? ": " : "", finding.todo ?: "");
	}
	g_free(finding.text);
}

static void add_all(struct answer *answer, const char *qemu)
{
	struct kvm_offer offer = kvm_ask();

	add(answer, "processor", check_processor(&offer));
	add(answer, "kernel", check_kernel());
	add(answer, "access", check_access(&offer));
	add(answer, "device", check_device(&offer));
	add(answer, "modules", check_modules());
	add(answer, "nesting", check_nesting());
	add(answer, "huge-pages", check_huge_pages());
	add(answer, "qemu", check_qemu(qemu));
	add(answer, "policy", check_policy());
}

static bool check_json(const char *qemu, bool *ready)
{
	struct answer answer = { .json = json_new(options.pretty), .ready = true };

	json_object(answer.json, NULL);
	json_array(answer.json, "checks");
	add_all(&answer, qemu);
	json_end(answer.json);
	json_bool(answer.json, "ready", answer.ready);
	json_end(answer.json);
	*ready = answer.ready;
	return out_json(answer.json);
}

static bool check_text(const char *qemu, bool *ready)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct answer answer = { .text = text, .ready = true };

	add_all(&answer, qemu);
	*ready = answer.ready;
	return out_text(text->str);
}

int do_check(int argc, char **argv)
{
	const char *qemu = NULL;
	bool ready;

	if (argc && !strcmp(argv[0], "--qemu")) {
		if (argc < 2) {
			p_err("check: --qemu: give a program");
			return STATUS_USAGE;
		}
		qemu = argv[1];
		argc -= 2;
		argv += 2;
	}
	if (argc)
		return usage_error("check", argv[0]);
	if (!(options.json ? check_json : check_text)(qemu, &ready))
		return STATUS_ERROR;
	return ready ? STATUS_OK : STATUS_NO;
}
