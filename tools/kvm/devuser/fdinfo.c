// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of a user device's fdinfo, taken apart.
 *
 * A kernel writes it, so what is wrong with it is a kernel that this program does
 * not know, or a text that has been cut off. Neither may be shown as if it were a
 * device's state: whatever is not understood is refused as a whole.
 */
#include <string.h>

#include "fdinfo.h"

#define PREFIX "devuser-"

/* The values of a key; which one is its place in the table below. */
enum kind {
	KIND_ID,
	KIND_STATE,
	KIND_NUMBER,
	KIND_RANGE,
};

static const struct key {
	const char *name;
	enum kind kind;
	enum fdinfo_number number;
} keys[] = {
	{ "devuser-id",			KIND_ID },
	{ "devuser-state",		KIND_STATE },
	{ "devuser-pending",		KIND_NUMBER, FDINFO_PENDING },
	{ "devuser-sent",		KIND_NUMBER, FDINFO_SENT },
	{ "devuser-vcpus",		KIND_NUMBER, FDINFO_VCPUS },
	{ "devuser-stores",		KIND_NUMBER, FDINFO_STORES },
	{ "devuser-loads",		KIND_NUMBER, FDINFO_LOADS },
	{ "devuser-shadow-loads",	KIND_NUMBER, FDINFO_SHADOW_LOADS },
	{ "devuser-doorbells",		KIND_NUMBER, FDINFO_DOORBELLS },
	{ "devuser-timeouts",		KIND_NUMBER, FDINFO_TIMEOUTS },
	{ "devuser-refused",		KIND_NUMBER, FDINFO_REFUSED },
	{ "devuser-discarded",		KIND_NUMBER, FDINFO_DISCARDED },
	{ "devuser-busy",		KIND_NUMBER, FDINFO_BUSY },
	{ "devuser-range",		KIND_RANGE },
};

static const char * const state_names[] = {
	[FDINFO_IDLE] = "idle",
	[FDINFO_LIVE] = "live",
	[FDINFO_HELD] = "held",
	[FDINFO_FAILED] = "failed",
	[FDINFO_GONE] = "gone",
	[FDINFO_UNKNOWN] = "unknown",
};

const char *fdinfo_state_name(enum fdinfo_state state)
{
	return state_names[state];
}

const char *fdinfo_key(unsigned int index)
{
	return index < G_N_ELEMENTS(keys) ? keys[index].name : NULL;
}

const char *fdinfo_number_name(enum fdinfo_number number)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].kind == KIND_NUMBER && keys[i].number == number)
			return keys[i].name + strlen(PREFIX);

	g_assert_not_reached();
}

/* Digits only: neither a sign nor a blank. */
static bool parse_uint(const char *word, unsigned int base, uint64_t max, uint64_t *value)
{
	return g_ascii_string_to_unsigned(word, base, 0, max, value, NULL);
}

static bool parse_hex(const char *word, uint64_t *value)
{
	return g_str_has_prefix(word, "0x") && parse_uint(word + 2, 16, UINT64_MAX, value);
}

static enum fdinfo_state parse_state(const char *word)
{
	unsigned int state;

	for (state = 0; state < FDINFO_UNKNOWN; state++)
		if (!strcmp(word, state_names[state]))
			break;

	return state;
}

/* One of two words. */
static bool parse_word(const char *word, const char *no, const char *yes, bool *value)
{
	*value = !strcmp(word, yes);
	return *value || !strcmp(word, no);
}

static bool has_range(const struct fdinfo *info, uint32_t rid)
{
	unsigned int i;

	for (i = 0; i < info->ranges->len; i++)
		if (g_array_index(info->ranges, struct fdinfo_range, i).rid == rid)
			return true;

	return false;
}

static bool range_fits(const struct fdinfo_range *range)
{
	uint64_t last = range->addr + (range->len - 1);

	return range->len && last >= range->addr && (!range->pio || last <= 0xffff);
}

/* "0 mmio 0xfeb00000 0x1000 posted" */
static bool parse_range(struct fdinfo *info, const char *value)
{
	g_auto(GStrv) words = g_strsplit(value, " ", 6);
	struct fdinfo_range range;
	uint64_t rid;

	if (g_strv_length(words) != 5 ||
	    !parse_uint(words[0], 10, UINT32_MAX, &rid) ||
	    !parse_word(words[1], "mmio", "pio", &range.pio) ||
	    !parse_hex(words[2], &range.addr) ||
	    !parse_hex(words[3], &range.len) ||
	    !parse_word(words[4], "nonposted", "posted", &range.posted))
		return false;

	range.rid = rid;
	if (!range_fits(&range) || has_range(info, range.rid))
		return false;

	g_array_append_val(info->ranges, range);
	return true;
}

static bool parse_value(struct fdinfo *info, const struct key *key, const char *value)
{
	uint64_t id;

	switch (key->kind) {
	case KIND_ID:
		if (!parse_uint(value, 10, UINT32_MAX, &id))
			return false;
		info->id = id;
		return true;
	case KIND_STATE:
		info->state = parse_state(value);
		return *value;
	case KIND_NUMBER:
		return parse_uint(value, 10, UINT64_MAX, &info->numbers[key->number]);
	case KIND_RANGE:
		return parse_range(info, value);
	}
	return false;
}

static const struct key *find_key(const char *name)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];

	return NULL;
}

/* Lines of others, such as "pos:", and keys that a later kernel adds, are passed over. */
static bool parse_line(struct fdinfo *info, char *line, unsigned int *seen)
{
	char *colon = strchr(line, ':');
	const struct key *key;
	unsigned int bit;

	if (!colon)
		return false;
	*colon = '\0';
	key = find_key(line);
	if (!key)
		return true;

	bit = 1U << (key - keys);
	if (*seen & bit && key->kind != KIND_RANGE)
		return false;
	*seen |= bit;
	return parse_value(info, key, colon + 1 + strspn(colon + 1, " \t"));
}

static const char *missing_key(unsigned int seen)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].kind != KIND_RANGE && !(seen & (1U << i)))
			return keys[i].name;

	return NULL;
}

static char *parse_lines(struct fdinfo *info, char *text)
{
	unsigned int seen = 0, nr;
	char *line, *end;

	for (line = text, nr = 1; *line; line = end + 1, nr++) {
		end = strchr(line, '\n');
		if (!end)
			return g_strdup_printf("line %u is cut off", nr);
		*end = '\0';
		if (!parse_line(info, line, &seen))
			return g_strdup_printf("line %u is not understood", nr);
	}
	if (missing_key(seen))
		return g_strdup_printf("there is no %s", missing_key(seen));

	return NULL;
}

struct fdinfo *fdinfo_parse(const char *text, size_t size, char **reason)
{
	struct fdinfo *info;
	g_autofree char *copy = NULL;

	if (size > FDINFO_TEXT_MAX) {
		*reason = g_strdup("it is too long");
		return NULL;
	}
	if (memchr(text, '\0', size)) {
		*reason = g_strdup("there is a zero byte in it");
		return NULL;
	}

	copy = g_strndup(text, size);
	info = g_new0(struct fdinfo, 1);
	info->ranges = g_array_new(FALSE, FALSE, sizeof(struct fdinfo_range));
	*reason = parse_lines(info, copy);
	if (*reason) {
		fdinfo_free(info);
		return NULL;
	}
	return info;
}

void fdinfo_free(struct fdinfo *info)
{
	if (!info)
		return;
	g_array_unref(info->ranges);
	g_free(info);
}
