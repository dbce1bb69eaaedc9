// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the scoreboard, a line for each vCPU.
 */

#include <linux/slab.h>

#include "devuser_private.h"

struct devuser_score *devuser_score_create(struct devuser *d, int vcpu_idx)
{
	struct devuser_score *score;

	score = kzalloc(sizeof(*score), GFP_KERNEL_ACCOUNT);
	if (!score)
		return ERR_PTR(-ENOMEM);

	init_waitqueue_head(&score->wait);
	score->vcpu_idx = vcpu_idx;
	score->request.score = score;

	spin_lock(&d->lock);
	WRITE_ONCE(d->nr_scores, max_t(unsigned int, d->nr_scores, vcpu_idx + 1));
	spin_unlock(&d->lock);

	/*
	 * A slave's reply may look for it at any time. Pairs with the
	 * smp_load_acquire() in devuser_score_find().
	 */
	smp_store_release(&d->scores[vcpu_idx], score);

	return score;
}

void devuser_score_free_all(struct devuser *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_scores; i++)
		kfree(d->scores[i]);
	kvfree(d->scores);
}

void devuser_score_wake_all(struct devuser *d)
{
	struct devuser_score *score;
	unsigned int i;

	lockdep_assert_held(&d->lock);

	for (i = 0; i < d->nr_scores; i++) {
		score = devuser_score_find(d, i);
		if (score)
			devuser_score_wake(score);
	}
}

/* What vCPUs count without a lock. */
void devuser_score_add_up(struct devuser *d, struct kvm_dev_user_status *status)
{
	unsigned int i, nr = READ_ONCE(d->nr_scores);
	struct devuser_score *score;

	for (i = 0; i < nr; i++) {
		score = devuser_score_find(d, i);
		if (!score)
			continue;
		status->shadow_loads += READ_ONCE(score->shadow_loads);
		status->doorbells += READ_ONCE(score->doorbells);
	}
}
