// SPDX-License-Identifier: GPL-2.0-only
/* The text of fdinfo: whole, cut off, odd, hostile. */
#include <string.h>

#include "../fdinfo.h"

static const char whole[] =
	"pos:\t0\n"
	"flags:\t02000002\n"
	"devuser-id:\t7\n"
	"devuser-state:\tlive\n"
	"devuser-pending:\t1\n"
	"devuser-sent:\t2\n"
	"devuser-vcpus:\t3\n"
	"devuser-stores:\t18446744073709551615\n"
	"devuser-loads:\t5\n"
	"devuser-shadow-loads:\t6\n"
	"devuser-doorbells:\t7\n"
	"devuser-timeouts:\t8\n"
	"devuser-refused:\t9\n"
	"devuser-discarded:\t10\n"
	"devuser-busy:\t11\n"
	"devuser-range:\t0 mmio 0xfeb00000 0x1000 posted\n"
	"devuser-range:\t63 pio 0xc000 0x40 nonposted\n";

static struct fdinfo *parse(const char *text)
{
	g_autofree char *reason = NULL;
	struct fdinfo *info = fdinfo_parse(text, strlen(text), &reason);

	/* Either, and never both. */
	g_assert_true(!info == !!reason);
	return info;
}

static void expect_refused(const char *text, const char *expected)
{
	g_autofree char *reason = NULL;

	g_assert_null(fdinfo_parse(text, strlen(text), &reason));
	g_assert_nonnull(strstr(reason, expected));
}

/* The whole text with the first occurrence of a piece replaced by another one. */
static char *with(const char *piece, const char *other)
{
	g_auto(GStrv) halves = g_strsplit(whole, piece, 2);

	g_assert_cmpint(g_strv_length(halves), ==, 2);
	return g_strconcat(halves[0], other, halves[1], NULL);
}

static void test_whole(void)
{
	struct fdinfo *info = parse(whole);
	struct fdinfo_range *range;

	g_assert_nonnull(info);
	g_assert_cmpuint(info->id, ==, 7);
	g_assert_cmpint(info->state, ==, FDINFO_LIVE);
	g_assert_cmpuint(info->numbers[FDINFO_PENDING], ==, 1);
	g_assert_cmpuint(info->numbers[FDINFO_SENT], ==, 2);
	g_assert_cmpuint(info->numbers[FDINFO_VCPUS], ==, 3);
	g_assert_cmpuint(info->numbers[FDINFO_STORES], ==, G_MAXUINT64);
	g_assert_cmpuint(info->numbers[FDINFO_LOADS], ==, 5);
	g_assert_cmpuint(info->numbers[FDINFO_SHADOW_LOADS], ==, 6);
	g_assert_cmpuint(info->numbers[FDINFO_DOORBELLS], ==, 7);
	g_assert_cmpuint(info->numbers[FDINFO_TIMEOUTS], ==, 8);
	g_assert_cmpuint(info->numbers[FDINFO_REFUSED], ==, 9);
	g_assert_cmpuint(info->numbers[FDINFO_DISCARDED], ==, 10);
	g_assert_cmpuint(info->numbers[FDINFO_BUSY], ==, 11);
	g_assert_cmpuint(info->ranges->len, ==, 2);
	range = &g_array_index(info->ranges, struct fdinfo_range, 0);
	g_assert_true(!range->pio && range->posted && range->rid == 0);
	g_assert_cmphex(range->addr, ==, 0xfeb00000);
	g_assert_cmphex(range->len, ==, 0x1000);
	range = &g_array_index(info->ranges, struct fdinfo_range, 1);
	g_assert_true(range->pio && !range->posted && range->rid == 63);
	fdinfo_free(info);
}

/* But for the ends of lines behind the last key that has to be there, nothing less will do. */
static void test_truncated(void)
{
	size_t size, needed = strstr(whole, "devuser-range") - whole;
	const char *second = g_strrstr(whole, "devuser-range");

	for (size = 0; size < strlen(whole); size++) {
		g_autofree char *reason = NULL;
		struct fdinfo *info = fdinfo_parse(whole, size, &reason);

		g_assert_true(!info == !!reason);
		g_assert_true(!!info == (size == needed || size == (size_t)(second - whole)));
		fdinfo_free(info);
	}
}

