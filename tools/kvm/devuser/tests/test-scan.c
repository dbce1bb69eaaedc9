// SPDX-License-Identifier: GPL-2.0-only
/* The devices of a host, from a folder that looks like procfs. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../device.h"
#include "../scan.h"
#include "../top.h"
#include "fixture.h"

static const char qemu_cmdline[] = "qemu-system-x86_64\0-name\0guest=one,debug-threads=on\0";

static void add_device(struct fake_proc *proc, unsigned int id, int master, int slave)
{
	g_autofree char *text = fake_fdinfo(id, "live",
					    "devuser-range:\t0 mmio 0xfe000000 0x1000 posted\n");

	fake_descriptor(proc, master, 20 + id, FAKE_MASTER, text);
	if (slave)
		fake_descriptor(proc, slave, 4 + id, FAKE_SLAVE, text);
}

static struct scan *scan(struct fake_proc *proc)
{
	g_autoptr(GError) error = NULL;
	struct scan *scan = scan_new(proc->root, &error);

	g_assert_no_error(error);
	return scan;
}

static void test_join(void)
{
	struct fake_proc *proc = fake_proc_new();
	const struct device *device;
	const struct holder *holder;
	struct scan *seen;

	fake_process(proc, 100, "qemu-system-x86", qemu_cmdline, sizeof(qemu_cmdline));
	fake_process(proc, 200, "remote", NULL, 0);
	add_device(proc, 2, 100, 200);
	add_device(proc, 1, 100, 200);
	add_device(proc, 3, 100, 0);
	fake_descriptor(proc, 200, 50, "/dev/null", NULL);
	fake_descriptor(proc, 200, 51, "/anon_inode:kvm-user", "devuser-id:\t9\n");

	seen = scan(proc);
	g_assert_cmpuint(seen->devices->len, ==, 3);
	g_assert_false(scan_is_partial(seen));
	device = g_ptr_array_index(seen->devices, 0);
	g_assert_cmpuint(device->info->id, ==, 1);
	g_assert_cmpstr(device->vm_name, ==, "one");
	g_assert_cmpuint(device->masters->len, ==, 1);
	g_assert_cmpuint(device->slaves->len, ==, 1);
	holder = g_ptr_array_index(device->slaves, 0);
	g_assert_cmpint(holder->pid, ==, 200);
	g_assert_cmpstr(holder->name, ==, "remote");
	g_assert_cmpuint(holder->fd, ==, 5);
	g_assert_cmpuint(holder->start, ==, 1200);
	g_assert_cmpuint(scan_find(seen, 3)->slaves->len, ==, 0);
	g_assert_null(scan_find(seen, 4));
	scan_free(seen);
	fake_proc_free(proc);
}

/* Processes share descriptors, and have several of one device. */
static void test_shared(void)
{
	struct fake_proc *proc = fake_proc_new();
	g_autofree char *text = fake_fdinfo(1, "live", "");
	const struct holder *holder;
	struct device *device;
	struct scan *seen;
	int fd;

	fake_process(proc, 200, "one", NULL, 0);
	fake_process(proc, 201, "two", NULL, 0);
	for (fd = 10; fd < 2010; fd++)
		fake_descriptor(proc, 200, fd, FAKE_SLAVE, text);
	fake_descriptor(proc, 201, 3, FAKE_SLAVE, text);

	seen = scan(proc);
	g_assert_cmpuint(seen->devices->len, ==, 1);
	device = g_ptr_array_index(seen->devices, 0);
	g_assert_cmpuint(device->slaves->len, ==, 2);
	holder = g_ptr_array_index(device->slaves, 0);
	if (holder->pid == 201)
		holder = g_ptr_array_index(device->slaves, 1);
	g_assert_cmpuint(holder->descriptors, ==, 2000);
	g_assert_cmpuint(holder->fd, ==, 10);
	scan_free(seen);
	fake_proc_free(proc);
}

/* Closed after its link was read; ended after its folder was opened. */
static void test_vanishing(void)
{
	struct fake_proc *proc = fake_proc_new();
	g_autofree char *folder = NULL;
	struct scan *seen;

	fake_process(proc, 200, "one", NULL, 0);
	fake_descriptor(proc, 200, 3, FAKE_SLAVE, NULL);
	fake_process(proc, 201, "two", NULL, 0);
	folder = g_strdup_printf("%s/201/fd", proc->root);
	g_assert_cmpint(rmdir(folder), ==, 0);

	seen = scan(proc);
	g_assert_cmpuint(seen->devices->len, ==, 0);
	g_assert_false(scan_is_partial(seen));
	scan_free(seen);
	fake_proc_free(proc);
}

static void test_not_understood(void)
{
	struct fake_proc *proc = fake_proc_new();
	struct scan *seen;

	fake_process(proc, 200, "one", NULL, 0);
	fake_descriptor(proc, 200, 3, FAKE_SLAVE, "devuser-id:\t1\ndevuser-st");

	seen = scan(proc);
	g_assert_cmpuint(seen->devices->len, ==, 0);
	g_assert_true(scan_is_partial(seen));
	g_assert_cmpuint(seen->complaints->len, ==, 1);
	g_assert_cmpstr(g_ptr_array_index(seen->complaints, 0), ==,
			"200/fdinfo/3: line 2 is cut off");
	scan_free(seen);
	fake_proc_free(proc);
}

static void test_hidden(void)
{
	struct fake_proc *proc = fake_proc_new();
	struct scan *seen;

	fake_process_ends(proc, 1);
	seen = scan(proc);
	g_assert_true(seen->unseen.hidden);
	g_assert_true(scan_is_partial(seen));
	scan_free(seen);
	fake_proc_free(proc);
}

