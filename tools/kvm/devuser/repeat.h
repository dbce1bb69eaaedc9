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

/*
 * How many of the arguments are an option of this: 0 if the first one is none, -1, and said,
 * if its value is wrong.
 */
int repeat_option(struct repeat *repeat, int argc, char **argv);

/* Look every so many seconds, until a look says that it was the last one, or until SIGINT. */
void repeat_run(const struct repeat *repeat, bool (*look)(void *data), void *data);

/* On a terminal each page takes the place of the one before. */
bool repeat_page(const struct repeat *repeat, const char *text);

#endif
