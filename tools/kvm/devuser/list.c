// SPDX-License-Identifier: GPL-2.0-only
/* The commands list and show. */
#include "device.h"
#include "main.h"
#include "output.h"
#include "repeat.h"

/* What a command looks at, once or again and again. */
struct look {
	struct repeat repeat;
	bool failed;		/* of all devices, those */
	uint32_t id;		/* the one device */
	bool unseen_said;
	int status;
};

static void say_unseen_once(struct look *look, const struct scan *scan)
{
	if (scan && !look->unseen_said)
		scan_say_unseen(scan);
	look->unseen_said = true;
}

static int run(struct look *look, bool (*again)(void *data))
{
	if (again(look) && look->repeat.watch)
		repeat_run(&look->repeat, again, look);

	return look->status;
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

static bool list_table(const struct look *look, const struct scan *scan)
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

		if (!look->failed || device_has_failed(device))
			list_row(table, device, scan);
	}
	text = table_finish(table);
	return repeat_page(&look->repeat, text);
}

static bool list_json(const struct look *look, const struct scan *scan)
{
	struct json *json = json_new(options.pretty);
	unsigned int i;

	json_object(json, NULL);
	json_array(json, "devices");
	for (i = 0; i < scan->devices->len; i++) {
		const struct device *device = g_ptr_array_index(scan->devices, i);

		if (look->failed && !device_has_failed(device))
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

static int list(const struct look *look, const struct scan *scan)
{
	if (!(options.json ? list_json : list_table)(look, scan))
		return STATUS_ERROR;

	return look->failed ? failed_status(scan) : STATUS_OK;
}

static bool list_again(void *data)
{
	struct look *look = data;
	struct scan *scan = scan_or_say();

	look->status = scan ? list(look, scan) : STATUS_ERROR;
	say_unseen_once(look, scan);
	scan_free(scan);
	return look->status != STATUS_ERROR;
}

int do_list(int argc, char **argv)
{
	struct look look = { .repeat = REPEAT_DEFAULT };
	struct flag failed = { "--failed", &look.failed };

	if (!repeat_options(&look.repeat, &failed, "list", argc, argv))
		return STATUS_USAGE;

	return run(&look, list_again);
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

static bool show_text(const struct look *look, const struct device *device,
		      const struct scan *scan)
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
	return repeat_page(&look->repeat, text->str);
}

static bool show_json(const struct device *device)
{
	struct json *json = json_new(options.pretty);

	json_object(json, NULL);
	device_json(json, device);
	json_end(json);
	return out_json(json);
}

static int show(const struct look *look, const struct scan *scan)
{
	const struct device *device = scan_find(scan, look->id);

	if (!device) {
		p_err("no device %u is seen", look->id);
		return scan_is_partial(scan) ? STATUS_UNKNOWN : STATUS_NO;
	}
	return (options.json ? show_json(device) : show_text(look, device, scan)) ? STATUS_OK :
										    STATUS_ERROR;
}

static bool show_again(void *data)
{
	struct look *look = data;
	struct scan *scan = scan_or_say();

	look->status = scan ? show(look, scan) : STATUS_ERROR;
	say_unseen_once(look, scan);
	scan_free(scan);
	return look->status == STATUS_OK;
}

int do_show(int argc, char **argv)
{
	struct look look = { .repeat = REPEAT_DEFAULT };
	guint64 id;

	if (argc < 1) {
		p_err("show: give the id of a device: 'kvm-devuser list' has them");
		return STATUS_USAGE;
	}
	if (!g_ascii_string_to_unsigned(argv[0], 10, 0, G_MAXUINT32, &id, NULL)) {
		p_err("show: '%s' is not the id of a device", argv[0]);
		return STATUS_USAGE;
	}
	look.id = id;
	if (!repeat_options(&look.repeat, NULL, "show", argc - 1, argv + 1))
		return STATUS_USAGE;

	return run(&look, show_again);
}
