// SPDX-License-Identifier: GPL-2.0-only
/* Commands that look again and again. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "main.h"
#include "output.h"
#include "repeat.h"

struct run {
	bool (*look)(void *data);
	void *data;
	GMainLoop *loop;
};

/* How many of the arguments it has taken: 0 if they are wrong, which is said. */
static int take_option(struct repeat *repeat, const struct flag *flag, const char *command,
		       int argc, char **argv)
{
	if (flag && !strcmp(argv[0], flag->option)) {
		*flag->given = true;
		return 1;
	}
	if (!strcmp(argv[0], "--watch")) {
		repeat->watch = true;
		return 1;
	}
	if (!strcmp(argv[0], "--interval"))
		return parse_seconds(argc > 1 ? argv[1] : NULL, &repeat->seconds) ? 2 : 0;

	usage_error(command, argv[0]);
	return 0;
}

bool repeat_options(struct repeat *repeat, const struct flag *flag, const char *command, int argc,
		    char **argv)
{
	int taken;

	for (; argc > 0; argc -= taken, argv += taken) {
		taken = take_option(repeat, flag, command, argc, argv);
		if (!taken)
			return false;
	}
	return true;
}

static gboolean look_again(gpointer data)
{
	struct run *run = data;

	if (run->look(run->data))
		return G_SOURCE_CONTINUE;

	g_main_loop_quit(run->loop);
	return G_SOURCE_REMOVE;
}

static gboolean interrupted(gpointer data)
{
	struct run *run = data;

	g_main_loop_quit(run->loop);
	return G_SOURCE_CONTINUE;
}

void repeat_run(const struct repeat *repeat, bool (*look)(void *data), void *data)
{
	struct run run = { .look = look, .data = data };

	run.loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGINT, interrupted, &run);
	g_unix_signal_add(SIGTERM, interrupted, &run);
	g_timeout_add(repeat->seconds * 1000, look_again, &run);
	g_main_loop_run(run.loop);
	g_main_loop_unref(run.loop);
}

bool repeat_page(const struct repeat *repeat, const char *text)
{
	g_autofree char *page = NULL;

	if (!repeat->watch || !isatty(STDOUT_FILENO))
		return out_text(text);

	page = g_strconcat("\033[H\033[J", text, NULL);
	return out_text(page);
}
