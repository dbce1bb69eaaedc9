// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: in and out of every size, and string I/O of any count, of which
 * every element is delivered once, in order (R13).
 */
#include <poll.h>

#include "devuser_util.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_PIO

/* Elements of the longest string, which KVM takes in several goes. */
#define STRING_MAX	1025

/* --- in and out -------------------------------------------------------------------- */

static void guest_sizes(void)
{
	u16 port;

	for (port = DEVUSER_PORT; port < DEVUSER_PORT + 5; port++) {
		u64 at = port - DEVUSER_PORT;

		guest_out8(port, 0x11 + at);
		guest_out16(port, 0x2211 + at);
		guest_out32(port, 0x44332211 + at);
		GUEST_ASSERT_EQ(guest_in8(port), devuser_pattern(RID, at, 1));
		GUEST_ASSERT_EQ(guest_in16(port), devuser_pattern(RID, at, 2));
		GUEST_ASSERT_EQ(guest_in32(port), devuser_pattern(RID, at, 4));
	}
	GUEST_DONE();
}

/* R13: 1, 2 and 4 bytes at each alignment. */
TEST(every_size)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_sizes);
	u32 next = 0;
	u64 at;

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[0]);
	for (at = 0; at < 5; at++) {
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, at, 1, 0x11 + at);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, at, 2,
				  0x2211 + at);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, at, 4,
				  0x44332211 + at);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, at, 1, 0);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, at, 2, 0);
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, at, 4, 0);
	}
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

#define VMM_VALUE	0xfeedf00d

static void guest_range_end(void)
{
	guest_out32(DEVUSER_PORT + DEVUSER_PORT_LEN - 3, 0x12345678);
	GUEST_ASSERT_EQ(guest_in32(DEVUSER_PORT - 1), VMM_VALUE);
	guest_out16(DEVUSER_PORT + DEVUSER_PORT_LEN - 2, 1);
	GUEST_DONE();
}

/* R13: what straddles an end of the range is the VMM's. */
TEST(range_end)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_range_end);
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	u32 *data = (void *)vcpu->run + SZ_4K;
	u32 next = 0;

	devuser_emul_serve(dv->emul, devuser_serve);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_OUT);
	TEST_ASSERT_EQ(vcpu->run->io.port, DEVUSER_PORT + DEVUSER_PORT_LEN - 3);
	TEST_ASSERT_EQ(vcpu->run->io.size, 4);
	TEST_ASSERT_EQ(vcpu->run->io.data_offset, SZ_4K);
	TEST_ASSERT_EQ(*data, 0x12345678);

	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_IN);
	TEST_ASSERT_EQ(vcpu->run->io.port, DEVUSER_PORT - 1);
	TEST_ASSERT_EQ(vcpu->run->io.size, 4);
	*data = VMM_VALUE;

	devuser_vcpu_run_done(vcpu);
	devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID,
			  DEVUSER_PORT_LEN - 2, 2, 1);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

/* --- String I/O ------------------------------------------------------------------------ */

#define STRING_OP(name, insn, reg)						\
static void guest_##name(u16 port, void *buf, u64 count)			\
{										\
	asm volatile("rep " insn : "+" reg(buf), "+c"(count)			\
		     : "d"(port) : "memory");					\
	GUEST_ASSERT_EQ(count, 0);						\
}

STRING_OP(ins8, "insb", "D")
STRING_OP(ins16, "insw", "D")
STRING_OP(ins32, "insl", "D")
STRING_OP(outs8, "outsb", "S")
STRING_OP(outs16, "outsw", "S")
STRING_OP(outs32, "outsl", "S")

/* On a page of its own, so that strings cross pages where the test knows. */
static u32 buffer[STRING_MAX + 1] __aligned(SZ_4K);

/* The element at @index of a string. */
static u32 element(u32 index, int size)
{
	return (index * 2654435761u ^ 0x5a5a5a5a) & (~0u >> (32 - 8 * size));
}

static u32 buffer_get(u32 index, int size)
{
	u32 val = 0;

	memcpy(&val, (u8 *)buffer + index * size, size);
	return val;
}

static void guest_ins(u64 size, u64 count)
{
	u32 i;

	memset(buffer, 0xcc, sizeof(buffer));
	if (size == 1)
		guest_ins8(DEVUSER_PORT, buffer, count);
	else if (size == 2)
		guest_ins16(DEVUSER_PORT, buffer, count);
	else
		guest_ins32(DEVUSER_PORT, buffer, count);

	for (i = 0; i < count; i++)
		__GUEST_ASSERT(buffer_get(i, size) == element(i, size),
			       "%lu bytes of element %u of %lu are 0x%x, not 0x%x",
			       size, i, count, buffer_get(i, size), element(i, size));
	GUEST_ASSERT_EQ(buffer_get(count, size), 0xcccccccc >> (32 - 8 * size));
	GUEST_DONE();
}

