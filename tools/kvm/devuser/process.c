// SPDX-License-Identifier: GPL-2.0-only
/*
 * What procfs says of one process. All of it but the numbers is under the control of
 * the process: neither its length nor its bytes can be relied on.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "walk.h"

#define NAME_MAX_BYTES		64
#define STAT_MAX_BYTES		1024
/* The kernel's, in the field "flags" of a process's "stat". */
#define PF_KTHREAD		0x00200000

#define CMDLINE_MAX_BYTES	(256 * 1024)

static ssize_t read_all(int fd, char *buffer, size_t max)
{
	size_t size = 0;
	ssize_t n;

	while (size < max) {
		n = read(fd, buffer + size, max - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		size += n;
	}
	return size;
}

char *process_read(const struct process *process, const char *name, size_t max, size_t *size)
{
	int fd = openat(process->dir, name, O_RDONLY | O_CLOEXEC), saved;
	g_autofree char *buffer = NULL;
	ssize_t n;

	if (fd < 0)
		return NULL;
	buffer = g_malloc(max + 1);
	n = read_all(fd, buffer, max);
	saved = errno;
	close(fd);
	errno = saved;
	if (n < 0)
		return NULL;

	buffer[n] = '\0';
	if (size)
		*size = n;
	return g_realloc(g_steal_pointer(&buffer), n + 1);
}

char *process_name(const struct process *process)
{
	char *name = process_read(process, "comm", NAME_MAX_BYTES, NULL);
	char *end = name ? strrchr(name, '\n') : NULL;

	if (end)
		*end = '\0';
	return name ?: g_strdup("?");
}

/* A field of "stat" behind the name, which may have blanks and parentheses; from 3. */
static bool stat_field(const struct process *process, unsigned int field, uint64_t *value)
{
	g_autofree char *text = process_read(process, "stat", STAT_MAX_BYTES, NULL);
	const char *end = text ? strrchr(text, ')') : NULL;
	g_auto(GStrv) words = NULL;

	if (!end || end[1] != ' ')
		return false;
	words = g_strsplit(end + 2, " ", 0);
	return g_strv_length(words) > field - 3 &&
	       g_ascii_string_to_unsigned(words[field - 3], 10, 0, UINT64_MAX, value, NULL);
}

uint64_t process_start(const struct process *process)
{
	uint64_t start;

	return stat_field(process, 22, &start) ? start : 0;
}

bool process_is_kernel(const struct process *process)
{
	uint64_t flags;

	return stat_field(process, 9, &flags) && flags & PF_KTHREAD;
}

/* QEMU's options double a comma that is none of theirs. */
static char *option_value(const char *text)
{
	GString *value = g_string_new(NULL);

	for (; *text; text++) {
		if (*text == ',' && *++text != ',')
			break;
		g_string_append_c(value, *text);
	}
	return g_string_free(value, FALSE);
}

static const char *next_option(const char *text)
{
	for (; *text; text++) {
		if (*text != ',')
			continue;
		if (text[1] != ',')
			return text + 1;
		text++;
	}
	return NULL;
}

/* The value of "guest=", or what stands first without a name. */
static char *guest_in(const char *options)
{
	const char *option;
	g_autofree char *first = option_value(options);

	for (option = options; option; option = next_option(option))
		if (g_str_has_prefix(option, "guest="))
			return option_value(option + strlen("guest="));

	return strchr(first, '=') ? NULL : g_steal_pointer(&first);
}

char *vm_name_in(const char *cmdline, size_t size)
{
	const char *end = cmdline + size, *word, *next;
	char *name = NULL;

	for (word = cmdline; word < end; word = next) {
		next = memchr(word, '\0', end - word);
		next = next ? next + 1 : end;
		if (next < end && (!strcmp(word, "-name") || !strcmp(word, "--name"))) {
			/* The last one counts. */
			g_free(name);
			name = guest_in(next);
		}
	}
	return name;
}

char *process_vm_name(const struct process *process)
{
	size_t size;
	g_autofree char *cmdline = process_read(process, "cmdline", CMDLINE_MAX_BYTES, &size);

	return cmdline ? vm_name_in(cmdline, size) : NULL;
}
