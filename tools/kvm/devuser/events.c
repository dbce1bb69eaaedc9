// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has happened to devices, from how they were and how they are. Of what came and
 * went between two looks only the traces are seen: a counter, another process.
 */
#include "events.h"

static const char * const names[] = {
	[EVENT_PRESENT] = "present",
	[EVENT_APPEARED] = "appeared",
	[EVENT_SLAVE_GAINED] = "slave-gained",
	[EVENT_SLAVE_LOST] = "slave-lost",
	[EVENT_SLAVE_REVOKED] = "slave-revoked",
	[EVENT_SLAVE_REPLACED] = "slave-replaced",
	[EVENT_TIMED_OUT] = "timed-out",
	[EVENT_FAILED] = "failed",
	[EVENT_GONE] = "gone",
};

const char *event_name(enum event event)
{
	return names[event];
}

static bool has_holder(GPtrArray *holders, const struct holder *wanted)
{
	unsigned int i;

	for (i = 0; i < holders->len; i++) {
		const struct holder *holder = g_ptr_array_index(holders, i);

		if (holder->pid == wanted->pid && holder->start == wanted->start)
			return true;
	}
	return false;
}

static bool any_left(GPtrArray *before, GPtrArray *after)
{
	unsigned int i;

	for (i = 0; i < before->len; i++)
		if (has_holder(after, g_ptr_array_index(before, i)))
			return true;

	return false;
}

static bool all_in(GPtrArray *some, GPtrArray *others)
{
	unsigned int i;

	for (i = 0; i < some->len; i++)
		if (!has_holder(others, g_ptr_array_index(some, i)))
			return false;

	return true;
}

/*
 * Does somebody still hold the slave that served? It may have gone to another process
 * meanwhile; who had one before, beside one that has closed his, has an older one.
 */
static bool is_still_held(GPtrArray *before, GPtrArray *after)
{
	return after->len && (all_in(before, after) || !all_in(after, before));
}

/* How a device was, as far as it matters. */
struct past {
	enum fdinfo_state state;
	uint64_t timeouts;
	GPtrArray *slaves;	/* NULL before it was */
};

static bool was_replaced(const struct past *past, const struct device *device)
{
	return past->slaves && past->slaves->len && device->slaves->len &&
	       !any_left(past->slaves, device->slaves);
}

/* The slave that served, or that serves now. Nothing is said of one that did not answer. */
static void slave_events(const struct past *past, const struct device *device, bool timed_out,
			 event_fn *fn, void *data)
{
	enum fdinfo_state state = device->info->state;

	if (state == FDINFO_LIVE) {
		if (past->state == FDINFO_IDLE)
			fn(EVENT_SLAVE_GAINED, device, data);
		else if (past->state != FDINFO_LIVE || timed_out || was_replaced(past, device))
			fn(EVENT_SLAVE_REPLACED, device, data);
		return;
	}
	if (timed_out || (state != FDINFO_HELD && state != FDINFO_FAILED))
		return;
	if (past->state == FDINFO_LIVE && is_still_held(past->slaves, device->slaves))
		fn(EVENT_SLAVE_REVOKED, device, data);
	else if (past->state == FDINFO_LIVE || past->state == FDINFO_IDLE)
		fn(EVENT_SLAVE_LOST, device, data);
}

static void device_events(const struct past *past, const struct device *device, event_fn *fn,
			  void *data)
{
	enum fdinfo_state state = device->info->state;
	bool timed_out = device->info->numbers[FDINFO_TIMEOUTS] > past->timeouts;

	if (timed_out)
		fn(EVENT_TIMED_OUT, device, data);
	slave_events(past, device, timed_out, fn, data);
	if (state == FDINFO_FAILED && (past->state != FDINFO_FAILED || timed_out))
		fn(EVENT_FAILED, device, data);
	if (state == FDINFO_GONE && past->state != FDINFO_GONE)
		fn(EVENT_GONE, device, data);
}

static void events_of(const struct device *before, const struct device *after, event_fn *fn,
		      void *data)
{
	struct past past = { .state = FDINFO_IDLE };

	if (before) {
		past.state = before->info->state;
		past.timeouts = before->info->numbers[FDINFO_TIMEOUTS];
		past.slaves = before->slaves;
	} else {
		fn(EVENT_APPEARED, after, data);
	}
	device_events(&past, after, fn, data);
}

void events_between(const struct scan *before, const struct scan *after, event_fn *fn, void *data)
{
	unsigned int i;

	for (i = 0; i < after->devices->len; i++) {
		const struct device *device = g_ptr_array_index(after->devices, i);

		if (before)
			events_of(scan_find(before, device->info->id), device, fn, data);
		else
			fn(EVENT_PRESENT, device, data);
	}
	for (i = 0; before && i < before->devices->len; i++) {
		const struct device *device = g_ptr_array_index(before->devices, i);

		if (device->info->state != FDINFO_GONE && !scan_find(after, device->info->id))
			fn(EVENT_GONE, device, data);
	}
}