static void guest_outs(u64 size, u64 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		u32 val = element(i, size);

		memcpy((u8 *)buffer + i * size, &val, size);
	}
	if (size == 1)
		guest_outs8(DEVUSER_PORT, buffer, count);
	else if (size == 2)
		guest_outs16(DEVUSER_PORT, buffer, count);
	else
		guest_outs32(DEVUSER_PORT, buffer, count);
	GUEST_DONE();
}

/* Answers the loads of a string by its elements. */
static void serve_string(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u32 index;
	int i;

	for (i = 0; i < nr; i++) {
		if (reqs[i].type == KVM_DEV_USER_LOAD) {
			u32 val = element(index++, reqs[i].len);

			memcpy(reqs[i].data, &val, sizeof(val));
		}
	}
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

static void check_string(struct devuser_vm *dv, u8 type, int size, u32 count)
{
	u32 next = 0;

	while (next < count)
		devuser_check_log(dv->emul, &next, type, 0, RID, 0, size, element(next, size));
	DEVUSER_STAYS(devuser_emul_nr(dv->emul) == count);
}

FIXTURE(string) {
	struct devuser_vm *dv;
};

FIXTURE_VARIANT(string) {
	int size;
	u32 count;
};

FIXTURE_VARIANT_ADD(string, two_bytes) {
	.size = 1,
	.count = 2,
};

FIXTURE_VARIANT_ADD(string, three_longs) {
	.size = 4,
	.count = 3,
};

FIXTURE_VARIANT_ADD(string, more_bytes) {
	.size = 1,
	.count = STRING_MAX,
};

FIXTURE_VARIANT_ADD(string, many_longs) {
	.size = 4,
	.count = 600,
};

FIXTURE_SETUP(string)
{
	self->dv = devuser_vm_create(1, NULL);
	vcpu_args_set(self->dv->vcpus[0], 2, (u64)variant->size, (u64)variant->count);
}

FIXTURE_TEARDOWN(string)
{
	devuser_vm_free(self->dv);
}

/* R13: rep ins of any count. */
TEST_F(string, ins)
{
	vcpu_arch_set_entry_point(self->dv->vcpus[0], guest_ins);
	devuser_emul_serve(self->dv->emul, serve_string);
	devuser_vcpu_run_done(self->dv->vcpus[0]);
	check_string(self->dv, KVM_DEV_USER_LOAD, variant->size, variant->count);
}

/* R13: rep outs of any count. */
TEST_F(string, outs)
{
	vcpu_arch_set_entry_point(self->dv->vcpus[0], guest_outs);
	devuser_emul_serve(self->dv->emul, serve_string);
	devuser_vcpu_run_done(self->dv->vcpus[0]);
	check_string(self->dv, KVM_DEV_USER_STORE, variant->size, variant->count);
}

#define FULL_COUNT	(DEVUSER_STORES_MAX + 100)

/* R5, R13: the queue fills up in the middle of rep outs. */
TEST(outs_into_full_queue)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_outs);
	u32 pending;

	vcpu_args_set(dv->vcpus[0], 2, 4ul, (u64)FULL_COUNT);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending >= DEVUSER_STORES_MAX);
	DEVUSER_STAYS(devuser_status(dv->master).pending <= DEVUSER_STORES_MAX + 1);
	pending = devuser_status(dv->master).pending;
	TEST_ASSERT(pending < FULL_COUNT, "The queue was not full");

	dv->emul->shared->batch = 7;
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	check_string(dv, KVM_DEV_USER_STORE, 4, FULL_COUNT);
	devuser_vm_free(dv);
}

/* --- A string that is served from the shadow image in part ------------------------------ */

#define IMAGE_VALUE	0xaaaaaaaa
#define SLAVE_VALUE	0x55555555
#define MAP_COUNT	300	/* more than are queued together */
#define CHUNK		256	/* elements that the emulator reads at once */
#define CUTS		1
#define MAP_ROUNDS	10

static bool stop;
static u32 strings_cut;
static u64 nr_strings;

/* The image served the first elements of what the emulator reads at once, and no more. */
static bool is_cut(u32 i)
{
	return i % CHUNK && buffer[i - 1] == IMAGE_VALUE && buffer[i] == SLAVE_VALUE;
}

