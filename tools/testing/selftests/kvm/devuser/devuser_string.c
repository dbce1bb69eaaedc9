// SPDX-License-Identifier: GPL-2.0-only
/*
 * String I/O of the user device (R13): its elements are queued together, as far as
 * there is room, and waited for once. Each is one access all the same.
 *
 * That is INS: KVM does OUTS as many accesses of one element, which are posted, or
 * wait one after the other (R16).
 */

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define PORTS		DEVUSER_RID_PIO
#define REPLAY		(KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY)
#define ELEMENTS_MAX	1025
#define SOON_MS		20	/* until the signal comes */

/* Elements that wait for the slave at the same time, the vCPU's own request included. */
#define TOGETHER	128

/* --- The guest ----------------------------------------------------------------------- */

static u32 buffer[ELEMENTS_MAX] __aligned(SZ_4K);

/* What the host wants: the size of the elements, and how many; filler stores before. */
static u64 el_size, el_count, nr_fill;
static bool finished;

/* The element at @index of a string. */
static u32 element(u32 index, int size)
{
	return (index * 2654435761u ^ 0x5a5a5a5a) & (~0u >> (32 - 8 * size));
}

static u32 buffer_get(const u32 *buf, u32 index, int size)
{
	u32 val = 0;

	memcpy(&val, (const u8 *)buf + index * size, size);
	return val;
}

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

/* Posted stores of the vCPU before its string, or of another one. */
static void guest_fill(void)
{
	u64 i;

	for (i = 0; i < nr_fill; i++)
		guest_write32(DEVUSER_GPA, i);
}

/* vCPU 0 does the string, and leaves to the host to look at the buffer. */
static void guest_ins(u64 index)
{
	if (index) {
		guest_fill();
		GUEST_DONE();
	}
	memset(buffer, 0xcc, sizeof(buffer));
	if (el_size == 1)
		guest_ins8(DEVUSER_PORT, buffer, el_count);
	else if (el_size == 2)
		guest_ins16(DEVUSER_PORT, buffer, el_count);
	else
		guest_ins32(DEVUSER_PORT, buffer, el_count);
	WRITE_ONCE(finished, true);
	GUEST_DONE();
}

static void guest_outs(u64 index)
{
	u32 i, val;

	if (index) {
		guest_fill();
		GUEST_DONE();
	}
	for (i = 0; i < el_count; i++) {
		val = element(i, el_size);
		memcpy((u8 *)buffer + i * el_size, &val, el_size);
	}
	if (el_size == 1)
		guest_outs8(DEVUSER_PORT, buffer, el_count);
	else if (el_size == 2)
		guest_outs16(DEVUSER_PORT, buffer, el_count);
	else
		guest_outs32(DEVUSER_PORT, buffer, el_count);
	WRITE_ONCE(finished, true);
	GUEST_DONE();
}

/* --- The host ------------------------------------------------------------------------ */

static struct devuser_vm *string_vm(u32 nr_vcpus, void *guest_code, int size, u32 count)
{
	struct devuser_vm *dv = devuser_vm_create(nr_vcpus, guest_code);

	*DEVUSER_GUEST_VAR(dv->vm, el_size) = size;
	*DEVUSER_GUEST_VAR(dv->vm, el_count) = count;
	return dv;
}

/* KVM_RUN until an access is unfinished and queued: the first signal may come between. */
static void run_queued(struct kvm_vcpu *vcpu)
{
	devuser_run_unfinished(vcpu, SOON_MS);
	devuser_run_interrupted(vcpu, SOON_MS);
}

static void set_nonposted(struct devuser_vm *dv)
{
	devuser_set_range(dv->master, PORTS, DEVUSER_PORTS_FLAG | KVM_DEV_USER_RANGE_NONPOSTED,
			  DEVUSER_PORTS_BASE + DEVUSER_PORT, DEVUSER_PORT_LEN);
}

static bool guest_finished(struct devuser_vm *dv)
{
	return READ_ONCE(*DEVUSER_GUEST_VAR(dv->vm, finished));
}

