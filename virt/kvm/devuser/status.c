// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: what users see of it, in KVM_DEV_USER_INFO,
 * KVM_DEV_USER_STATUS and fdinfo.
 */

#include <linux/seq_file.h>

#include "devuser_private.h"

void devuser_info(struct kvm_dev_user_info *info)
{
	*info = (struct kvm_dev_user_info) {
		.size = sizeof(*info),
		.version = KVM_DEV_USER_VERSION,
		.ranges = DEVUSER_RANGES_MAX,
		.stores = DEVUSER_STORES_MAX,
		.areas = DEVUSER_AREAS_MAX,
		.doorbells = DEVUSER_DOORBELLS_MAX,
		.shadow_bytes = DEVUSER_SHADOW_MAX,
		.spin_ns = DEVUSER_SPIN_MAX,
	};
}

static void devuser_status_locked(struct devuser *d,
				  struct kvm_dev_user_status *status)
{
	lockdep_assert_held(&d->lock);

	*status = (struct kvm_dev_user_status) {
		.size = sizeof(*status),
		.state = d->state,
		.reason = d->reason,
		.pending = d->nr_pending,
		.sent = d->nr_sent,
		.vcpus = d->nr_accesses,
		.stores = d->stores,
		.loads = d->loads,
		.timeouts = d->timeouts,
		.refused = d->refused,
		.discarded = d->discarded,
		.busy = d->busy,
	};
}

void devuser_status(struct devuser *d, struct kvm_dev_user_status *status)
{
	spin_lock(&d->lock);
	devuser_status_locked(d, status);
	spin_unlock(&d->lock);

	devuser_score_add_up(d, status);
}

static const char *devuser_state_name(u32 state)
{
	static const char * const names[] = {
		[KVM_DEV_USER_IDLE] = "idle",
		[KVM_DEV_USER_LIVE] = "live",
		[KVM_DEV_USER_HELD] = "held",
		[KVM_DEV_USER_FAILED] = "failed",
		[DEVUSER_GONE] = "gone",
	};

	return names[state];
}

static void devuser_show_ranges(struct seq_file *m, struct devuser *d)
{
	const struct devuser_range *range;
	u32 rid;

	spin_lock(&d->lock);
	for (rid = 0; rid < DEVUSER_RANGES_MAX; rid++) {
		range = d->ranges[rid];
		if (range)
			seq_printf(m, "devuser-range:\t%u %s 0x%llx 0x%llx %s\n",
				   rid, range->pio ? "pio" : "mmio",
				   range->addr, range->len,
				   range->posted ? "posted" : "nonposted");
	}
	spin_unlock(&d->lock);
}

/* The fdinfo of the master and of the slave. */
void devuser_show(struct seq_file *m, struct devuser *d)
{
	struct kvm_dev_user_status status;

	devuser_status(d, &status);

	seq_printf(m, "devuser-id:\t%u\n", d->id);
	seq_printf(m, "devuser-state:\t%s\n", devuser_state_name(status.state));
	seq_printf(m, "devuser-pending:\t%u\n", status.pending);
	seq_printf(m, "devuser-sent:\t%u\n", status.sent);
	seq_printf(m, "devuser-vcpus:\t%u\n", status.vcpus);
	seq_printf(m, "devuser-stores:\t%llu\n", status.stores);
	seq_printf(m, "devuser-loads:\t%llu\n", status.loads);
	seq_printf(m, "devuser-shadow-loads:\t%llu\n", status.shadow_loads);
	seq_printf(m, "devuser-doorbells:\t%llu\n", status.doorbells);
	seq_printf(m, "devuser-timeouts:\t%llu\n", status.timeouts);
	seq_printf(m, "devuser-refused:\t%llu\n", status.refused);
	seq_printf(m, "devuser-discarded:\t%llu\n", status.discarded);
	seq_printf(m, "devuser-busy:\t%llu\n", status.busy);
	devuser_show_ranges(m, d);
}
