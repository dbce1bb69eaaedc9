// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: the scoreboard, a line for each vCPU.
 */

#include <linux/slab.h>

#include "devuser_private.h"

struct devuser_score *devuser_score_create(struct devuser *d, int vcpu_idx)
{
	struct devuser_score *score;
	int r;

	score = kzalloc(sizeof(*score), GFP_KERNEL_ACCOUNT);
	if (!score)
		return ERR_PTR(-ENOMEM);

	init_waitqueue_head(&score->wait);
	score->vcpu_idx = vcpu_idx;
	score->request.score = score;

	/* Only the vCPU's own thread comes here, and only once. */
	r = xa_insert(&d->scores, vcpu_idx, score, GFP_KERNEL_ACCOUNT);
	if (r) {
		kfree(score);
		return ERR_PTR(r);
	}

	if (vcpu_idx >= DEVUSER_FIRST_SCORES)
		return score;

	/*
	 * A slave's reply may look for it at any time. Pairs with the
	 * smp_load_acquire() in devuser_score_find().
	 */
	smp_store_release(&d->first_scores[vcpu_idx], score);

	return score;
}

void devuser_score_free_all(struct devuser *d)
{
	struct devuser_score *score;
	unsigned long idx;

	xa_for_each(&d->scores, idx, score)
		kfree(score);
	xa_destroy(&d->scores);
}

u64 devuser_score_shadow_loads(struct devuser *d)
{
	struct devuser_score *score;
	unsigned long idx;
	u64 sum = 0;

	xa_for_each(&d->scores, idx, score)
		sum += READ_ONCE(score->shadow_loads);

	return sum;
}
