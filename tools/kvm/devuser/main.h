/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_MAIN_H
#define KVM_DEVUSER_MAIN_H

#include <stdbool.h>

#include <glib.h>

#define NAME "kvm-devuser"

/* What programs that call kvm-devuser can rely on. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_ERROR = 1,	/* it could not be done */
	STATUS_USAGE = 2,	/* the command line is wrong */
	STATUS_NO = 3,		/* it was done, and the answer is no */
	STATUS_UNKNOWN = 4,	/* not all could be seen that the answer needs */
};

struct options {
	bool json;
	bool pretty;
	const char *proc;	/* where procfs is */
};

extern struct options options;

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments;	/* for the help */
};

/* Runs the command of the table that argv[0] names, with what follows it. */
int command_select(const struct command *commands, const char *prefix, int argc, char **argv);

/* To standard error, with the program's name before it. */
void p_err(const char *format, ...) G_GNUC_PRINTF(1, 2);
void p_info(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* An argument that is not known; STATUS_USAGE. */
int usage_error(const char *command, const char *argument);

/* The argument of an option is a number of seconds; false, and said, if it is not. */
bool parse_seconds(const char *text, double *seconds);

int do_list(int argc, char **argv);
int do_show(int argc, char **argv);
int do_top(int argc, char **argv);
int do_monitor(int argc, char **argv);
int do_modules(int argc, char **argv);
int do_check(int argc, char **argv);

#endif