static const char * const odd[][2] = {
	/* numbers */
	{ "devuser-id:\t7", "devuser-id:\t" },
	{ "devuser-id:\t7", "devuser-id:\t-7" },
	{ "devuser-id:\t7", "devuser-id:\t+7" },
	{ "devuser-id:\t7", "devuser-id:\t 7 " },
	{ "devuser-id:\t7", "devuser-id:\t7x" },
	{ "devuser-id:\t7", "devuser-id:\t0x7" },
	{ "devuser-id:\t7", "devuser-id:\t4294967296" },
	{ "devuser-stores:\t18446744073709551615", "devuser-stores:\t18446744073709551616" },
	{ "devuser-loads:\t5", "devuser-loads:\t5.0" },
	{ "devuser-loads:\t5", "devuser-loads:\t1e3" },
	/* keys */
	{ "devuser-loads:\t5\n", "" },
	{ "devuser-loads:\t5\n", "devuser-loads:\t5\ndevuser-loads:\t5\n" },
	{ "devuser-loads:", "devuser-loads" },
	{ "devuser-loads:\t5", "devuser-Loads:\t5" },
	{ "devuser-loads:\t5", "\ndevuser-loads:\t5" },
	{ "devuser-loads:\t5", " devuser-loads:\t5" },
	{ "devuser-loads:\t5", "devuser-loads :\t5" },
	{ "devuser-state:\tlive", "devuser-state:\t" },
	/* ranges */
	{ "0 mmio", "mmio" },
	{ "0 mmio", "0  mmio" },
	{ "0 mmio", "0 memory" },
	{ "0 mmio", "4294967296 mmio" },
	{ "0 mmio", "63 mmio" },
	{ "0xfeb00000", "feb00000" },
	{ "0xfeb00000", "0x" },
	{ "0xfeb00000", "0x0x1" },
	{ "0xfeb00000", "0x1feb00000feb00000" },
	{ "0xfeb00000", "0xfffffffffffff001" },
	{ "0x1000", "0x0" },
	{ "0x1000", "0xffffffffffffffff" },
	{ "0x1000 posted", "0x1000" },
	{ "0x1000 posted", "0x1000 posted more" },
	{ "0x1000 posted", "0x1000 Posted" },
	{ "0xc000", "0xfff0" },
	{ "0xc000", "0xc000c000" },
};

static void test_odd(void)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autofree char *text = with(odd[i][0], odd[i][1]);
		struct fdinfo *info = parse(text);

		if (info)
			g_error("this was taken: '%s' instead of '%s'", odd[i][1], odd[i][0]);
	}
}

/* What a later kernel may add has to be passed over. */
static void test_later_kernel(void)
{
	g_autofree char *key = with("devuser-loads:", "devuser-new:\tsome words\ndevuser-loads:");
	g_autofree char *state = with("live", "resting");
	g_autofree char *blank = with("devuser-id:\t7", "devuser-id:   7");
	struct fdinfo *info;

	info = parse(key);
	g_assert_nonnull(info);
	fdinfo_free(info);
	info = parse(blank);
	g_assert_nonnull(info);
	fdinfo_free(info);
	info = parse(state);
	g_assert_nonnull(info);
	g_assert_cmpint(info->state, ==, FDINFO_UNKNOWN);
	fdinfo_free(info);
}

static void test_reasons(void)
{
	g_autofree char *cut = g_strndup(whole, strlen(whole) - 1);
	g_autofree char *bad = with("devuser-sent:\t2", "devuser-sent:\ttwo");
	g_autofree char *missing = with("devuser-vcpus:\t3\n", "");
	g_autofree char *reason = NULL;

	expect_refused(cut, "line 17 is cut off");
	expect_refused(bad, "line 6 is not understood");
	expect_refused(missing, "no devuser-vcpus");
	expect_refused("", "no devuser-id");
	g_assert_null(fdinfo_parse("devuser-id:\t7\0\n", 15, &reason));
	g_assert_nonnull(strstr(reason, "zero byte"));
}

static void test_too_long(void)
{
	g_autofree char *text = g_strnfill(FDINFO_TEXT_MAX + 1, '\n');
	g_autofree char *line = g_strnfill(FDINFO_TEXT_MAX - 1, 'a');

	expect_refused(text, "too long");
	expect_refused(line, "cut off");
}

/* Any byte at any place: it is taken or refused, and no memory is touched but its own. */
static void test_hostile(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	unsigned int i, changes;

	for (i = 0; i < 20000; i++) {
		g_autofree char *text = g_memdup2(whole, sizeof(whole) - 1);
		g_autofree char *reason = NULL;
		size_t size = g_rand_int_range(rand, 0, sizeof(whole));
		struct fdinfo *info;

		text = g_realloc(text, size ?: 1);
		for (changes = g_rand_int_range(rand, 0, 4); size && changes; changes--)
			text[g_rand_int_range(rand, 0, size)] = g_rand_int_range(rand, 0, 256);
		info = fdinfo_parse(text, size, &reason);
		g_assert_true(!info == !!reason);
		fdinfo_free(info);
	}
}

static void test_keys(void)
{
	unsigned int i;

	for (i = 0; fdinfo_key(i); i++)
		g_assert_nonnull(strstr(whole, fdinfo_key(i)));
	g_assert_cmpuint(i, ==, FDINFO_NR_NUMBERS + 3);
	for (i = 0; i < FDINFO_NR_NUMBERS; i++)
		g_assert_nonnull(strstr(whole, fdinfo_number_name(i)));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fdinfo/whole", test_whole);
	g_test_add_func("/fdinfo/truncated", test_truncated);
	g_test_add_func("/fdinfo/odd", test_odd);
	g_test_add_func("/fdinfo/later-kernel", test_later_kernel);
	g_test_add_func("/fdinfo/reasons", test_reasons);
	g_test_add_func("/fdinfo/too-long", test_too_long);
	g_test_add_func("/fdinfo/hostile", test_hostile);
	g_test_add_func("/fdinfo/keys", test_keys);
	return g_test_run();
}
