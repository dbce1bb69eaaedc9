// SPDX-License-Identifier: GPL-2.0-only
#include <glib.h>

#include "json.h"

#define DEPTH_MAX	8

struct json {
	GString *text;
	bool pretty;
	unsigned int depth;
	char closing[DEPTH_MAX];
	bool empty[DEPTH_MAX];
};

struct json *json_new(bool pretty)
{
	struct json *json = g_new0(struct json, 1);

	json->text = g_string_new(NULL);
	json->pretty = pretty;
	return json;
}

static void new_line(struct json *json)
{
	unsigned int i;

	if (!json->pretty)
		return;
	g_string_append_c(json->text, '\n');
	for (i = 0; i < json->depth; i++)
		g_string_append(json->text, "    ");
}

static void append_escaped(GString *text, const char *value)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);
	const char *c;

	g_string_append_c(text, '"');
	for (c = valid; *c; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_printf(text, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			g_string_append_printf(text, "\\u%04x", *c);
		else
			g_string_append_c(text, *c);
	}
	g_string_append_c(text, '"');
}

/* What stands before any value. */
static void begin_value(struct json *json, const char *name)
{
	if (json->depth) {
		if (!json->empty[json->depth - 1])
			g_string_append_c(json->text, ',');
		json->empty[json->depth - 1] = false;
		new_line(json);
	}
	if (name) {
		append_escaped(json->text, name);
		g_string_append(json->text, json->pretty ? ": " : ":");
	}
}

static void begin_container(struct json *json, const char *name, char opening, char closing)
{
	g_assert(json->depth < DEPTH_MAX);
	begin_value(json, name);
	g_string_append_c(json->text, opening);
	json->closing[json->depth] = closing;
	json->empty[json->depth] = true;
	json->depth++;
}

void json_object(struct json *json, const char *name)
{
	begin_container(json, name, '{', '}');
}

void json_array(struct json *json, const char *name)
{
	begin_container(json, name, '[', ']');
}

void json_end(struct json *json)
{
	g_assert(json->depth);
	json->depth--;
	if (!json->empty[json->depth])
		new_line(json);
	g_string_append_c(json->text, json->closing[json->depth]);
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin_value(json, name);
	if (value)
		append_escaped(json->text, value);
	else
		g_string_append(json->text, "null");
}

void json_uint(struct json *json, const char *name, uint64_t value)
{
	begin_value(json, name);
	g_string_append_printf(json->text, "%" G_GUINT64_FORMAT, value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	g_string_append(json->text, value ? "true" : "false");
}

/* A point whatever the locale. */
void json_rate(struct json *json, const char *name, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	begin_value(json, name);
	g_string_append(json->text, g_ascii_formatd(number, sizeof(number), "%.1f", value));
}

char *json_finish(struct json *json)
{
	char *text = g_string_free(json->text, FALSE);

	g_assert(!json->depth);
	g_free(json);
	return text;
}
