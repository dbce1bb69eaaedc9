// SPDX-License-Identifier: GPL-2.0-only
/* kvm-devuser: what an operator asks of KVM's user devices. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "main.h"
#include "output.h"
#include "repeat.h"

static int do_help(int argc, char **argv);
static int do_version(int argc, char **argv);

static const struct command commands[] = {
	{ "list",	do_list,	"[--failed] " REPEAT_ARGUMENTS },
	{ "show",	do_show,	"ID " REPEAT_ARGUMENTS },
	{ "top",	do_top,		REPEAT_ARGUMENTS },
	{ "monitor",	do_monitor,	"[--interval SECONDS]" },
	{ "modules",	do_modules,	"status|load [--dir FOLDER] | unload" },
	{ "check",	do_check,	"[--qemu PROGRAM]" },
	{ "help",	do_help,	"" },
	{ "version",	do_version,	"" },
	{ 0 }
};

static int do_help(int argc, char **argv)
{
	g_autoptr(GString) text = g_string_new("usage: " NAME " [OPTIONS] COMMAND\n\n");
	const struct command *command;

	if (argc > 0)
		return usage_error("help", argv[0]);
	for (command = commands; command->name; command++)
		g_string_append_printf(text, "  " NAME " %s %s\n", command->name,
				       command->arguments);
	g_string_append(text, "\n"
			"options:\n"
			"  -j, --json     for programs\n"
			"  -p, --pretty   for programs, indented\n"
			"  --proc PLACE   where procfs is mounted (/proc)\n"
			"  -h, --help     this text\n"
			"  -V, --version  the version\n"
			"\n"
			"exit status: 0 yes or done, 1 error, 2 wrong usage, 3 no, 4 not all was seen\n");
	return out_text(text->str) ? STATUS_OK : STATUS_ERROR;
}

static int do_version(int argc, char **argv)
{
	struct json *json;

	if (argc > 0)
		return usage_error("version", argv[0]);
	if (!options.json)
		return out_text(NAME " " VERSION "\n") ? STATUS_OK : STATUS_ERROR;

	json = json_new(options.pretty);
	json_object(json, NULL);
	json_string(json, "version", VERSION);
	json_end(json);
	return out_json(json) ? STATUS_OK : STATUS_ERROR;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json",	no_argument,		NULL, 'j' },
		{ "pretty",	no_argument,		NULL, 'p' },
		{ "proc",	required_argument,	NULL, 'P' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ 0 }
	};
	int option;

	setlocale(LC_CTYPE, "");
	/* A reader that goes away is an error like others. */
	signal(SIGPIPE, SIG_IGN);

	/* Options of a command stand behind it. */
	while ((option = getopt_long(argc, argv, "+jphV", known, NULL)) >= 0) {
		switch (option) {
		case 'p':
			options.pretty = true;
			options.json = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'P':
			options.proc = optarg;
			break;
		case 'h':
			return do_help(0, NULL);
		case 'V':
			return do_version(0, NULL);
		default:
			return STATUS_USAGE;
		}
	}
	return command_select(commands, "", argc - optind, argv + optind);
}
