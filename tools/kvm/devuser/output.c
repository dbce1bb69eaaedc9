// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "main.h"
#include "output.h"

bool out_text(const char *text)
{
	if (fputs(text, stdout) >= 0 && !fflush(stdout))
		return true;

	p_err("cannot write: %s", g_strerror(errno));
	return false;
}

bool out_json(struct json *json)
{
	g_autofree char *text = json_finish(json);
	g_autofree char *line = g_strconcat(text, "\n", NULL);

	return out_text(line);
}

char *printable(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *shown = g_string_new(NULL);
	const char *c;

	for (c = valid; *c; c = g_utf8_next_char(c)) {
		gunichar character = g_utf8_get_char(c);

		g_string_append_unichar(shown, g_unichar_isprint(character) ? character : '?');
	}
	return g_string_free(shown, FALSE);
}

struct column {
	const char *heading;
	bool right;
	unsigned int width;
};

struct table {
	GArray *columns;	/* of struct column */
	GPtrArray *cells;	/* of text, row after row */
};

static unsigned int text_width(const char *text)
{
	unsigned int width = 0;

	for (; *text; text = g_utf8_next_char(text)) {
		gunichar character = g_utf8_get_char(text);

		if (!g_unichar_iszerowidth(character))
			width += g_unichar_iswide(character) ? 2 : 1;
	}
	return width;
}

struct table *table_new(const char * const *headings)
{
	struct table *table = g_new0(struct table, 1);

	table->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
	table->cells = g_ptr_array_new_with_free_func(g_free);
	for (; *headings; headings++) {
		bool right = **headings == '>';
		struct column column = { .heading = *headings + right, .right = right };

		column.width = text_width(column.heading);
		g_array_append_val(table->columns, column);
	}
	return table;
}

void table_cell(struct table *table, char *text)
{
	struct column *column = &g_array_index(table->columns, struct column,
					       table->cells->len % table->columns->len);

	column->width = MAX(column->width, text_width(text));
	g_ptr_array_add(table->cells, text);
}

static void append_cell(GString *text, const struct column *column, const char *cell, bool last)
{
	unsigned int padding = column->width - text_width(cell);

	if (column->right)
		g_string_append_printf(text, "%*s", padding, "");
	g_string_append(text, cell);
	if (last)
		g_string_append_c(text, '\n');
	else
		g_string_append_printf(text, "%*s", column->right ? 2 : padding + 2, "");
}

char *table_finish(struct table *table)
{
	GString *text = g_string_new(NULL);
	unsigned int nr = table->columns->len, i;

	for (i = 0; i < nr + table->cells->len; i++) {
		struct column *column = &g_array_index(table->columns, struct column, i % nr);
		const char *cell = column->heading;

		if (i >= nr)
			cell = g_ptr_array_index(table->cells, i - nr);
		append_cell(text, column, cell, i % nr == nr - 1);
	}
	g_array_unref(table->columns);
	g_ptr_array_unref(table->cells);
	g_free(table);
	return g_string_free(text, FALSE);
}
