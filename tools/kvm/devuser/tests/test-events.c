// SPDX-License-Identifier: GPL-2.0-only
/* What two looks at the devices of a host say has happened between them. */
#include <string.h>

#include "../events.h"
#include "fixture.h"

#define VMM	100
#define OLD	200
#define NEW	201

/* How device 1 is. No process is 0. */
struct look {
	const char *state;
	guint64 timeouts;
	int master;
	int slave;
	int other_slave;
};

static void add_end(struct fake_proc *proc, int pid, const char *end, const struct look *look)
{
	guint64 numbers[FDINFO_NR_NUMBERS] = { [FDINFO_TIMEOUTS] = look->timeouts };
	g_autofree char *text = fake_fdinfo_numbers(1, look->state, numbers);

	if (!pid)
		return;
	fake_process(proc, pid, "some", NULL, 0);
	fake_descriptor(proc, pid, 5, end, text);
}

/* One without a state has no device. */
static struct scan *scan_of(const struct look *look)
{
	struct fake_proc *proc = fake_proc_new();
	struct scan *scan;

	if (look->state) {
		add_end(proc, look->master, FAKE_MASTER, look);
		add_end(proc, look->slave, FAKE_SLAVE, look);
		add_end(proc, look->other_slave, FAKE_SLAVE, look);
	}
	scan = scan_new(proc->root, NULL);
	g_assert_nonnull(scan);
	fake_proc_free(proc);
	return scan;
}

static void append(enum event event, const struct device *device, void *data)
{
	GString *all = data;

	g_assert_cmpuint(device->info->id, ==, 1);
	g_string_append_printf(all, "%s%s", all->len ? " " : "", event_name(event));
}

static const struct change {
	struct look before, after;
	const char *events;
} changes[] = {
	/* come and go */
	{ { 0 }, { "idle", 0, VMM }, "appeared" },
	{ { 0 }, { "live", 0, VMM, OLD }, "appeared slave-gained" },
	{ { 0 }, { "failed", 1, VMM, OLD }, "appeared timed-out failed" },
	{ { 0 }, { "failed", 0, VMM }, "appeared slave-lost failed" },
	{ { 0 }, { "gone", 0, 0, OLD }, "appeared gone" },
	{ { "idle", 0, VMM }, { 0 }, "gone" },
	{ { "live", 0, VMM, OLD }, { 0 }, "gone" },
	{ { "live", 0, VMM, OLD }, { "gone", 0, 0, OLD }, "gone" },
	{ { "gone", 0, 0, OLD }, { "gone", 0, 0, OLD }, "" },
	{ { "gone", 0, 0, OLD }, { 0 }, "" },
	/* nothing */
	{ { "live", 0, VMM, OLD }, { "live", 0, VMM, OLD }, "" },
	{ { "failed", 1, VMM, OLD }, { "failed", 1, VMM }, "" },
	/* in flight in a socket, then in a process */
	{ { "live", 0, VMM }, { "live", 0, VMM, OLD }, "" },
	{ { "live", 0, VMM, VMM }, { "live", 0, VMM }, "" },
	{ { "live", 0, VMM, OLD }, { "live", 0, VMM, OLD, NEW }, "" },
	/* slaves */
	{ { "idle", 0, VMM }, { "live", 0, VMM, OLD }, "slave-gained" },
	{ { "idle", 0, VMM }, { "held", 0, VMM }, "slave-lost" },
	{ { "live", 0, VMM, OLD }, { "held", 0, VMM }, "slave-lost" },
	{ { "live", 0, VMM, OLD }, { "held", 0, VMM, OLD }, "slave-revoked" },
	{ { "live", 0, VMM, VMM }, { "held", 0, VMM, OLD }, "slave-revoked" },
	{ { "live", 0, VMM }, { "held", 0, VMM, OLD }, "slave-revoked" },
	{ { "live", 0, VMM, OLD, NEW }, { "held", 0, VMM, OLD }, "slave-lost" },
	{ { "live", 0, VMM, OLD }, { "failed", 0, VMM }, "slave-lost failed" },
	{ { "live", 0, VMM, OLD }, { "failed", 0, VMM, OLD }, "slave-revoked failed" },
	{ { "live", 0, VMM, OLD }, { "live", 0, VMM, NEW }, "slave-replaced" },
	{ { "held", 0, VMM }, { "live", 0, VMM, NEW }, "slave-replaced" },
	{ { "held", 0, VMM, OLD }, { "live", 0, VMM, OLD, NEW }, "slave-replaced" },
	{ { "failed", 0, VMM }, { "live", 0, VMM, NEW }, "slave-replaced" },
	{ { "held", 0, VMM }, { "failed", 1, VMM }, "timed-out failed" },
	/* time-outs */
	{ { "live", 0, VMM, OLD }, { "failed", 1, VMM, OLD }, "timed-out failed" },
	{ { "live", 3, VMM, OLD }, { "live", 4, VMM, OLD }, "timed-out slave-replaced" },
	{ { "failed", 1, VMM, OLD }, { "failed", 2, VMM, NEW }, "timed-out failed" },
	/* what this program does not know */
	{ { "live", 0, VMM, OLD }, { "resting", 0, VMM, OLD }, "" },
};

static void test_changes(void)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(changes); i++) {
		struct scan *before = scan_of(&changes[i].before);
		struct scan *after = scan_of(&changes[i].after);
		g_autoptr(GString) all = g_string_new(NULL);

		events_between(before, after, append, all);
		if (strcmp(all->str, changes[i].events))
			g_error("change %u: '%s', not '%s'", i, all->str, changes[i].events);
		scan_free(before);
		scan_free(after);
	}
}

static void test_first(void)
{
	struct look look = { "failed", 1, VMM };
	struct scan *scan = scan_of(&look);
	g_autoptr(GString) all = g_string_new(NULL);

	events_between(NULL, scan, append, all);
	g_assert_cmpstr(all->str, ==, "present");
	scan_free(scan);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/events/changes", test_changes);
	g_test_add_func("/events/first", test_first);
	return g_test_run();
}