/* Elements from @first to before @end are what the slave said. */
static void expect_elements(struct devuser_vm *dv, u32 first, u32 end, int size)
{
	const u32 *buf = *DEVUSER_GUEST_VAR(dv->vm, buffer);
	u32 i;

	for (i = first; i < end; i++)
		TEST_ASSERT(buffer_get(buf, i, size) == element(i, size),
			    "Element %u of %d bytes is 0x%x, not 0x%x", i, size,
			    buffer_get(buf, i, size), element(i, size));
}

static void expect_ones(struct devuser_vm *dv, u32 first, u32 end, int size)
{
	const u32 *buf = *DEVUSER_GUEST_VAR(dv->vm, buffer);
	u32 i;

	for (i = first; i < end; i++)
		TEST_ASSERT(buffer_get(buf, i, size) == ~0u >> (32 - 8 * size),
			    "Element %u of %d bytes is 0x%x, not all ones", i, size,
			    buffer_get(buf, i, size));
}

/* Behind the string the buffer is as it was. */
static void expect_end(struct devuser_vm *dv, u32 count, int size)
{
	const u32 *buf = *DEVUSER_GUEST_VAR(dv->vm, buffer);

	TEST_ASSERT_EQ(buffer_get(buf, count, size), 0xccccccccu >> (32 - 8 * size));
}

/* Each element came once, in order, with its data. */
static void expect_log(struct devuser_vm *dv, u8 type, int size, u32 count)
{
	struct kvm_dev_user_status status = devuser_status(dv->master);
	u32 next = 0;

	while (next < count)
		devuser_check_log(dv->emul, &next, type, 0, PORTS, 0, size, element(next, size));
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), count);
	TEST_ASSERT_EQ(status.loads + status.stores, count);
	TEST_ASSERT_EQ(status.discarded, 0);
	TEST_ASSERT_EQ(status.refused, 0);
}

/* Sets the data of loads, the first of which is element @first of the string. */
static void set_elements(struct kvm_dev_user_request *reqs, int nr, u32 first)
{
	u32 val;
	int i;

	for (i = 0; i < nr; i++) {
		val = element(first + i, reqs[i].len);
		if (reqs[i].type == KVM_DEV_USER_LOAD)
			memcpy(reqs[i].data, &val, sizeof(val));
	}
}

/* In the process: elements are numbered in the order in which they are read. */
static void serve_elements(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	set_elements(reqs, nr, devuser_emul_nr(emul) - nr);
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
	__atomic_fetch_add(&emul->shared->scratch[0], 1, __ATOMIC_RELAXED);
}

/* The same, with the replies in some other order, and in several write()s. */
static void serve_shuffled(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	static u32 state = 5;
	struct kvm_dev_user_request tmp;
	int i, j, n;

	set_elements(reqs, nr, devuser_emul_nr(emul) - nr);
	for (i = nr - 1; i > 0; i--) {
		state = state * 1103515245 + 12345;
		j = (state >> 16) % (i + 1);
		tmp = reqs[i];
		reqs[i] = reqs[j];
		reqs[j] = tmp;
	}
	for (i = 0; i < nr; i += n) {
		n = min(nr - i, 1 + i % 37);
		DEVUSER_EXPECT(devuser_write(emul->slave, reqs + i, n), n);
	}
}

/* --- Few hand-offs ------------------------------------------------------------------- */

#define HANDOFF_COUNT	512
#define HANDOFFS_MAX	8

FIXTURE(handoffs)
{
};

FIXTURE_VARIANT(handoffs)
{
	int size;
	bool nonposted;
	u64 spin_ns;
};

FIXTURE_VARIANT_ADD(handoffs, insb) { .size = 1 };
FIXTURE_VARIANT_ADD(handoffs, insw) { .size = 2 };
FIXTURE_VARIANT_ADD(handoffs, insl) { .size = 4 };
FIXTURE_VARIANT_ADD(handoffs, insl_nonposted) { .size = 4, .nonposted = true };
/* Of four strings, as KVM does it, the first of which is the vCPU's first access. */
FIXTURE_VARIANT_ADD(handoffs, insl_spin) { .size = 4, .spin_ns = DEVUSER_SPIN_MAX };

