// SPDX-License-Identifier: GPL-2.0-only
/* What all commands share. */
#include <stdio.h>
#include <string.h>

#include "main.h"

struct options options = { .proc = "/proc" };

static void say(const char *prefix, const char *format, va_list arguments)
{
	fputs(prefix, stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void p_err(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(NAME ": error: ", format, arguments);
	va_end(arguments);
}

void p_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(NAME ": ", format, arguments);
	va_end(arguments);
}

int usage_error(const char *command, const char *argument)
{
	p_err("%s: what is '%s'? See '" NAME " help'", command, argument);
	return STATUS_USAGE;
}

/* No longer than a timer can be, no shorter than it makes sense to look. */
bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	if (text && *text) {
		*seconds = g_ascii_strtod(text, &end);
		if (!*end && *seconds >= 0.05 && *seconds <= 86400)
			return true;
	}
	p_err("'%s' is no time: give seconds, from 0.05 to 86400", text ?: "");
	return false;
}

int command_select(const struct command *table, const char *prefix, int argc, char **argv)
{
	for (; argc > 0 && table->name; table++)
		if (!strcmp(argv[0], table->name))
			return table->run(argc - 1, argv + 1);

	if (argc > 0)
		p_err("%sthere is no command '%s': see '" NAME " help'", prefix, argv[0]);
	else
		p_err("%sgive a command: see '" NAME " help'", prefix);
	return STATUS_USAGE;
}
