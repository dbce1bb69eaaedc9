// SPDX-License-Identifier: GPL-2.0-only
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "../fdinfo.h"
#include "fixture.h"

static char *path_of(struct fake_proc *proc, int pid, const char *name)
{
	return g_strdup_printf("%s/%d/%s", proc->root, pid, name);
}

static void write_file(struct fake_proc *proc, int pid, const char *name, const char *text,
		       gssize size)
{
	g_autofree char *path = path_of(proc, pid, name);

	g_assert_true(g_file_set_contents(path, text, size, NULL));
}

static void make_folder(struct fake_proc *proc, int pid, const char *name)
{
	g_autofree char *path = path_of(proc, pid, name);

	g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
}

struct fake_proc *fake_proc_new(void)
{
	struct fake_proc *proc = g_new0(struct fake_proc, 1);

	proc->root = g_dir_make_tmp("kvm-devuser-XXXXXX", NULL);
	g_assert_nonnull(proc->root);
	fake_process(proc, 1, "init", NULL, 0);
	return proc;
}

static void remove_tree(const char *place)
{
	const gchar *argv[] = { "rm", "-rf", place, NULL };
	int status;

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
				   NULL, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
}

void fake_proc_free(struct fake_proc *proc)
{
	remove_tree(proc->root);
	g_free(proc->root);
	g_free(proc);
}

void fake_process(struct fake_proc *proc, int pid, const char *name, const char *cmdline,
		  gsize cmdline_size)
{
	g_autofree char *comm = g_strdup_printf("%s\n", name);
	g_autofree char *stat =
		g_strdup_printf("%d (%s) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n",
				pid, name, 1000 + pid);

	make_folder(proc, pid, "fd");
	make_folder(proc, pid, "fdinfo");
	write_file(proc, pid, "comm", comm, -1);
	write_file(proc, pid, "stat", stat, -1);
	if (cmdline)
		write_file(proc, pid, "cmdline", cmdline, cmdline_size);
}

void fake_process_ends(struct fake_proc *proc, int pid)
{
	g_autofree char *place = path_of(proc, pid, "");

	remove_tree(place);
}

void fake_descriptor(struct fake_proc *proc, int pid, int fd, const char *target,
		     const char *fdinfo)
{
	g_autofree char *link = g_strdup_printf("%s/%d/fd/%d", proc->root, pid, fd);
	g_autofree char *name = g_strdup_printf("fdinfo/%d", fd);

	unlink(link);
	g_assert_cmpint(symlink(target, link), ==, 0);
	if (fdinfo)
		write_file(proc, pid, name, fdinfo, -1);
}

char *fake_fdinfo_numbers(unsigned int id, const char *state, const guint64 *numbers)
{
	GString *text = g_string_new("pos:\t0\nflags:\t02000002\nmnt_id:\t16\nino:\t1\n");
	unsigned int i;

	g_string_append_printf(text, "devuser-id:\t%u\ndevuser-state:\t%s\n", id, state);
	for (i = 0; i < FDINFO_NR_NUMBERS; i++)
		g_string_append_printf(text, "devuser-%s:\t%" G_GUINT64_FORMAT "\n",
				       fdinfo_number_name(i), numbers[i]);
	return g_string_free(text, FALSE);
}

char *fake_fdinfo(unsigned int id, const char *state, const char *more)
{
	guint64 numbers[FDINFO_NR_NUMBERS] = { 0 };
	g_autofree char *text = fake_fdinfo_numbers(id, state, numbers);

	return g_strconcat(text, more, NULL);
}