FIXTURE_SETUP(handoffs)
{
}

FIXTURE_TEARDOWN(handoffs)
{
}

/*
 * The vCPU hands its elements to a slave that sleeps, and sleeps itself: each time
 * the slave wakes up to read, there are as many as may be. Who sleeps has had what
 * there was: so the read()s are the hand-offs.
 */
TEST_F(handoffs, few)
{
	const u32 times = variant->spin_ns ? 2 : 1, count = times * HANDOFF_COUNT;
	struct devuser_vm *dv = string_vm(1, guest_ins, variant->size, count);
	u64 reads;

	if (variant->nonposted)
		set_nonposted(dv);
	devuser_set_spin(dv->master, variant->spin_ns, 0);
	devuser_emul_serve(dv->emul, serve_elements);
	devuser_vcpu_run_done(dv->vcpus[0]);
	reads = READ_ONCE(dv->emul->shared->scratch[0]);
	ksft_print_msg("%lu read()s for %u elements\n", reads, count);
	TEST_ASSERT(reads <= times * HANDOFFS_MAX, "%lu hand-offs for %u elements", reads, count);
	expect_log(dv, KVM_DEV_USER_LOAD, variant->size, count);
	expect_elements(dv, 0, count, variant->size);
	devuser_vm_free(dv);
}

/* --- Replies in any order ------------------------------------------------------------ */

FIXTURE(shuffled)
{
};

FIXTURE_VARIANT(shuffled)
{
	int size;
	u32 count;
};

FIXTURE_VARIANT_ADD(shuffled, two_bytes) { 1, 2 };
FIXTURE_VARIANT_ADD(shuffled, just_together) { 4, TOGETHER };
FIXTURE_VARIANT_ADD(shuffled, one_more) { 4, TOGETHER + 1 };
FIXTURE_VARIANT_ADD(shuffled, words) { 2, 300 };
FIXTURE_VARIANT_ADD(shuffled, longs) { 4, ELEMENTS_MAX - 1 };
FIXTURE_VARIANT_ADD(shuffled, bytes) { 1, ELEMENTS_MAX };

FIXTURE_SETUP(shuffled)
{
}

FIXTURE_TEARDOWN(shuffled)
{
}

/* The data lies where its request belongs, not where its reply came. */
TEST_F(shuffled, ins)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, variant->size, variant->count);

	devuser_emul_serve(dv->emul, serve_shuffled);
	devuser_vcpu_run_done(dv->vcpus[0]);
	expect_log(dv, KVM_DEV_USER_LOAD, variant->size, variant->count);
	expect_elements(dv, 0, variant->count, variant->size);
	expect_end(dv, variant->count, variant->size);
	devuser_vm_free(dv);
}

/* R16: one after the other, each with its bytes. */
TEST_F(shuffled, outs)
{
	struct devuser_vm *dv = string_vm(1, guest_outs, variant->size, variant->count);

	set_nonposted(dv);
	devuser_emul_serve(dv->emul, serve_shuffled);
	devuser_vcpu_run_done(dv->vcpus[0]);
	expect_log(dv, KVM_DEV_USER_STORE, variant->size, variant->count);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	devuser_vm_free(dv);
}

/* The guest has to wait for the last of the replies, whichever it is, and looks for it. */
static void check_last_reply(int last)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, 1, 5);
	struct kvm_dev_user_request reqs[5];
	int i;

	run_queued(dv->vcpus[0]);
	devuser_emul_read(dv->emul, reqs, 5);
	set_elements(reqs, 5, 0);
	for (i = 0; i < 5; i++) {
		if (i != last)
			DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), 1);
	}
	devuser_run_interrupted(dv->vcpus[0], SOON_MS);
	TEST_ASSERT(!guest_finished(dv), "Reply %d is missing", last);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[last], 1), 1);
	devuser_vcpu_run_done(dv->vcpus[0]);
	expect_elements(dv, 0, 5, 1);
	devuser_vm_free(dv);
}

TEST(last_reply)
{
	int last;

	devuser_catch_signals();
	for (last = 0; last < 5; last += 2)
		check_last_reply(last);
}

