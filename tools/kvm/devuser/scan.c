// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user devices of the host. Each descriptor of a device shows its id: what has the
 * same one is the same device's, whoever holds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "main.h"
#include "scan.h"

/* What the kernel calls the two ends. */
#define MASTER	"anon_inode:kvm-user"
#define SLAVE	"anon_inode:kvm-user-slave"

static void holder_free(gpointer data)
{
	struct holder *holder = data;

	g_free(holder->name);
	g_free(holder);
}

static void device_free(gpointer data)
{
	struct device *device = data;

	fdinfo_free(device->info);
	g_free(device->vm_name);
	g_ptr_array_unref(device->masters);
	g_ptr_array_unref(device->slaves);
	g_free(device);
}

static struct device *device_new(void)
{
	struct device *device = g_new0(struct device, 1);

	device->masters = g_ptr_array_new_with_free_func(holder_free);
	device->slaves = g_ptr_array_new_with_free_func(holder_free);
	return device;
}

/* Descriptors come process by process, so it is the last one or a new one. */
static void add_holder(GPtrArray *holders, const struct process *process, unsigned int fd)
{
	struct holder *holder = NULL;

	if (holders->len)
		holder = g_ptr_array_index(holders, holders->len - 1);
	if (!holder || holder->pid != process->pid) {
		holder = g_new0(struct holder, 1);
		holder->pid = process->pid;
		holder->start = process_start(process);
		holder->name = process_name(process);
		holder->fd = fd;
		g_ptr_array_add(holders, holder);
	}
	holder->fd = MIN(holder->fd, fd);
	holder->descriptors++;
}

/* While the walk lasts. */
struct walk_state {
	struct scan *scan;
	GHashTable *by_id;
};

/* The later of two texts counts. */
static struct device *found_device(struct walk_state *state, struct fdinfo *info)
{
	gpointer key = GUINT_TO_POINTER(info->id);
	struct device *device = g_hash_table_lookup(state->by_id, key);

	if (!device) {
		device = device_new();
		g_ptr_array_add(state->scan->devices, device);
		g_hash_table_insert(state->by_id, key, device);
	}
	fdinfo_free(device->info);
	device->info = info;
	return device;
}

static struct fdinfo *read_fdinfo(struct scan *scan, const struct process *process, const char *fd)
{
	g_autofree char *name = g_strconcat("fdinfo/", fd, NULL);
	g_autofree char *text = NULL, *reason = NULL;
	struct fdinfo *info;
	size_t size;

	text = process_read(process, name, FDINFO_TEXT_MAX + 1, &size);
	if (!text) {
		/* Closed, or the process has ended. */
		if (errno == ENOENT || errno == ESRCH)
			return NULL;
		reason = g_strdup(g_strerror(errno));
	} else {
		info = fdinfo_parse(text, size, &reason);
		if (info)
			return info;
	}
	g_ptr_array_add(scan->complaints,
			g_strdup_printf("%d/%s: %s", process->pid, name, reason));
	return NULL;
}

static void look_at(const struct process *process, const char *fd, const char *target, void *data)
{
	struct walk_state *state = data;
	bool master = !strcmp(target, MASTER);
	struct device *device;
	struct fdinfo *info;

	if (!master && strcmp(target, SLAVE))
		return;
	info = read_fdinfo(state->scan, process, fd);
	if (!info)
		return;

	device = found_device(state, info);
	add_holder(master ? device->masters : device->slaves, process, strtoul(fd, NULL, 10));
	if (master && !device->vm_name)
		device->vm_name = process_vm_name(process);
}

static int by_id(gconstpointer a, gconstpointer b)
{
	const struct device *one = *(struct device * const *)a;
	const struct device *other = *(struct device * const *)b;

	return (one->info->id > other->info->id) - (one->info->id < other->info->id);
}

struct scan *scan_new(const char *root, GError **error)
{
	struct scan *scan = g_new0(struct scan, 1);
	g_autoptr(GHashTable) table = g_hash_table_new(NULL, NULL);
	struct walk_state state = { .scan = scan, .by_id = table };

	scan->devices = g_ptr_array_new_with_free_func(device_free);
	scan->complaints = g_ptr_array_new_with_free_func(g_free);
	scan->time = g_get_monotonic_time();
	if (!walk_descriptors(root, look_at, &state, &scan->unseen, error)) {
		scan_free(scan);
		return NULL;
	}
	g_ptr_array_sort(scan->devices, by_id);
	return scan;
}

struct scan *scan_or_say(void)
{
	g_autoptr(GError) error = NULL;
	struct scan *scan = scan_new(options.proc, &error);

	if (!scan)
		p_err("%s", error->message);
	return scan;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	g_ptr_array_unref(scan->devices);
	g_ptr_array_unref(scan->complaints);
	g_free(scan);
}

struct device *scan_find(const struct scan *scan, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < scan->devices->len; i++) {
		struct device *device = g_ptr_array_index(scan->devices, i);

		if (device->info->id == id)
			return device;
	}
	return NULL;
}

bool scan_is_partial(const struct scan *scan)
{
	return unseen_any(&scan->unseen) || scan->complaints->len;
}

void scan_say_unseen(const struct scan *scan)
{
	unsigned int i;

	for (i = 0; i < scan->complaints->len; i++)
		p_info("%s", (char *)g_ptr_array_index(scan->complaints, i));
	if (scan->unseen.processes)
		p_info("the descriptors of %u processes may not be read: run it as root to see all",
		       scan->unseen.processes);
	if (scan->unseen.hidden)
		p_info("procfs hides other users' processes: run it as root to see all");
}

bool device_has_failed(const struct device *device)
{
	return device->info->state == FDINFO_FAILED;
}
