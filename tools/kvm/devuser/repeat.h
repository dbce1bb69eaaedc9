/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_REPEAT_H
#define KVM_DEVUSER_REPEAT_H

#include <stdbool.h>

#define REPEAT_ARGUMENTS "[--watch] [--interval SECONDS]"

struct repeat {
	bool watch;
	double seconds;
};

#define REPEAT_DEFAULT { .seconds = 1 }

/* An option of one command's own. */
struct flag {
	const char *option;
	bool *given;
};

/* Take a command's options; false, and said, if one is wrong. flag may be NULL. */
bool repeat_options(struct repeat *repeat, const struct flag *flag, const char *command, int argc,
		    char **argv);

/* Look every so many seconds, until a look says that it was the last one, or until SIGINT. */
void repeat_run(const struct repeat *repeat, bool (*look)(void *data), void *data);

/* On a terminal each page takes the place of the one before. */
bool repeat_page(const struct repeat *repeat, const char *text);

#endif
