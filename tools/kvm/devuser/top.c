// SPDX-License-Identifier: GPL-2.0-only
/* The command top: who is how busy. */
#include "device.h"
#include "main.h"
#include "output.h"
#include "repeat.h"
#include "top.h"

struct top {
	struct repeat repeat;
	struct scan *before;
	int status;
};

static const enum fdinfo_number rated[] = {
	FDINFO_STORES, FDINFO_LOADS, FDINFO_SHADOW_LOADS, FDINFO_DOORBELLS, FDINFO_TIMEOUTS,
	FDINFO_REFUSED,
};

static void top_row(struct table *table, const struct rates *rates, const struct scan *scan)
{
	const struct device *device = rates->device;
	unsigned int i;

	table_cell(table, g_strdup_printf("%u", device->info->id));
	table_cell(table, g_strdup(fdinfo_state_name(device->info->state)));
	table_cell(table, device_vm_text(device));
	table_cell(table, holders_text(device->slaves, scan));
	for (i = 0; i < G_N_ELEMENTS(rated); i++)
		table_cell(table, g_strdup_printf("%.1f", rates->numbers[rated[i]]));
	table_cell(table, g_strdup_printf("%" G_GUINT64_FORMAT,
					  device->info->numbers[FDINFO_PENDING] +
					  device->info->numbers[FDINFO_SENT]));
}

static bool top_table(const struct top *top, const struct scan *scan, GArray *all)
{
	static const char * const headings[] = {
		">ID", "STATE", "VM", "SLAVE", ">STORES/s", ">LOADS/s", ">SHADOW/s",
		">DOORBELLS/s", ">TIMEOUTS/s", ">REFUSED/s", ">QUEUED", NULL
	};
	struct table *table = table_new(headings);
	g_autofree char *text = NULL;
	unsigned int i;

	for (i = 0; i < all->len; i++)
		top_row(table, &g_array_index(all, struct rates, i), scan);
	text = table_finish(table);
	return repeat_page(&top->repeat, text);
}

static void rates_json(struct json *json, const struct rates *rates)
{
	unsigned int i;

	json_object(json, NULL);
	device_json(json, rates->device);
	json_object(json, "rates");
	for (i = 0; i < G_N_ELEMENTS(rated); i++)
		json_rate(json, fdinfo_number_name(rated[i]), rates->numbers[rated[i]]);
	json_end(json);
	json_end(json);
}

static bool top_json(const struct scan *scan, GArray *all, double seconds)
{
	struct json *json = json_new(options.pretty);
	unsigned int i;

	json_object(json, NULL);
	json_rate(json, "seconds", seconds);
	json_array(json, "devices");
	for (i = 0; i < all->len; i++)
		rates_json(json, &g_array_index(all, struct rates, i));
	json_end(json);
	scan_unseen_json(json, scan);
	json_end(json);
	return out_json(json);
}

static bool show_rates(const struct top *top, const struct scan *scan)
{
	g_autoptr(GArray) all = rates_between(top->before, scan);

	if (options.json)
		return top_json(scan, all, (scan->time - top->before->time) / 1e6);
	return top_table(top, scan, all);
}

static bool look_again(void *data)
{
	struct top *top = data;
	struct scan *scan = scan_or_say();

	if (!scan || !show_rates(top, scan))
		top->status = STATUS_ERROR;
	scan_free(top->before);
	top->before = scan;
	return top->repeat.watch && top->status == STATUS_OK;
}

static int run(struct top *top)
{
	top->before = scan_or_say();
	if (!top->before)
		return STATUS_ERROR;

	scan_say_unseen(top->before);
	repeat_run(&top->repeat, look_again, top);
	scan_free(top->before);
	return top->status;
}

int do_top(int argc, char **argv)
{
	struct top top = { .repeat = REPEAT_DEFAULT, .status = STATUS_OK };

	return repeat_options(&top.repeat, NULL, "top", argc, argv) ? run(&top) : STATUS_USAGE;
}
