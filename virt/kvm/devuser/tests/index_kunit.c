// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's index of ranges. Included by index.c.
 */

#include <kunit/test.h>

#define TEST_RANGES	8

static struct devuser_range *test_range(struct kunit *test, bool pio, u64 addr,
					u64 len)
{
	struct devuser_range *range;

	range = kunit_kzalloc(test, sizeof(*range), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, range);
	range->pio = pio;
	range->addr = addr;
	range->len = len;

	return range;
}

static struct devuser_index *test_index(struct kunit *test)
{
	struct devuser_index *index;

	index = kunit_kzalloc(test, struct_size(index, ranges, TEST_RANGES), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, index);

	return index;
}

/* A new index of range and of those in from, but for old. */
static struct devuser_index *test_add(struct kunit *test,
				      const struct devuser_index *from,
				      struct devuser_range *old,
				      struct devuser_range *range)
{
	struct devuser_index *index = test_index(test);

	index->nr = TEST_RANGES;
	devuser_index_fill(index, from, old, range);

	return index;
}

static bool test_finds(struct devuser_range *range, bool pio, u64 addr, u32 len)
{
	DEFINE_RAW_FLEX(struct devuser_index, index, ranges, 1);

	index->nr = 1;
	index->ranges[0] = range;

	return devuser_index_find(index, pio, addr, len);
}

/* R13: an access lies in a range as a whole, or not at all. */
static void index_test_contains(struct kunit *test)
{
	struct devuser_range range = { .addr = 0x1000, .len = 0x10 };
	struct devuser_range top = { .addr = U64_MAX - 0xf, .len = 0xf };
	struct devuser_range byte = { .addr = 0x20, .len = 1 };

	KUNIT_EXPECT_TRUE(test, test_finds(&range, false, 0x1000, 8));
	KUNIT_EXPECT_TRUE(test, test_finds(&range, false, 0x1008, 8));
	KUNIT_EXPECT_TRUE(test, test_finds(&range, false, 0x100f, 1));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, false, 0x1009, 8));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, false, 0x100f, 2));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, false, 0x1010, 1));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, false, 0xfff, 1));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, false, 0xfff, 2));
	KUNIT_EXPECT_FALSE(test, test_finds(&range, true, 0x1000, 1));
	KUNIT_EXPECT_TRUE(test, test_finds(&byte, false, 0x20, 1));
	KUNIT_EXPECT_FALSE(test, test_finds(&byte, false, 0x20, 2));
	KUNIT_EXPECT_TRUE(test, test_finds(&top, false, U64_MAX - 1, 1));
	KUNIT_EXPECT_FALSE(test, test_finds(&top, false, U64_MAX - 1, 2));
	KUNIT_EXPECT_FALSE(test, test_finds(&top, false, U64_MAX, 8));
	KUNIT_EXPECT_FALSE(test, test_finds(&top, false, 0, 1));
	KUNIT_EXPECT_NULL(test, devuser_index_find(NULL, false, 0, 1));
}

/* Whatever the order in which ranges come, each is found, and the gaps are not. */
static void index_test_order(struct kunit *test)
{
	static const u64 addrs[] = { 0x5000, 0x1000, 0x3000, 0x2000, 0x4000 };
	struct devuser_index *index = NULL;
	struct devuser_range *ranges[6];
	int i;

	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		ranges[i] = test_range(test, false, addrs[i], 0x800);
		index = test_add(test, index, NULL, ranges[i]);
	}
	ranges[i] = test_range(test, true, 0x2000, 0x10);
	index = test_add(test, index, NULL, ranges[i]);
	KUNIT_EXPECT_EQ(test, index->nr, 6);

	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		KUNIT_EXPECT_PTR_EQ(test, ranges[i],
				    devuser_index_find(index, false, addrs[i] + 0x7f8, 8));
		KUNIT_EXPECT_NULL(test, devuser_index_find(index, false, addrs[i] + 0x800, 1));
		KUNIT_EXPECT_NULL(test, devuser_index_find(index, false, addrs[i] - 1, 1));
	}
	KUNIT_EXPECT_PTR_EQ(test, ranges[5], devuser_index_find(index, true, 0x2008, 4));
	KUNIT_EXPECT_NULL(test, devuser_index_find(index, true, 0x1000, 4));
}

