// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command monitor: says what happens to devices.
 *
 * The kernel tells of VMs that come and go, when a process ends, and where it can and the
 * VMM asks for it, of a failure; that is when it looks at all devices. Nobody tells of the
 * rest, and what is told may be lost: so it looks from time to time as well.
 */
#include <signal.h>
#include <string.h>

#include <glib-unix.h>

#include "device.h"
#include "events.h"
#include "main.h"
#include "output.h"
#include "uevent.h"
#include "watch.h"

/* What comes together is looked at once. */
#define SOON_MS 20

struct monitor {
	double seconds;
	GMainLoop *loop;
	struct uevents *uevents;	/* NULL while there are none */
	bool said_broken;
	struct watch *watch;
	struct scan *before;
	unsigned int soon;		/* the timer of a look that has been asked for */
	int status;
};

static char *now(void)
{
	g_autoptr(GDateTime) time = g_date_time_new_now_utc();

	return g_date_time_format(time, "%Y-%m-%dT%H:%M:%S.%fZ");
}

static bool say_json(enum event event, const struct device *device)
{
	struct json *json = json_new(options.pretty);
	g_autofree char *time = now();

	json_object(json, NULL);
	json_string(json, "time", time);
	json_string(json, "event", event_name(event));
	device_json(json, device);
	json_end(json);
	return out_json(json);
}

static bool say_text(enum event event, const struct device *device, const struct scan *scan)
{
	g_autofree char *time = now();
	g_autofree char *vm = device_vm_text(device);
	g_autofree char *master = holders_text(device->masters, scan);
	g_autofree char *slave = holders_text(device->slaves, scan);
	g_autofree char *line =
		g_strdup_printf("%s device %u %s: state %s, vm %s, master %s, slave %s\n", time,
				device->info->id, event_name(event),
				fdinfo_state_name(device->info->state), vm, master, slave);

	return out_text(line);
}

/* What is said of a look. */
struct report {
	struct monitor *monitor;
	const struct scan *scan;
};

static void end(struct monitor *monitor, int status)
{
	monitor->status = status;
	g_main_loop_quit(monitor->loop);
}

static void happened(enum event event, const struct device *device, void *data)
{
	struct report *report = data;

	if (report->monitor->status != STATUS_OK)
		return;
	if (!(options.json ? say_json(event, device) : say_text(event, device, report->scan)))
		end(report->monitor, STATUS_ERROR);
}

static void look(struct monitor *monitor)
{
	struct scan *scan = scan_or_say();
	struct report report = { .monitor = monitor, .scan = scan };

	if (!scan) {
		end(monitor, STATUS_ERROR);
		return;
	}
	if (!monitor->before)
		scan_say_unseen(scan);
	events_between(monitor->before, scan, happened, &report);
	watch_holders(monitor->watch, scan);
	scan_free(monitor->before);
	monitor->before = scan;
}

static gboolean look_now(gpointer data)
{
	struct monitor *monitor = data;

	monitor->soon = 0;
	look(monitor);
	return G_SOURCE_REMOVE;
}

static void look_soon(void *data)
{
	struct monitor *monitor = data;

	if (!monitor->soon)
		monitor->soon = g_timeout_add(SOON_MS, look_now, monitor);
}

static void uevent_came(enum uevents_news news, void *data);

/* Without, it goes on by looking from time to time. */
static void listen_again(struct monitor *monitor)
{
	g_autoptr(GError) error = NULL;

	monitor->uevents = uevents_new(uevent_came, monitor, &error);
	if (!monitor->uevents && !monitor->said_broken) {
		p_info("%s; it looks every %g seconds", error->message, monitor->seconds);
		monitor->said_broken = true;
	}
}

static gboolean drop_uevents(gpointer data)
{
	struct monitor *monitor = data;

	uevents_free(monitor->uevents);
	monitor->uevents = NULL;
	return G_SOURCE_REMOVE;
}

static void uevent_came(enum uevents_news news, void *data)
{
	struct monitor *monitor = data;

	if (news == UEVENTS_OVERRUN)
		p_info("uevents were lost: it looks at all devices");
	if (news == UEVENTS_BROKEN) {
		p_info("the socket for uevents is lost");
		/* Not while it is in use. */
		g_idle_add(drop_uevents, monitor);
	}
	look_soon(monitor);
}

static gboolean look_regularly(gpointer data)
{
	struct monitor *monitor = data;

	if (!monitor->uevents)
		listen_again(monitor);
	look(monitor);
	return G_SOURCE_CONTINUE;
}

static gboolean interrupted(gpointer data)
{
	end(data, STATUS_OK);
	return G_SOURCE_CONTINUE;
}

static int run(struct monitor *monitor)
{
	monitor->loop = g_main_loop_new(NULL, FALSE);
	monitor->watch = watch_new(look_soon, monitor);
	g_unix_signal_add(SIGINT, interrupted, monitor);
	g_unix_signal_add(SIGTERM, interrupted, monitor);
	/* Before the first look: what comes after it is not missed. */
	listen_again(monitor);
	look(monitor);
	g_timeout_add(monitor->seconds * 1000, look_regularly, monitor);
	if (monitor->status == STATUS_OK)
		g_main_loop_run(monitor->loop);

	uevents_free(monitor->uevents);
	watch_free(monitor->watch);
	scan_free(monitor->before);
	g_main_loop_unref(monitor->loop);
	return monitor->status;
}

int do_monitor(int argc, char **argv)
{
	struct monitor monitor = { .seconds = 2, .status = STATUS_OK };

	if (argc && !strcmp(argv[0], "--interval")) {
		if (!parse_seconds(argc > 1 ? argv[1] : NULL, &monitor.seconds))
			return STATUS_USAGE;
		argc -= 2;
		argv += 2;
	}
	return argc > 0 ? usage_error("monitor", argv[0]) : run(&monitor);
}
