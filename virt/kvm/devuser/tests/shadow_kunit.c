// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's access map. Included by shadow.c.
 */

#include <kunit/test.h>

#define TEST_IMAGE_BYTES	256

/* Sorted, as devuser_map_get() leaves them; neighbours, gaps and other ranges. */
static const struct kvm_dev_user_shadow_area test_areas[] = {
	{ .rid = 1, .access = 0xf, .offset = 0x08, .len = 0x10, .image = 0x40 },
	{ .rid = 1, .access = 0x4, .offset = 0x18, .len = 0x08, .image = 0x00 },
	{ .rid = 1, .access = 0x3, .offset = 0x30, .len = 0x08, .image = 0xf8 },
	{ .rid = 4, .access = 0x8, .offset = 0x00, .len = 0x20, .image = 0x08 },
};

static struct devuser_map *test_map(struct kunit *test)
{
	struct devuser_map *map;
	u8 *image;
	int i;

	image = kunit_kmalloc(test, TEST_IMAGE_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image);
	for (i = 0; i < TEST_IMAGE_BYTES; i++)
		image[i] = i;

	map = kunit_kzalloc(test, struct_size(map, areas, ARRAY_SIZE(test_areas)),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, map);
	map->image = image;
	map->nr_areas = ARRAY_SIZE(test_areas);
	memcpy(map->areas, test_areas, sizeof(test_areas));

	return map;
}

/* The definition in the UAPI header, word by word. */
static const void *test_lookup(const struct devuser_map *map, u32 rid,
			       u64 offset, u8 len)
{
	const struct kvm_dev_user_shadow_area *area;
	int i;

	if (len != 1 && len != 2 && len != 4 && len != 8)
		return NULL;

	for (i = 0; i < map->nr_areas; i++) {
		area = &map->areas[i];
		if (area->rid == rid && area->access & len && !(offset % len) &&
		    offset >= area->offset &&
		    offset + len <= area->offset + area->len)
			return map->image + area->image + offset - area->offset;
	}

	return NULL;
}

/* Every small load of every range. */
static void shadow_test_lookup(struct kunit *test)
{
	struct devuser_map *map = test_map(test);
	struct kvm_dev_user_request io = {};
	unsigned int served = 0;
	const void *from;

	for (io.rid = 0; io.rid < 6; io.rid++) {
		for (io.offset = 0; io.offset < 0x50; io.offset++) {
			for (io.len = 0; io.len <= 16; io.len++) {
				from = devuser_map_lookup(map, io.rid, io.offset, io.len);
				KUNIT_ASSERT_PTR_EQ(test, from,
						    test_lookup(map, io.rid,
								io.offset, io.len));
				served += !!from;
			}
		}
	}

	/* 16 + 8 + 4 + 2, 2, 8 + 4, 4 */
	KUNIT_EXPECT_EQ(test, served, 48);
}

static void shadow_test_lookup_far(struct kunit *test)
{
	struct devuser_map *map = test_map(test);
	struct kvm_dev_user_request io = { .rid = 1, .len = 8 };

	io.offset = U64_MAX - 7;
	KUNIT_EXPECT_NULL(test, devuser_map_lookup(map, io.rid, io.offset, io.len));
	io.offset = (1ULL << 32) + 8;
	KUNIT_EXPECT_NULL(test, devuser_map_lookup(map, io.rid, io.offset, io.len));

	map->nr_areas = 0;
	io.offset = 8;
	KUNIT_EXPECT_NULL(test, devuser_map_lookup(map, io.rid, io.offset, io.len));
}

static void shadow_test_area(struct kunit *test)
{
	const struct kvm_dev_user_shadow_area area = {
		.rid = 1, .access = 0xf, .offset = 0x10, .len = 0x10, .image = 0x20,
	};

#define CHECK(valid, change) do {					\
	struct kvm_dev_user_shadow_area changed = area;			\
									\
	changed.change;							\
	KUNIT_EXPECT_EQ(test, valid,					\
			devuser_area_is_valid(&changed, TEST_IMAGE_BYTES)); \
} while (0)

	CHECK(true, rid = DEVUSER_RANGES_MAX - 1);
	CHECK(false, rid = DEVUSER_RANGES_MAX);
	CHECK(false, access = 0);
	CHECK(false, access = 0x10);
	CHECK(true, access = 8);
	CHECK(false, len = 0);
	CHECK(false, len = 4);
	CHECK(false, offset = 0x14);
	CHECK(false, image = 0x24);
	CHECK(true, image = TEST_IMAGE_BYTES - 0x10);
	CHECK(false, image = TEST_IMAGE_BYTES - 0x8);
	CHECK(false, image = TEST_IMAGE_BYTES);
	CHECK(false, image = U64_MAX - 0xf);
	CHECK(false, len = U64_MAX - 7);
	CHECK(false, offset = U64_MAX - 7);
#undef CHECK
}

static void shadow_test_map(struct kunit *test)
{
	struct devuser_map *map = test_map(test);

	KUNIT_EXPECT_TRUE(test, devuser_map_is_valid(map, TEST_IMAGE_BYTES));
	KUNIT_EXPECT_FALSE(test, devuser_map_is_valid(map, TEST_IMAGE_BYTES - 8));

	/* The first now reaches into the second. */
	map->areas[0].len += 8;
	KUNIT_EXPECT_FALSE(test, devuser_map_is_valid(map, TEST_IMAGE_BYTES));

	/* The same place in another range is another place. */
	map->areas[0].rid = 0;
	KUNIT_EXPECT_TRUE(test, devuser_map_is_valid(map, TEST_IMAGE_BYTES));
}

/* R4: the image's bytes, and only while no posted store is unanswered. */
static void shadow_test_load(struct kunit *test)
{
	static const u8 expected[4] = { 0x42, 0x43, 0xff, 0xff };
	struct devuser_score *score;
	struct devuser *d;
	u8 data[4];

	score = kunit_kzalloc(test, sizeof(*score), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, score);
	d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, devuser_shadow_load(d, score, 1, 0x0a, 2, data), -EOPNOTSUPP);
	RCU_INIT_POINTER(d->map, test_map(test));

	score->posted = 1;
	KUNIT_EXPECT_EQ(test, devuser_shadow_load(d, score, 1, 0x0a, 2, data), -EAGAIN);
	score->posted = 0;
	memset(data, 0xff, sizeof(data));
	KUNIT_EXPECT_EQ(test, devuser_shadow_load(d, score, 1, 0x0a, 2, data), 0);
	KUNIT_EXPECT_MEMEQ(test, data, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, score->shadow_loads, 1);
	KUNIT_EXPECT_EQ(test, devuser_shadow_load(d, score, 0, 0x0a, 2, data), -EOPNOTSUPP);
}

static struct kunit_case shadow_test_cases[] = {
	KUNIT_CASE(shadow_test_lookup),
	KUNIT_CASE(shadow_test_lookup_far),
	KUNIT_CASE(shadow_test_area),
	KUNIT_CASE(shadow_test_map),
	KUNIT_CASE(shadow_test_load),
	{}
};

static struct kunit_suite shadow_test_suite = {
	.name = "kvm_devuser_shadow",
	.test_cases = shadow_test_cases,
};

kunit_test_suite(shadow_test_suite);
