// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's doorbells. Included by doorbell.c.
 */

#include <kunit/test.h>

#define VALUE	KVM_DEV_USER_DOORBELL_VALUE

/* Sorted: neighbours, several values of one place, and one of any value. */
static const struct kvm_dev_user_doorbell test_bells[] = {
	{ .rid = 1, .offset = 0x10, .len = 2, .flags = VALUE, .value = 0 },
	{ .rid = 1, .offset = 0x10, .len = 2, .flags = VALUE, .value = 1 },
	{ .rid = 1, .offset = 0x10, .len = 2, .flags = VALUE, .value = 0xffff },
	{ .rid = 1, .offset = 0x10, .len = 4 },
	{ .rid = 2, .offset = 0x10, .len = 8, .flags = VALUE, .value = 1ULL << 63 },
	{ .rid = 1, .offset = 0x14, .len = 4 },
};

static struct devuser_doorbells *test_doorbells(struct kunit *test,
						const struct kvm_dev_user_doorbell *bells,
						unsigned int nr)
{
	struct devuser_doorbells *doorbells;
	unsigned int i;

	doorbells = kunit_kzalloc(test, struct_size(doorbells, bells, nr), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, doorbells);
	doorbells->nr = nr;
	for (i = 0; i < nr; i++)
		doorbells->bells[i].at = bells[i];

	return doorbells;
}

/* The definition in the UAPI header, word by word. */
static int test_find(u32 rid, u64 offset, int len, u64 value)
{
	const struct kvm_dev_user_doorbell *at;
	int i;

	for (i = 0; i < ARRAY_SIZE(test_bells); i++) {
		at = &test_bells[i];
		if (at->rid == rid && at->offset == offset && at->len == len &&
		    (!(at->flags & VALUE) || at->value == value))
			return i;
	}

	return -1;
}

/* Every small store, with the values next to those that match. */
static void doorbell_test_find(struct kunit *test)
{
	static const u64 values[] = { 0, 1, 2, 0xfffe, 0xffff, 1ULL << 63 };
	struct devuser_doorbells *doorbells =
		test_doorbells(test, test_bells, ARRAY_SIZE(test_bells));
	struct devuser_doorbell *bell;
	unsigned int rung = 0;
	u32 rid, len, i;
	u64 offset;
	int want;

	for (rid = 0; rid < 4; rid++) {
		for (offset = 0xc; offset < 0x18; offset++) {
			for (len = 1; len <= 8; len++) {
				for (i = 0; i < ARRAY_SIZE(values); i++) {
					u64 value = len == 8 ? values[i] :
						    values[i] & (BIT_ULL(8 * len) - 1);

					want = test_find(rid, offset, len, value);
					bell = devuser_doorbell_find(doorbells, rid, offset,
								     len, &value);
					KUNIT_ASSERT_PTR_EQ(test, bell,
							    want < 0 ? NULL :
							    &doorbells->bells[want]);
					rung += !!bell;
				}
			}
		}
	}

	/* 0, 1, 0xffff, and once more 0 cut off; any of six, twice; one */
	KUNIT_EXPECT_EQ(test, rung, 4 + 6 + 6 + 1);
}

static void doorbell_test_valid(struct kunit *test)
{
	const struct kvm_dev_user_doorbell at = { .rid = 1, .offset = 0x10, .len = 2 };

#define CHECK(valid, change) do {					\
	struct kvm_dev_user_doorbell changed = at;			\
									\
	changed.change;							\
	KUNIT_EXPECT_EQ(test, valid, devuser_doorbell_is_valid(&changed)); \
} while (0)

	CHECK(true, rid = DEVUSER_RANGES_MAX - 1);
	CHECK(false, rid = DEVUSER_RANGES_MAX);
	CHECK(true, flags = VALUE);
	CHECK(false, flags = VALUE << 1);
	CHECK(false, flags = 0x80000000);
	CHECK(true, len = 1);
	CHECK(true, len = 8);
	CHECK(false, len = 0);
	CHECK(false, len = 3);
	CHECK(false, len = 16);
	CHECK(true, offset = 0x11);
	CHECK(false, offset = U64_MAX);
	CHECK(false, value = 1);
	CHECK(true, value = (changed.flags = VALUE, 0xffff));
	CHECK(false, value = (changed.flags = VALUE, 0x10000));
	CHECK(true, value = (changed.flags = VALUE, changed.len = 8, U64_MAX));
#undef CHECK
}

/* No store matches two. */
static void doorbell_test_ambiguous(struct kunit *test)
{
	struct kvm_dev_user_doorbell bells[3] = {
		{ .offset = 0x10, .len = 2, .flags = VALUE, .value = 1 },
		{ .offset = 0x10, .len = 2, .flags = VALUE, .value = 2 },
		{ .offset = 0x12, .len = 2 },
	};

	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), 0);
	bells[1].value = 1;
	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), -EINVAL);
	bells[1].value = 0;
	bells[1].flags = 0;
	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), -EINVAL);
	swap(bells[0], bells[1]);
	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), -EINVAL);
	bells[0].len = 4;
	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), 0);
	bells[1] = bells[2];
	KUNIT_EXPECT_EQ(test, devuser_doorbells_check(test_doorbells(test, bells, 3)), -EINVAL);
}

static struct kunit_case doorbell_test_cases[] = {
	KUNIT_CASE(doorbell_test_find),
	KUNIT_CASE(doorbell_test_valid),
	KUNIT_CASE(doorbell_test_ambiguous),
	{}
};

static struct kunit_suite doorbell_test_suite = {
	.name = "kvm_devuser_doorbell",
	.test_cases = doorbell_test_cases,
};

kunit_test_suite(doorbell_test_suite);
