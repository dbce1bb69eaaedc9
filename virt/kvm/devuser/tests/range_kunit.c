// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's ranges. Included by range.c.
 */

#include <kunit/test.h>

/* R13: an access lies in a range as a whole, or not at all. */
static void range_test_contains(struct kunit *test)
{
	static const struct devuser_range range = { .addr = 0x1000, .len = 0x10 };
	static const struct devuser_range top = {
		.addr = U64_MAX - 0xf, .len = 0xf,
	};
	static const struct devuser_range byte = { .addr = 0x20, .len = 1 };

	KUNIT_EXPECT_TRUE(test, devuser_range_contains(&range, false, 0x1000, 8));
	KUNIT_EXPECT_TRUE(test, devuser_range_contains(&range, false, 0x1008, 8));
	KUNIT_EXPECT_TRUE(test, devuser_range_contains(&range, false, 0x100f, 1));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, false, 0x1009, 8));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, false, 0x100f, 2));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, false, 0x1010, 1));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, false, 0xfff, 1));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, false, 0xfff, 2));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&range, true, 0x1000, 1));
	KUNIT_EXPECT_TRUE(test, devuser_range_contains(&byte, false, 0x20, 1));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&byte, false, 0x20, 2));
	KUNIT_EXPECT_TRUE(test, devuser_range_contains(&top, false, U64_MAX - 1, 1));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&top, false, U64_MAX - 1, 2));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&top, false, U64_MAX, 8));
	KUNIT_EXPECT_FALSE(test, devuser_range_contains(&top, false, 0, 1));
}

/* Is there no room for such a range beside one at 0x1000, 0x100 long? */
static bool test_overlaps(struct devuser_range new)
{
	static struct devuser one, two;
	struct devuser_range set = {
		.addr = 0x1000, .len = 0x100, .rid = 1, .dev = &one,
	};
	struct devuser_vm vm;

	INIT_LIST_HEAD(&vm.ranges);
	list_add_tail(&set.node, &vm.ranges);
	new.dev = new.dev ? &one : &two;

	return devuser_range_overlaps(&vm, &new);
}

/* Stands for the device that has the other range. */
#define SAME_DEVICE	((struct devuser *)1)

/* R12: on one bus, whichever devices they are of; but for the range itself. */
static void range_test_overlaps(struct kunit *test)
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

static void range_test_check(struct kunit *test)
{
	struct kvm_devuser_pa_range arg = { .addr = 0x1000, .len = 0x1000 };

#define CHECK(error, change) do {					\
	struct kvm_devuser_pa_range changed = arg;			\
									\
	changed.change;							\
	KUNIT_EXPECT_EQ(test, devuser_range_check(&changed), error);	\
} while (0)

	CHECK(0, rid = KVM_DEVUSER_RANGES_MAX - 1);
	CHECK(-EINVAL, rid = KVM_DEVUSER_RANGES_MAX);
	CHECK(-EINVAL, reserved = 1);
	CHECK(-EINVAL, flags = 2);
	CHECK(-EINVAL, flags = U32_MAX);
	CHECK(-EINVAL, len = 0);
	CHECK(0, addr = U64_MAX - 0x1000);
	CHECK(-EINVAL, addr = U64_MAX - 0xfff);
	CHECK(-EINVAL, addr = U64_MAX);
	CHECK(0, len = NR_IOBUS_DEVS * DEVUSER_PIECE);
	CHECK(-ENOSPC, len = NR_IOBUS_DEVS * DEVUSER_PIECE + 1);
	CHECK(-EINVAL, len = U64_MAX);

	arg.flags = KVM_DEVUSER_RANGE_PIO;
	CHECK(0, len = 0xf000);
	CHECK(-EINVAL, len = 0xf001);
	CHECK(-EINVAL, addr = 0x10000);
	CHECK(-EINVAL, len = 0);

	/* What removes a range has nothing but its id. */
	arg = (struct kvm_devuser_pa_range) { .rid = 5 };
	CHECK(0, rid = 5);
	CHECK(-EINVAL, addr = 1);
	CHECK(-EINVAL, flags = KVM_DEVUSER_RANGE_PIO);
#undef CHECK
}

static struct kunit_case range_test_cases[] = {
	KUNIT_CASE(range_test_contains),
	KUNIT_CASE(range_test_overlaps),
	KUNIT_CASE(range_test_check),
	{}
};

static struct kunit_suite range_test_suite = {
	.name = "kvm_devuser_range",
	.test_cases = range_test_cases,
};

kunit_test_suite(range_test_suite);