/* --- Little room --------------------------------------------------------------------- */

#define ROOM_COUNT	40

/*
 * R5: another vCPU's posted stores leave room for few elements besides the one that
 * the vCPU has its own request for: so many go together, the rest follows.
 */
static void check_little_room(u32 room)
{
	struct devuser_vm *dv = string_vm(2, guest_ins, 4, ROOM_COUNT);
	const u32 fill = DEVUSER_STORES_MAX - room;
	struct kvm_dev_user_request *reqs;
	u32 next, nr;

	reqs = calloc(DEVUSER_STORES_MAX, sizeof(*reqs));
	TEST_ASSERT(reqs, "Out of memory");
	*DEVUSER_GUEST_VAR(dv->vm, nr_fill) = fill;
	devuser_vcpu_run_done(dv->vcpus[1]);
	devuser_emul_read(dv->emul, reqs, fill);
	devuser_vcpu_start(dv, 0);
	for (next = 0; next < ROOM_COUNT; next += nr) {
		nr = min(room + 1, ROOM_COUNT - next);
		devuser_emul_read(dv->emul, reqs, nr);
		TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);
		set_elements(reqs, nr, next);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, nr), nr);
	}
	devuser_vcpu_join(dv, 0);
	expect_elements(dv, 0, ROOM_COUNT, 4);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, fill);
	free(reqs);
	devuser_vm_free(dv);
}

TEST(little_room)
{
	check_little_room(3);
}

TEST(no_room)
{
	check_little_room(0);
}

/* --- Signals ------------------------------------------------------------------------- */

#define SIGNAL_COUNT	200

static void run_immediate_exit(struct kvm_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	DEVUSER_EXPECT(devuser_run_once(vcpu), -EINTR);
	vcpu->run->immediate_exit = 0;
}

static bool unfinished(struct kvm_vcpu *vcpu)
{
	return vcpu->run->flags & KVM_RUN_DEV_USER;
}

/* R10: signals whenever some of the elements have been read, or some answered. */
TEST(signals)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, 2, SIGNAL_COUNT);
	struct kvm_dev_user_request reqs[TOGETHER];
	struct kvm_vcpu *vcpu = dv->vcpus[0];
	u32 next, nr, done;

	devuser_catch_signals();
	for (next = 0; next < SIGNAL_COUNT; next += nr) {
		nr = min(TOGETHER, SIGNAL_COUNT - (int)next);
		run_queued(vcpu);
		TEST_ASSERT_EQ(devuser_status(dv->master).pending, nr);
		for (done = 0; done < nr; done++) {
			if (done % 32 == 0)
				devuser_emul_read(dv->emul, reqs + done, min(32, (int)(nr - done)));
			set_elements(reqs + done, 1, next + done);
			DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs + done, 1), 1);
			if (done % 16)
				continue;
			devuser_run_interrupted(vcpu, SOON_MS / 4);
			run_immediate_exit(vcpu);
			TEST_ASSERT(unfinished(vcpu), "The string is over after %u", done);
			TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
		}
	}
	devuser_vcpu_run_done(vcpu);
	expect_log(dv, KVM_DEV_USER_LOAD, 2, SIGNAL_COUNT);
	expect_elements(dv, 0, SIGNAL_COUNT, 2);
	devuser_vm_free(dv);
}

/* --- Abandon ------------------------------------------------------------------------- */

#define ABANDON_COUNT	100
#define NR_READ		10
#define NR_ANSWERED	4

/*
 * The slave has read some, and answered some of these. The guest loads ones; what
 * has been read is answered late and swallowed, what has not is never read.
 */
TEST(abandon_ins)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, 4, ABANDON_COUNT);
	struct kvm_dev_user_request reqs[NR_READ];

	devuser_catch_signals();
	run_queued(dv->vcpus[0]);
	devuser_emul_read(dv->emul, reqs, NR_READ);
	set_elements(reqs, NR_READ, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_ANSWERED), NR_ANSWERED);
	devuser_abandon(dv->master);
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_status(dv->master).pending, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, NR_READ - NR_ANSWERED);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs + NR_ANSWERED, NR_READ - NR_ANSWERED),
		       NR_READ - NR_ANSWERED);
	devuser_emul_expect_idle(dv->emul);
	devuser_vcpu_run_done(dv->vcpus[0]);
	expect_ones(dv, NR_ANSWERED, ABANDON_COUNT, 4);
	expect_end(dv, ABANDON_COUNT, 4);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), NR_READ);
	devuser_vm_free(dv);
}

