// SPDX-License-Identifier: GPL-2.0-only
/*
 * All descriptors of all processes, as far as they may be seen.
 *
 * Processes start, open, close and end meanwhile. A process is held by its folder: a
 * pid that is used again is another folder, and that of one that has ended is empty.
 * A thread that has descriptors of its own is not looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "walk.h"

/* Longer than what the kernel calls any descriptor of KVM's. */
#define TARGET_MAX_BYTES	256

struct walk {
	walk_fn *fn;
	void *data;
	struct unseen *unseen;
};

static bool has_ended(int error)
{
	return error == ENOENT || error == ESRCH;
}

static DIR *open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), saved;
	DIR *folder;

	if (fd < 0)
		return NULL;
	folder = fdopendir(fd);
	if (!folder) {
		saved = errno;
		close(fd);
		errno = saved;
	}
	return folder;
}

static bool is_number(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

/* A link that cannot be read any more has been closed, unless all of them are so. */
static bool walk_links(const struct walk *walk, const struct process *process, DIR *folder)
{
	char target[TARGET_MAX_BYTES];
	const struct dirent *entry;
	bool denied = false;
	ssize_t n;

	while ((entry = readdir(folder))) {
		if (!is_number(entry->d_name))
			continue;
		n = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		if (n < 0) {
			denied |= !has_ended(errno);
			continue;
		}
		target[n] = '\0';
		walk->fn(process, entry->d_name, target, walk->data);
	}
	return !denied;
}

static void walk_process(const struct walk *walk, const struct process *process)
{
	DIR *folder = open_folder(process->dir, "fd");

	if (!folder) {
		/* The kernel's own threads have none. */
		if (!has_ended(errno) && !process_is_kernel(process))
			walk->unseen->processes++;
		return;
	}
	if (!walk_links(walk, process, folder))
		walk->unseen->processes++;
	closedir(folder);
}

static void walk_entry(const struct walk *walk, int root, const char *name)
{
	struct process process;
	guint64 pid;

	if (!g_ascii_string_to_unsigned(name, 10, 1, INT_MAX, &pid, NULL))
		return;
	process.pid = pid;
	process.dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process.dir >= 0) {
		walk_process(walk, &process);
		close(process.dir);
	} else if (!has_ended(errno)) {
		walk->unseen->processes++;
	}
}

bool walk_descriptors(const char *root, walk_fn *fn, void *data, struct unseen *unseen,
		      GError **error)
{
	struct walk walk = { .fn = fn, .data = data, .unseen = unseen };
	DIR *folder = open_folder(AT_FDCWD, root);
	const struct dirent *entry;

	*unseen = (struct unseen) { 0 };
	if (!folder) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "cannot read %s: %s", root, g_strerror(errno));
		return false;
	}
	while ((entry = readdir(folder)))
		walk_entry(&walk, dirfd(folder), entry->d_name);

	/* Mounted with hidepid=, it leaves out even the first process. */
	unseen->hidden = faccessat(dirfd(folder), "1", F_OK, 0) != 0;
	closedir(folder);
	return true;
}
