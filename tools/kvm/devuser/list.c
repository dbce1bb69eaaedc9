// SPDX-License-Identifier: GPL-2.0-only
/* The commands list and show. */
#include <string.h>

#include "device.h"
#include "main.h"
#include "output.h"

static struct scan *look(void)
{
	g_autoptr(GError) error = NULL;
	struct scan *scan = scan_new(options.proc, &error);

	if (!scan)
		p_err("%s", error->message);
	return scan;
}

static char *number_text(const struct device *device, enum fdinfo_number number)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, device->info->numbers[number]);
}

static void list_row(struct table *table, const struct device *device, const struct scan *scan)
{
	static const enum fdinfo_number shown[] = {
		FDINFO_PENDING, FDINFO_SENT, FDINFO_STORES, FDINFO_LOADS, FDINFO_SHADOW_LOADS,
		FDINFO_DOORBELLS, FDINFO_TIMEOUTS, FDINFO_REFUSED,
	};
	unsigned int i;

	table_cell(table, g_strdup_printf("%u", device->info->id));
	table_cell(table, g_strdup(fdinfo_state_name(device->info->state)));
	table_cell(table, device_vm_text(device));
	table_cell(table, holders_text(device->masters, scan));
	table_cell(table, holders_text(device->slaves, scan));
	table_cell(table, g_strdup_printf("%u", device->info->ranges->len));
	for (i = 0; i < G_N_ELEMENTS(shown); i++)
		table_cell(table, number_text(device, shown[i]));
}

static bool list_table(const struct scan *scan, bool failed)
{
	static const char * const headings[] = {
		">ID", "STATE", "VM", "MASTER", "SLAVE", ">RANGES", ">PENDING", ">SENT", ">STORES",
		">LOADS", ">SHADOW", ">DOORBELLS", ">TIMEOUTS", ">REFUSED", NULL
	};
	struct table *table = table_new(headings);
	g_autofree char *text = NULL;
	unsigned int i;

	for (i = 0; i < scan->devices->len; i++) {
		const struct device *device = g_ptr_array_index(scan->devices, i);

		if (!failed || device_has_failed(device))
			list_row(table, device, scan);
	}
	text = table_finish(table);
	return out_text(text);
}

static bool list_json(const struct scan *scan, bool failed)
{
	struct json *json = json_new(options.pretty);
	unsigned int i;

	json_object(json, NULL);
	json_array(json, "devices");
	for (i = 0; i < scan->devices->len; i++) {
		const struct device *device = g_ptr_array_index(scan->devices, i);

		if (failed && !device_has_failed(device))
			continue;
		json_object(json, NULL);
		device_json(json, device);
		json_end(json);
	}
	json_end(json);
	scan_unseen_json(json, scan);
	json_end(json);
	return out_json(json);
}

/* No failed device is good news only if all of them could be seen. */
static int failed_status(const struct scan *scan)
{
	unsigned int i;

	for (i = 0; i < scan->devices->len; i++)
		if (device_has_failed(g_ptr_array_index(scan->devices, i)))
			return STATUS_NO;

	return scan_is_partial(scan) ? STATUS_UNKNOWN : STATUS_OK;
}

static int list(bool failed)
{
	struct scan *scan = look();
	int status = STATUS_OK;

	if (!scan)
		return STATUS_ERROR;
	if (!(options.json ? list_json : list_table)(scan, failed))
		status = STATUS_ERROR;
	else if (failed)
		status = failed_status(scan);
	scan_say_unseen(scan);
	scan_free(scan);
	return status;
}

int do_list(int argc, char **argv)
{
	bool failed = argc > 0 && !strcmp(argv[0], "--failed");

	if (argc > failed)
		return usage_error("list", argv[failed]);
	return list(failed);
}

static void append_holders(GString *text, const char *end, GPtrArray *holders,
			   const struct scan *scan)
{
	unsigned int i;

	if (!holders->len)
		g_string_append_printf(text, "  %-14s %s\n", end, scan_is_partial(scan) ?
				       "nobody of those that could be looked at" : "nobody");
	for (i = 0; i < holders->len; i++) {
		const struct holder *holder = g_ptr_array_index(holders, i);
		g_autofree char *name = printable(holder->name);

		g_string_append_printf(text, "  %-14s process %d (%s), descriptor %u", end,
				       holder->pid, name, holder->fd);
		if (holder->descriptors > 1)
			g_string_append_printf(text, " and %u more", holder->descriptors - 1);
		g_string_append_c(text, '\n');
	}
}

static void append_ranges(GString *text, const struct fdinfo *info)
{
	unsigned int i;

	for (i = 0; i < info->ranges->len; i++) {
		const struct fdinfo_range *range =
			&g_array_index(info->ranges, struct fdinfo_range, i);
		g_autofree char *name = g_strdup_printf("range %u", range->rid);

		g_string_append_printf(text, "  %-14s %s 0x%" G_GINT64_MODIFIER "x-0x%"
				       G_GINT64_MODIFIER "x, %s\n", name,
				       range->pio ? "pio" : "mmio", range->addr,
				       range->addr + (range->len - 1),
				       range->posted ? "posted" : "nonposted");
	}
}

static bool show_text(const struct device *device, const struct scan *scan)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *vm = device_vm_text(device);
	unsigned int i;

	g_string_append_printf(text, "device %u\n", device->info->id);
	g_string_append_printf(text, "  %-14s %s\n", "state",
			       fdinfo_state_name(device->info->state));
	g_string_append_printf(text, "  %-14s %s\n", "vm", vm);
	append_holders(text, "master", device->masters, scan);
	append_holders(text, "slave", device->slaves, scan);
	append_ranges(text, device->info);
	for (i = 0; i < FDINFO_NR_NUMBERS; i++)
		g_string_append_printf(text, "  %-14s %" G_GUINT64_FORMAT "\n",
				       fdinfo_number_name(i), device->info->numbers[i]);
	return out_text(text->str);
}

static bool show_json(const struct device *device)
{
	struct json *json = json_new(options.pretty);

	json_object(json, NULL);
	device_json(json, device);
	json_end(json);
	return out_json(json);
}

static int show(uint32_t id)
{
	struct scan *scan = look();
	const struct device *device;
	int status = STATUS_ERROR;

	if (!scan)
		return STATUS_ERROR;
	device = scan_find(scan, id);
	if (!device) {
		p_err("no device %u is seen", id);
		status = scan_is_partial(scan) ? STATUS_UNKNOWN : STATUS_NO;
	} else if (options.json ? show_json(device) : show_text(device, scan)) {
		status = STATUS_OK;
	}
	scan_say_unseen(scan);
	scan_free(scan);
	return status;
}

int do_show(int argc, char **argv)
{
	guint64 id;

	if (argc < 1) {
		p_err("show: give the id of a device: 'kvm-devuser list' has them");
		return STATUS_USAGE;
	}
	if (argc > 1)
		return usage_error("show", argv[1]);
	if (!g_ascii_string_to_unsigned(argv[0], 10, 0, G_MAXUINT32, &id, NULL)) {
		p_err("show: '%s' is not the id of a device", argv[0]);
		return STATUS_USAGE;
	}
	return show(id);
}
