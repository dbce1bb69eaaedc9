// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what the KVM user device knows of architectures. Included by
 * run.c.
 */

#include <kunit/test.h>

static struct kvm_vcpu *test_vcpu(struct kunit *test)
{
	struct kvm_vcpu *vcpu;

	vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->run = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->run);

	return vcpu;
}

#ifdef CONFIG_X86
/*
 * R13: a piece stays behind one that was declined. A guest whose state is protected
 * leaves the number of the access before, which is none to stay behind.
 */
static void run_test_behind_fragment(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test_vcpu(test);

	KUNIT_EXPECT_FALSE(test, devuser_behind_fragment(vcpu));
	vcpu->mmio_nr_fragments = 1;
	KUNIT_EXPECT_TRUE(test, devuser_behind_fragment(vcpu));
	vcpu->arch.guest_state_protected = true;
	KUNIT_EXPECT_FALSE(test, devuser_behind_fragment(vcpu));
}

static int test_complete(struct kvm_vcpu *vcpu)
{
	return 1;
}

/* An exit that nothing will complete is none, whatever userspace writes. */
static void run_test_awaited(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test_vcpu(test);
	struct devuser_access acc = { };

	vcpu->run->exit_reason = KVM_EXIT_MMIO;
	vcpu->run->mmio.len = 4;
	KUNIT_EXPECT_FALSE(test, devuser_run_parse(vcpu, &acc));
	vcpu->arch.complete_userspace_io = test_complete;
	KUNIT_EXPECT_TRUE(test, devuser_run_parse(vcpu, &acc));
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	KUNIT_EXPECT_FALSE(test, devuser_run_parse(vcpu, &acc));
}

/* Of port I/O only what is read is completed. */
static void run_test_awaited_pio(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test_vcpu(test);
	struct devuser_access acc = { };

	vcpu->arch.pio_data = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->arch.pio_data);
	vcpu->run->exit_reason = KVM_EXIT_IO;
	vcpu->run->io.size = 4;
	vcpu->run->io.count = 1;
	vcpu->run->io.data_offset = DEVUSER_PIO_OFFSET;

	vcpu->run->io.direction = KVM_EXIT_IO_OUT;
	KUNIT_EXPECT_TRUE(test, devuser_run_parse(vcpu, &acc));
	vcpu->run->io.direction = KVM_EXIT_IO_IN;
	KUNIT_EXPECT_FALSE(test, devuser_run_parse(vcpu, &acc));
	vcpu->arch.complete_userspace_io = test_complete;
	KUNIT_EXPECT_TRUE(test, devuser_run_parse(vcpu, &acc));
}

/* Whatever userspace writes, what is read out of it lies in the PIO page. */
static void run_test_parse_pio(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test_vcpu(test);
	struct kvm_run *run = vcpu->run;
	struct devuser_access acc = { };
	u8 *page;

	page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	vcpu->arch.pio_data = page;
	vcpu->arch.complete_userspace_io = test_complete;

#define CHECK(valid, change) do {					\
	run->exit_reason = KVM_EXIT_IO;					\
	run->io.size = 4;						\
	run->io.count = 4;						\
	run->io.data_offset = DEVUSER_PIO_OFFSET;			\
	run->io.change;							\
	KUNIT_EXPECT_EQ(test, valid, devuser_run_parse(vcpu, &acc));	\
} while (0)

	CHECK(true, port = 0x100);
	CHECK(true, count = PAGE_SIZE / 4);
	KUNIT_EXPECT_PTR_EQ(test, acc.data, page);
	CHECK(false, count = PAGE_SIZE / 4 + 1);
	CHECK(false, count = U32_MAX);
	CHECK(false, count = 0);
	CHECK(false, size = 0);
	CHECK(false, size = 3);
	CHECK(false, size = 8);
	CHECK(true, data_offset = DEVUSER_PIO_OFFSET + PAGE_SIZE - 16);
	KUNIT_EXPECT_PTR_EQ(test, acc.data, page + PAGE_SIZE - 16);
	CHECK(false, data_offset = DEVUSER_PIO_OFFSET + PAGE_SIZE - 15);
	CHECK(false, data_offset = DEVUSER_PIO_OFFSET - 1);
	CHECK(false, data_offset = 0);
	CHECK(false, data_offset = U64_MAX);
#undef CHECK
}
#endif

static void run_test_parse_mmio(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test_vcpu(test);
	struct kvm_run *run = vcpu->run;
	struct devuser_access acc = { };
	int i;

	for (i = 0; i <= 9; i++) {
		run->mmio.len = i;
		memset(run->mmio.data, 0xa5, sizeof(run->mmio.data));
		run->mmio.is_write = 1;
		KUNIT_EXPECT_EQ(test, devuser_run_parse_mmio(vcpu, &acc), i >= 1 && i <= 8);
	}
	run->mmio.len = U32_MAX;
	KUNIT_EXPECT_FALSE(test, devuser_run_parse_mmio(vcpu, &acc));
	run->mmio.len = 3;
	KUNIT_EXPECT_TRUE(test, devuser_run_parse_mmio(vcpu, &acc));
	KUNIT_EXPECT_EQ(test, acc.io.data[2], 0xa5);
	KUNIT_EXPECT_EQ(test, acc.io.data[3], 0);
}

static struct kunit_case run_test_cases[] = {
#ifdef CONFIG_X86
	KUNIT_CASE(run_test_behind_fragment),
	KUNIT_CASE(run_test_awaited),
	KUNIT_CASE(run_test_awaited_pio),
	KUNIT_CASE(run_test_parse_pio),
#endif
	KUNIT_CASE(run_test_parse_mmio),
	{}
};

static struct kunit_suite run_test_suite = {
	.name = "kvm_devuser_run",
	.test_cases = run_test_cases,
};

kunit_test_suite(run_test_suite);
