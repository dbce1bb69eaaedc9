// SPDX-License-Identifier: GPL-2.0-only
#include <sys/syscall.h>
#include <unistd.h>

#include <glib-unix.h>

#include "watch.h"

struct watch {
	watch_fn *fn;
	void *data;
	GHashTable *watched;	/* struct watched by pid */
};

struct watched {
	struct watch *watch;
	int pidfd;
	uint64_t start;
	unsigned int source;	/* 0 once it has ended */
	bool wanted;
};

static void watched_free(gpointer data)
{
	struct watched *watched = data;

	if (watched->source)
		g_source_remove(watched->source);
	close(watched->pidfd);
	g_free(watched);
}

static gboolean ended(int fd, GIOCondition condition, gpointer data)
{
	struct watched *watched = data;

	watched->source = 0;
	watched->watch->fn(watched->watch->data);
	return G_SOURCE_REMOVE;
}

struct watch *watch_new(watch_fn *fn, void *data)
{
	struct watch *watch = g_new0(struct watch, 1);

	watch->fn = fn;
	watch->data = data;
	watch->watched = g_hash_table_new_full(NULL, NULL, NULL, watched_free);
	return watch;
}

void watch_free(struct watch *watch)
{
	g_hash_table_unref(watch->watched);
	g_free(watch);
}

/* Where there is no descriptor left for it, the next look sees that it has ended. */
static void add(struct watch *watch, const struct holder *holder)
{
	int pidfd = syscall(SYS_pidfd_open, holder->pid, 0);
	struct watched *watched;

	if (pidfd < 0)
		return;
	watched = g_new0(struct watched, 1);
	watched->watch = watch;
	watched->pidfd = pidfd;
	watched->start = holder->start;
	watched->wanted = true;
	watched->source = g_unix_fd_add(pidfd, G_IO_IN, ended, watched);
	g_hash_table_replace(watch->watched, GINT_TO_POINTER(holder->pid), watched);
}

static void want_all(struct watch *watch, GPtrArray *holders)
{
	unsigned int i;

	for (i = 0; i < holders->len; i++) {
		const struct holder *holder = g_ptr_array_index(holders, i);
		struct watched *watched = g_hash_table_lookup(watch->watched,
							      GINT_TO_POINTER(holder->pid));

		if (watched && watched->start == holder->start)
			watched->wanted = true;
		else
			add(watch, holder);
	}
}

static gboolean is_unwanted(gpointer key, gpointer value, gpointer data)
{
	struct watched *watched = value;
	bool unwanted = !watched->wanted;

	watched->wanted = false;
	return unwanted;
}

void watch_holders(struct watch *watch, const struct scan *scan)
{
	unsigned int i;

	for (i = 0; i < scan->devices->len; i++) {
		const struct device *device = g_ptr_array_index(scan->devices, i);

		want_all(watch, device->masters);
		want_all(watch, device->slaves);
	}
	g_hash_table_foreach_remove(watch->watched, is_unwanted, NULL);
}