/* R16: the element that waits is delivered, those behind it come one by one. */
TEST(abandon_outs)
{
	struct devuser_vm *dv = string_vm(1, guest_outs, 4, NR_READ);
	struct kvm_dev_user_request req;

	set_nonposted(dv);
	devuser_catch_signals();
	run_queued(dv->vcpus[0]);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_abandon(dv->master);
	run_immediate_exit(dv->vcpus[0]);
	TEST_ASSERT(!unfinished(dv->vcpus[0]), "KVM_RUN_DEV_USER is set");
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 1);
	TEST_ASSERT_EQ(devuser_status(dv->master).stores, 1);
	devuser_vcpu_start(dv, 0);
	devuser_emul_expect_idle(dv->emul);
	devuser_emul_answer(dv->emul, &req, 0);
	devuser_emul_serve(dv->emul, serve_elements);
	devuser_vcpu_join(dv, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	expect_log(dv, KVM_DEV_USER_STORE, 4, NR_READ);
	devuser_vm_free(dv);
}

/* --- The slave is lost --------------------------------------------------------------- */

/* R8, R18: the next slave gets those that are not answered, some for the second time. */
TEST(replayed_ins)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, 4, ABANDON_COUNT);
	struct kvm_dev_user_request reqs[ABANDON_COUNT];
	const int left = ABANDON_COUNT - NR_ANSWERED;
	int i;

	devuser_new_slave(dv, REPLAY);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, NR_READ);
	set_elements(reqs, NR_READ, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_ANSWERED), NR_ANSWERED);
	devuser_revoke(dv->master);
	devuser_new_slave(dv, 0);
	devuser_emul_read(dv->emul, reqs, left);
	for (i = 0; i < left; i++)
		TEST_ASSERT_EQ(reqs[i].flags,
			       i < NR_READ - NR_ANSWERED ? KVM_DEV_USER_REPLAYED : 0);
	set_elements(reqs, left, NR_ANSWERED);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, left), left);
	devuser_vcpu_join(dv, 0);
	expect_elements(dv, 0, ABANDON_COUNT, 4);
	devuser_vm_free(dv);
}

/* R7: the device fails: what had been answered stays, the rest is ones. */
TEST(timed_out_ins)
{
	struct devuser_vm *dv = string_vm(1, guest_ins, 4, 2 * TOGETHER);
	struct kvm_dev_user_request reqs[NR_ANSWERED];

	devuser_set_timeout(dv->master, 1500 * MSEC_NS);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, NR_ANSWERED);
	set_elements(reqs, NR_ANSWERED, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_ANSWERED), NR_ANSWERED);
	devuser_vcpu_join(dv, 0);
	devuser_expect_state(dv->master, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	expect_elements(dv, 0, NR_ANSWERED, 4);
	expect_ones(dv, NR_ANSWERED, 2 * TOGETHER, 4);
	expect_end(dv, 2 * TOGETHER, 4);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 0);
	devuser_vm_free(dv);
}

/* R3: older posted stores of the vCPU come before the string's loads. */
static void guest_store_then_ins(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);
	guest_ins(index);
}

TEST(ins_after_a_store)
{
	struct devuser_vm *dv = string_vm(1, guest_store_then_ins, 4, 8);
	struct kvm_dev_user_request reqs[9];

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, 9);
	TEST_ASSERT_EQ(reqs[0].type, KVM_DEV_USER_STORE);
	set_elements(reqs + 1, 8, 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs + 1, 8), 8);
	DEVUSER_STAYS(!guest_finished(dv));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, 1), 1);
	devuser_vcpu_join(dv, 0);
	expect_elements(dv, 0, 8, 4);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