static void guest_cut(void)
{
	u32 i, count = MAP_COUNT;

	while (!READ_ONCE(stop)) {
		memset(buffer, 0, count * 4);
		guest_ins32(DEVUSER_PORT, buffer, count);
		for (i = 0; i < count; i++) {
			__GUEST_ASSERT(buffer[i] == IMAGE_VALUE || buffer[i] == SLAVE_VALUE,
				       "Element %u is 0x%x", i, buffer[i]);
			if (is_cut(i))
				WRITE_ONCE(strings_cut, strings_cut + 1);
		}
		nr_strings++;
	}
	GUEST_DONE();
}

/* Answers @nr loads at most. */
static void answer(struct devuser_emul *emul, int nr)
{
	struct pollfd fd = { .fd = emul->slave, .events = POLLIN };
	struct kvm_dev_user_request req;
	const u32 value = SLAVE_VALUE;

	while (nr-- > 0 && poll(&fd, 1, 10) == 1) {
		DEVUSER_EXPECT(devuser_read(emul->slave, &req, 1), 1);
		memcpy(req.data, &value, sizeof(value));
		DEVUSER_EXPECT(devuser_write(emul->slave, &req, 1), 1);
	}
}

/* Lets the image serve the port, and the slave some loads, in turn. */
static long change_map(struct devuser_emul *emul, void *arg)
{
	const struct kvm_dev_user_shadow_area area = {
		.rid = RID, .access = 4, .len = 8,
	};
	int i;

	for (i = 0; i < MAP_ROUNDS; i++) {
		DEVUSER_EXPECT(devuser_shadow_ctrl(emul->slave, NULL, 0), 0);
		answer(emul, i % 16 * 16);
		DEVUSER_EXPECT(devuser_shadow_ctrl(emul->slave, &area, 1), 0);
		answer(emul, 1);
		/* Some strings later, and not always at the same place. */
		usleep(1000 + 200 * i);
	}

	/* What had been queued together before the map came. */
	answer(emul, DEVUSER_STORES_MAX);
	return 0;
}

/* R4, R13: each element is loaded once, also where the image stops to serve amid a string. */
TEST(ins_while_map_changes)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_cut);
	struct kvm_dev_user_status status;
	const u32 value = IMAGE_VALUE;

	devuser_emul_shadow(dv->emul, SZ_4K, NULL, 0);
	devuser_emul_shadow_set(dv->emul, 0, &value, sizeof(value));
	devuser_vcpu_start(dv, 0);
	while (READ_ONCE(*DEVUSER_GUEST_VAR(dv->vm, strings_cut)) < CUTS)
		devuser_emul_call(dv->emul, change_map, NULL, 0);
	WRITE_ONCE(*DEVUSER_GUEST_VAR(dv->vm, stop), true);
	devuser_vcpu_join(dv, 0);
	status = devuser_status(dv->master);
	TEST_ASSERT_EQ(status.loads + status.shadow_loads,
		       MAP_COUNT * *DEVUSER_GUEST_VAR(dv->vm, nr_strings));
	devuser_vm_free(dv);
}

/* --- Downwards ---------------------------------------------------------------------------- */

#define DOWN_COUNT	9

static void guest_down(void)
{
	u64 count = DOWN_COUNT;
	u32 *at, i;

	/* buffer[0] is where both have to end. */
	for (i = 0; i < DOWN_COUNT; i++)
		buffer[i + 1] = element(i, 4);
	at = &buffer[DOWN_COUNT];
	asm volatile("std\n\t"
		     "rep outsl\n\t"
		     "cld" : "+S"(at), "+c"(count) : "d"(DEVUSER_PORT) : "memory");
	GUEST_ASSERT(at == buffer);

	at = &buffer[DOWN_COUNT];
	count = DOWN_COUNT;
	asm volatile("std\n\t"
		     "rep insl\n\t"
		     "cld" : "+D"(at), "+c"(count) : "d"(DEVUSER_PORT) : "memory");
	GUEST_ASSERT(at == buffer);
	for (i = 0; i < DOWN_COUNT; i++)
		GUEST_ASSERT_EQ(buffer[DOWN_COUNT - i], element(i, 4));
	GUEST_DONE();
}

/* R13: strings that go down in memory. */
TEST(downwards)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_down);
	u32 next = 0;

	devuser_emul_serve(dv->emul, serve_string);
	devuser_vcpu_run_done(dv->vcpus[0]);
	while (next < DOWN_COUNT)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, RID, 0, 4,
				  element(DOWN_COUNT - 1 - next, 4));
	while (next < 2 * DOWN_COUNT)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_LOAD, 0, RID, 0, 4, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), next);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
