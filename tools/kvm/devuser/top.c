// SPDX-License-Identifier: GPL-2.0-only
/* The command top: who is how busy. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "device.h"
#include "main.h"
#include "output.h"
#include "top.h"

struct top {
	bool watch;
	double seconds;
	struct scan *before;
	GMainLoop *loop;
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
	g_autofree char *text = NULL, *page = NULL;
	unsigned int i;

	for (i = 0; i < all->len; i++)
		top_row(table, &g_array_index(all, struct rates, i), scan);
	text = table_finish(table);
	/* On a terminal each table takes the place of the one before. */
	page = g_strconcat(top->watch && isatty(STDOUT_FILENO) ? "\033[H\033[J" : "", text, NULL);
	return out_text(page);
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

static gboolean look_again(gpointer data)
{
	struct top *top = data;
	g_autoptr(GError) error = NULL;
	struct scan *scan = scan_new(options.proc, &error);

	if (!scan)
		p_err("%s", error->message);
	if (!scan || !show_rates(top, scan))
		top->status = STATUS_ERROR;
	scan_free(top->before);
	top->before = scan;
	if (top->watch && top->status == STATUS_OK)
		return G_SOURCE_CONTINUE;

	g_main_loop_quit(top->loop);
	return G_SOURCE_REMOVE;
}

static gboolean interrupted(gpointer data)
{
	struct top *top = data;

	g_main_loop_quit(top->loop);
	return G_SOURCE_CONTINUE;
}

static int run(struct top *top)
{
	g_autoptr(GError) error = NULL;

	top->before = scan_new(options.proc, &error);
	if (!top->before) {
		p_err("%s", error->message);
		return STATUS_ERROR;
	}
	scan_say_unseen(top->before);
	top->loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGINT, interrupted, top);
	g_unix_signal_add(SIGTERM, interrupted, top);
	g_timeout_add(top->seconds * 1000, look_again, top);
	g_main_loop_run(top->loop);
	g_main_loop_unref(top->loop);
	scan_free(top->before);
	return top->status;
}

int do_top(int argc, char **argv)
{
	struct top top = { .seconds = 1, .status = STATUS_OK };

	for (; argc > 0; argc--, argv++) {
		if (!strcmp(argv[0], "--watch")) {
			top.watch = true;
		} else if (!strcmp(argv[0], "--interval")) {
			argc--;
			argv++;
			if (!parse_seconds(argc ? argv[0] : NULL, &top.seconds))
				return STATUS_USAGE;
		} else {
			return usage_error("top", argv[0]);
		}
	}
	return run(&top);
}
