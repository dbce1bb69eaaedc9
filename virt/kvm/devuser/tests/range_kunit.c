// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's ranges. Included by range.c.
 */

#include <kunit/test.h>

static void range_test_check(struct kunit *test)
{
	struct kvm_dev_user_pa_range arg = { .addr = 0x1000, .len = 0x1000 };

#define CHECK(error, change) do {					\
	struct kvm_dev_user_pa_range changed = arg;			\
									\
	changed.change;							\
	KUNIT_EXPECT_EQ(test, devuser_range_check(&changed), error);	\
} while (0)

	CHECK(0, rid = DEVUSER_RANGES_MAX - 1);
	CHECK(-EINVAL, rid = DEVUSER_RANGES_MAX);
	CHECK(-EINVAL, reserved = 1);
	CHECK(0, flags = KVM_DEV_USER_RANGE_NONPOSTED);
	CHECK(-EINVAL, flags = 4);
	CHECK(-EINVAL, flags = U32_MAX);
	CHECK(-EINVAL, len = 0);
	CHECK(0, addr = U64_MAX - 0x1000);
	CHECK(-EINVAL, addr = U64_MAX - 0xfff);
	CHECK(-EINVAL, addr = U64_MAX);
	CHECK(0, len = NR_IOBUS_DEVS * DEVUSER_PIECE);
	CHECK(-ENOSPC, len = NR_IOBUS_DEVS * DEVUSER_PIECE + 1);
	CHECK(-EINVAL, len = U64_MAX);

	arg.flags = KVM_DEV_USER_RANGE_PIO;
	CHECK(0, len = 0xf000);
	CHECK(-EINVAL, len = 0xf001);
	CHECK(-EINVAL, addr = 0x10000);
	CHECK(-EINVAL, len = 0);

	/* What removes a range has nothing but its id. */
	arg = (struct kvm_dev_user_pa_range) { .rid = 5 };
	CHECK(0, rid = 5);
	CHECK(-EINVAL, addr = 1);
	CHECK(-EINVAL, flags = KVM_DEV_USER_RANGE_PIO);
#undef CHECK
}

static struct kunit_case range_test_cases[] = {
	KUNIT_CASE(range_test_check),
	{}
};

static struct kunit_suite range_test_suite = {
	.name = "kvm_devuser_range",
	.test_cases = range_test_cases,
};

kunit_test_suite(range_test_suite);
