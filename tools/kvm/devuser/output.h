/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_OUTPUT_H
#define KVM_DEVUSER_OUTPUT_H

#include <stdbool.h>

#include <glib.h>

#include "json.h"

/*
 * To standard output. false, and said, if that fails: the reader is gone, the disk is
 * full. Nothing is held back.
 */
bool out_text(const char *text);

/* The document, and the end of a line; frees the writer. */
bool out_json(struct json *json);

/* The text without what could make a terminal do anything but show it. */
char *printable(const char *text);

/* Columns that are as wide as what is in them. */
struct table;

/* Their headings; one that begins with '>' has its cells on the right. */
struct table *table_new(const char * const *headings);

/* The next cell; takes the text. */
void table_cell(struct table *table, char *text);

/* All of it; frees the table. */
char *table_finish(struct table *table);

#endif
