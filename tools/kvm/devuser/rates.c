// SPDX-License-Identifier: GPL-2.0-only
#include "top.h"

static const enum fdinfo_number accesses[] = {
	FDINFO_STORES, FDINFO_LOADS, FDINFO_SHADOW_LOADS, FDINFO_DOORBELLS,
};

/* A counter that went back is another device's: KVM was loaded anew. */
static double rate(uint64_t before, uint64_t after, double seconds)
{
	return after > before && seconds > 0 ? (after - before) / seconds : 0;
}

static struct rates device_rates(const struct device *before, const struct device *after,
				 double seconds)
{
	struct rates rates = { .device = after };
	unsigned int i;

	for (i = 0; before && i < FDINFO_NR_NUMBERS; i++)
		rates.numbers[i] = rate(before->info->numbers[i], after->info->numbers[i], seconds);
	for (i = 0; i < G_N_ELEMENTS(accesses); i++)
		rates.accesses += rates.numbers[accesses[i]];

	return rates;
}

static int busiest_first(gconstpointer a, gconstpointer b)
{
	const struct rates *one = a, *other = b;

	if (one->accesses != other->accesses)
		return one->accesses < other->accesses ? 1 : -1;
	return one->device->info->id < other->device->info->id ? -1 : 1;
}

GArray *rates_between(const struct scan *before, const struct scan *after)
{
	double seconds = (after->time - before->time) / (double)G_USEC_PER_SEC;
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct rates));
	unsigned int i;

	for (i = 0; i < after->devices->len; i++) {
		const struct device *device = g_ptr_array_index(after->devices, i);
		struct rates rates = device_rates(scan_find(before, device->info->id), device,
						  seconds);

		g_array_append_val(all, rates);
	}
	g_array_sort(all, busiest_first);
	return all;
}
