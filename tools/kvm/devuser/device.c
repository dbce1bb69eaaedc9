// SPDX-License-Identifier: GPL-2.0-only
/* A device as it is shown, to people and to programs. */
#include "device.h"
#include "output.h"

char *device_vm_text(const struct device *device)
{
	return printable(device->vm_name ?: "-");
}

char *holders_text(GPtrArray *holders, const struct scan *scan)
{
	const struct holder *first;
	g_autofree char *name = NULL;

	if (!holders->len)
		return g_strdup(scan_is_partial(scan) ? "?" : "-");
	first = g_ptr_array_index(holders, 0);
	name = printable(first->name);
	if (holders->len == 1)
		return g_strdup_printf("%d %s", first->pid, name);

	return g_strdup_printf("%d %s +%u", first->pid, name, holders->len - 1);
}

void holders_json(struct json *json, const char *name, GPtrArray *holders)
{
	unsigned int i;

	json_array(json, name);
	for (i = 0; i < holders->len; i++) {
		const struct holder *holder = g_ptr_array_index(holders, i);

		json_object(json, NULL);
		json_uint(json, "pid", holder->pid);
		json_string(json, "process", holder->name);
		json_uint(json, "fd", holder->fd);
		json_uint(json, "descriptors", holder->descriptors);
		json_end(json);
	}
	json_end(json);
}

static void ranges_json(struct json *json, const struct fdinfo *info)
{
	unsigned int i;

	json_array(json, "ranges");
	for (i = 0; i < info->ranges->len; i++) {
		const struct fdinfo_range *range =
			&g_array_index(info->ranges, struct fdinfo_range, i);

		json_object(json, NULL);
		json_uint(json, "rid", range->rid);
		json_string(json, "space", range->pio ? "pio" : "mmio");
		json_uint(json, "address", range->addr);
		json_uint(json, "length", range->len);
		json_bool(json, "posted", range->posted);
		json_end(json);
	}
	json_end(json);
}

void device_json(struct json *json, const struct device *device)
{
	unsigned int i;

	json_uint(json, "id", device->info->id);
	json_string(json, "state", fdinfo_state_name(device->info->state));
	json_string(json, "vm", device->vm_name);
	holders_json(json, "master", device->masters);
	holders_json(json, "slave", device->slaves);
	for (i = 0; i < FDINFO_NR_NUMBERS; i++)
		json_uint(json, fdinfo_number_name(i), device->info->numbers[i]);
	ranges_json(json, device->info);
}

void scan_unseen_json(struct json *json, const struct scan *scan)
{
	unsigned int i;

	json_uint(json, "unreadable-processes", scan->unseen.processes);
	json_bool(json, "hidden-processes", scan->unseen.hidden);
	json_array(json, "not-understood");
	for (i = 0; i < scan->complaints->len; i++)
		json_string(json, NULL, g_ptr_array_index(scan->complaints, i));
	json_end(json);
}