static void test_no_procfs(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(scan_new("/nowhere", &error));
	g_assert_nonnull(error);
}

static void test_rates(void)
{
	guint64 before[FDINFO_NR_NUMBERS] = { [FDINFO_STORES] = 100, [FDINFO_LOADS] = 50 };
	guint64 after[FDINFO_NR_NUMBERS] = { [FDINFO_STORES] = 300, [FDINFO_LOADS] = 10 };
	g_autofree char *first = fake_fdinfo_numbers(1, "live", before);
	g_autofree char *second = fake_fdinfo_numbers(1, "live", after);
	g_autofree char *idle = fake_fdinfo_numbers(0, "live", before);
	struct fake_proc *proc = fake_proc_new();
	struct scan *then, *now;
	struct rates *rates;
	GArray *all;

	fake_process(proc, 100, "qemu", NULL, 0);
	fake_descriptor(proc, 100, 3, FAKE_MASTER, first);
	fake_descriptor(proc, 100, 4, FAKE_MASTER, idle);
	then = scan(proc);
	fake_descriptor(proc, 100, 3, FAKE_MASTER, second);
	now = scan(proc);
	now->time = then->time + 2 * G_USEC_PER_SEC;

	all = rates_between(then, now);
	g_assert_cmpuint(all->len, ==, 2);
	rates = &g_array_index(all, struct rates, 0);
	g_assert_cmpuint(rates->device->info->id, ==, 1);
	g_assert_cmpfloat(rates->numbers[FDINFO_STORES], ==, 100);
	/* It went back. */
	g_assert_cmpfloat(rates->numbers[FDINFO_LOADS], ==, 0);
	g_array_unref(all);
	scan_free(then);
	scan_free(now);
	fake_proc_free(proc);
}

static void expect_vm_name(const char *cmdline, size_t size, const char *expected)
{
	/* In a block of its own size, so that a step beyond is seen. */
	char *copy = g_malloc(size + 1);
	g_autofree char *name = NULL;

	memcpy(copy, cmdline, size);
	copy[size] = '\0';
	name = vm_name_in(copy, size);
	g_assert_cmpstr(name, ==, expected);
	g_free(copy);
}

#define EXPECT_VM_NAME(cmdline, expected) \
	expect_vm_name(cmdline, sizeof(cmdline) - 1, expected)

static void test_vm_name(void)
{
	EXPECT_VM_NAME("qemu\0-name\0plain\0", "plain");
	EXPECT_VM_NAME("qemu\0--name\0plain\0", "plain");
	EXPECT_VM_NAME("qemu\0-name\0guest=a,,b,process=c\0", "a,b");
	EXPECT_VM_NAME("qemu\0-name\0a,,b,debug-threads=on\0", "a,b");
	EXPECT_VM_NAME("qemu\0-name\0debug-threads=on,guest=x\0-m\0", "x");
	EXPECT_VM_NAME("qemu\0-name\0debug-threads=on\0", NULL);
	EXPECT_VM_NAME("qemu\0-name\0one\0-name\0two\0", "two");
	EXPECT_VM_NAME("qemu\0-name\0x,,guest=y\0", NULL);
	EXPECT_VM_NAME("qemu\0-name\0\0", "");
	EXPECT_VM_NAME("qemu\0-name\0", NULL);
	EXPECT_VM_NAME("qemu\0-name", NULL);
	EXPECT_VM_NAME("qemu\0-name\0cut", "cut");
	EXPECT_VM_NAME("qemu\0-name\0cut,", "cut");
	EXPECT_VM_NAME("qemu\0-name\0cut,,", "cut,");
	EXPECT_VM_NAME("", NULL);
	EXPECT_VM_NAME("\0\0\0", NULL);
}

/* A name that a process gives itself has no more effect than any other. */
static void test_hostile_name(void)
{
	struct fake_proc *proc = fake_proc_new();
	g_autofree char *text = fake_fdinfo(1, "live", "");
	g_autofree char *shown = NULL, *document = NULL;
	struct device *device;
	struct json *json;
	struct scan *seen;

	fake_process(proc, 200, "a) R \033[2J\n\"\xff\xe2\x80\xae", NULL, 0);
	fake_descriptor(proc, 200, 3, FAKE_SLAVE, text);
	seen = scan(proc);
	device = g_ptr_array_index(seen->devices, 0);
	g_assert_cmpuint(((struct holder *)g_ptr_array_index(device->slaves, 0))->start, ==, 1200);
	shown = holders_text(device->slaves, seen);
	g_assert_cmpstr(shown, ==, "200 a) R ?[2J?\"\xef\xbf\xbd?");
	json = json_new(false);
	json_object(json, NULL);
	holders_json(json, "slave", device->slaves);
	json_end(json);
	document = json_finish(json);
	g_assert_nonnull(strstr(document, "\"process\":\"a) R \\u001b[2J\\u000a\\\"\xef\xbf\xbd"));
	scan_free(seen);
	fake_proc_free(proc);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/scan/join", test_join);
	g_test_add_func("/scan/shared", test_shared);
	g_test_add_func("/scan/vanishing", test_vanishing);
	g_test_add_func("/scan/not-understood", test_not_understood);
	g_test_add_func("/scan/hidden", test_hidden);
	g_test_add_func("/scan/no-procfs", test_no_procfs);
	g_test_add_func("/scan/rates", test_rates);
	g_test_add_func("/scan/vm-name", test_vm_name);
	g_test_add_func("/scan/hostile-name", test_hostile_name);
	return g_test_run();
}
