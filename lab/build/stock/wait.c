// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kernel/sched/wait.c exports with the patches, and stock kernels do not: for the
 * modules that are rebuilt for one of them.
 */
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/* That of kernel/sched/sched.h, which modules do not see. */
#define WF_CURRENT_CPU	0x40

/* One exclusive waiter is woken up, and all others. */
void __wake_up_on_current_cpu(struct wait_queue_head *wq_head, unsigned int mode, void *key)
{
	struct wait_queue_entry *entry, *next;
	unsigned long irq_flags;

	spin_lock_irqsave(&wq_head->lock, irq_flags);
	list_for_each_entry_safe(entry, next, &wq_head->head, entry) {
		/* Who is woken up may be gone then. */
		bool exclusive = entry->flags & WQ_FLAG_EXCLUSIVE;
		int woken = entry->func(entry, mode, WF_CURRENT_CPU, key);

		if (woken < 0 || (woken && exclusive))
			break;
	}
	spin_unlock_irqrestore(&wq_head->lock, irq_flags);
}