/* R12: a range that moves is found at one place, that of the index at hand. */
static void index_test_move(struct kunit *test)
{
	struct devuser_range *low = test_range(test, false, 0x1000, 0x1000);
	struct devuser_range *old = test_range(test, false, 0x4000, 0x2000);
	struct devuser_range *new = test_range(test, false, 0x3000, 0x2000);
	struct devuser_index *before, *after;

	before = test_add(test, test_add(test, NULL, NULL, low), NULL, old);
	after = test_add(test, before, old, new);
	KUNIT_EXPECT_EQ(test, after->nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, old, devuser_index_find(before, false, 0x4800, 8));
	KUNIT_EXPECT_PTR_EQ(test, new, devuser_index_find(after, false, 0x4800, 8));
	KUNIT_EXPECT_NULL(test, devuser_index_find(before, false, 0x3000, 8));
	KUNIT_EXPECT_NULL(test, devuser_index_find(after, false, 0x5000, 8));
	KUNIT_EXPECT_PTR_EQ(test, low, devuser_index_find(after, false, 0x1000, 8));
}

/* Removal in place: the others are found, also when there are gaps side by side. */
static void index_test_remove(struct kunit *test)
{
	struct devuser_range *ranges[4];
	struct devuser_index *index = NULL;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i] = test_range(test, false, 0x1000 * (i + 1), 0x1000);
		index = test_add(test, index, NULL, ranges[i]);
	}

	for (i = 0; i < ARRAY_SIZE(ranges) - 1; i++) {
		devuser_index_overwrite(index, ranges[i],
					devuser_index_other(index, ranges[i]));
		for (j = 0; j < ARRAY_SIZE(ranges); j++)
			KUNIT_EXPECT_PTR_EQ(test, j > i ? ranges[j] : NULL,
					    devuser_index_find(index, false,
							       0x1000 * (j + 1), 4));
	}
	KUNIT_EXPECT_NULL(test, devuser_index_other(index, ranges[3]));

	/* What was removed leaves no trace in the next index. */
	index = test_add(test, index, NULL, ranges[0]);
	KUNIT_EXPECT_EQ(test, index->nr, 2);
}

/* Is there no room for such a range beside one at 0x1000, 0x100 long? */
static bool test_overlaps(struct devuser_range new)
{
	static struct devuser one, two;
	struct devuser_range set = {
		.addr = 0x1000, .len = 0x100, .rid = 1, .dev = &one,
	};
	DEFINE_RAW_FLEX(struct devuser_index, index, ranges, 1);

	index->nr = 1;
	index->ranges[0] = &set;
	new.dev = new.dev ? &one : &two;

	return devuser_index_overlaps_in(index, &new);
}

/* Stands for the device that has the other range. */
#define SAME_DEVICE	((struct devuser *)1)

/* R12: on one bus, whichever devices they are of; but for the range itself. */
static void index_test_overlaps(struct kunit *test)
{
	struct devuser_range new = { .addr = 0xfff, .len = 1, .rid = 1 };

	KUNIT_EXPECT_FALSE(test, test_overlaps(new));
	new.len = 2;
	KUNIT_EXPECT_TRUE(test, test_overlaps(new));
	new.pio = true;
	KUNIT_EXPECT_FALSE(test, test_overlaps(new));
	new.pio = false;
	new.dev = SAME_DEVICE;
	KUNIT_EXPECT_FALSE(test, test_overlaps(new));
	new.rid = 2;
	KUNIT_EXPECT_TRUE(test, test_overlaps(new));
	new.addr = 0x10ff;
	KUNIT_EXPECT_TRUE(test, test_overlaps(new));
	new.addr = 0x1100;
	KUNIT_EXPECT_FALSE(test, test_overlaps(new));
	new.addr = 0;
	new.len = U64_MAX;
	KUNIT_EXPECT_TRUE(test, test_overlaps(new));
}

static struct kunit_case index_test_cases[] = {
	KUNIT_CASE(index_test_contains),
	KUNIT_CASE(index_test_order),
	KUNIT_CASE(index_test_move),
	KUNIT_CASE(index_test_remove),
	KUNIT_CASE(index_test_overlaps),
	{}
};

static struct kunit_suite index_test_suite = {
	.name = "kvm_devuser_index",
	.test_cases = index_test_cases,
};

kunit_test_suite(index_test_suite);
