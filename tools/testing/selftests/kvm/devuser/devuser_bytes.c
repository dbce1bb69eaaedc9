// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes behind an access's length are zero in each request, whatever the replies
 * to earlier ones had there.
 */
#include <sched.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define NR_BYTES	300	/* elements of each string, more than are queued at once */
#define NR_WORDS	70
#define NR_LONGS	20
#define RUBBISH		0xa5
#define AT		8ull	/* in the range of memory */

static u8 string[NR_BYTES];

#define GUEST_OUTS(suffix, count)						\
do {										\
	const u8 *from = string;						\
	u64 left = (count);							\
										\
	asm volatile("rep outs" suffix						\
		     : "+S"(from), "+c"(left) : "d"(DEVUSER_PORT) : "memory");	\
	GUEST_ASSERT_EQ(left, 0);						\
} while (0)

/* A load of 8 bytes, whose reply is longer than what follows. */
static void guest_load(void)
{
	GUEST_ASSERT_EQ(guest_read64(DEVUSER_GPA + AT),
			devuser_pattern(DEVUSER_RID_MMIO, AT, 8));
}

static void guest_outs(u64 index)
{
	int i;

	for (i = 0; i < NR_BYTES; i++)
		string[i] = i + 1;

	/* No room is left, so that the string waits for replies. */
	for (i = 0; i < DEVUSER_STORES_MAX; i++)
		guest_write64(DEVUSER_GPA + AT, ~0ull);
	GUEST_OUTS("b", NR_BYTES);
	guest_load();
	GUEST_OUTS("w", NR_WORDS);
	guest_load();
	GUEST_OUTS("l", NR_LONGS);
	guest_load();
	guest_out8(DEVUSER_PORT, 1);
	guest_in8(DEVUSER_PORT);
	GUEST_DONE();
}

/* The data of a reply to a store is nobody's. */
static void serve_rubbish(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	int i;

	devuser_fill(reqs, nr);
	for (i = 0; i < nr; i++)
		if (reqs[i].type == KVM_DEV_USER_STORE)
			memset(reqs[i].data, RUBBISH, sizeof(reqs[i].data));
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

static void check_outs(struct devuser_emul *emul, u32 *next, u32 nr, int len)
{
	u32 i, byte;
	u64 data;

	for (i = 0; i < nr; i++) {
		for (data = 0, byte = 0; byte < len; byte++)
			data |= (u64)(u8)(i * len + byte + 1) << 8 * byte;
		devuser_check_log(emul, next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 0, len, data);
	}
}

static void check_load(struct devuser_emul *emul, u32 *next)
{
	devuser_check_log(emul, next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_MMIO, AT, 8, 0);
}

FIXTURE(bytes)
{
};

FIXTURE_VARIANT(bytes)
{
	u32 flags;
};

FIXTURE_VARIANT_ADD(bytes, posted) { .flags = KVM_DEV_USER_RANGE_PIO };
FIXTURE_VARIANT_ADD(bytes, nonposted) {
	.flags = KVM_DEV_USER_RANGE_PIO | KVM_DEV_USER_RANGE_NONPOSTED,
};

FIXTURE_SETUP(bytes)
{
}

FIXTURE_TEARDOWN(bytes)
{
}

/* R13, R15: of string stores that wait for room, or for their replies. */
TEST_F(bytes, outs)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_outs);
	struct devuser_emul *emul = dv->emul;
	u32 i, next = 0;

	devuser_set_range(dv->master, DEVUSER_RID_PIO, variant->flags, DEVUSER_PORT,
			  DEVUSER_PORT_LEN);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending > DEVUSER_STORES_MAX);
	emul->shared->batch = 7;
	devuser_emul_serve(emul, serve_rubbish);
	devuser_vcpu_join(dv, 0);

	for (i = 0; i < DEVUSER_STORES_MAX; i++)
		devuser_check_log(emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO, AT, 8,
				  ~0ull);
	check_outs(emul, &next, NR_BYTES, 1);
	check_load(emul, &next);
	check_outs(emul, &next, NR_WORDS, 2);
	check_load(emul, &next);
	check_outs(emul, &next, NR_LONGS, 4);
	check_load(emul, &next);
	check_outs(emul, &next, 1, 1);
	devuser_check_log(emul, &next, KVM_DEV_USER_LOAD, 0, DEVUSER_RID_PIO, 0, 1, 0);
	TEST_ASSERT_EQ(devuser_emul_nr(emul), next);
	devuser_vm_free(dv);
}

/* --- One element that becomes many -------------------------------------- */

/*
 * KVM's emulator gives one element of OUTS at a time, other than SEV-ES guests. The
 * VMM may write another count into struct kvm_run before the exit is taken up.
 */
#define NR_OUTS		200
#define NR_LONG		32
#define FILL		0x5a

static bool begun, stop;

/* The first or the last of the CPUs that the test may use. */
static void pin(bool last)
{
	cpu_set_t set;
	int cpu, one = -1;

	TEST_ASSERT(!sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity() failed");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && (last || one < 0))
			one = cpu;
	devuser_pin(pthread_self(), one);
}

static void *make_long(void *run)
{
	pin(true);
	WRITE_ONCE(begun, true);
	while (!READ_ONCE(stop))
		WRITE_ONCE(((struct kvm_run *)run)->io.count, NR_LONG);
	return NULL;
}

static void guest_out(u64 index)
{
	int i;

	for (i = 0; i < DEVUSER_STORES_MAX; i++)
		guest_write64(DEVUSER_GPA + AT, ~0ull);
	GUEST_SYNC(0);

	/* There is hardly ever room. */
	for (i = 0; i < NR_OUTS; i++)
		guest_out8(DEVUSER_PORT, FILL);
	GUEST_DONE();
}

/* Runs the guest while a thread writes into struct kvm_run. */
static void run_long(struct devuser_vm *dv)
{
	struct kvm_run *run = dv->vcpus[0]->run;
	pthread_t thread;

	devuser_run_sync(dv->vcpus[0]);
	memset((void *)run + KVM_PIO_PAGE_OFFSET * getpagesize(), FILL, NR_LONG);
	TEST_ASSERT(!pthread_create(&thread, NULL, make_long, run), "pthread_create() failed");
	DEVUSER_WAIT(READ_ONCE(begun));

	pin(false);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending > DEVUSER_STORES_MAX);
	dv->emul->shared->batch = 1;
	devuser_emul_serve(dv->emul, serve_rubbish);
	devuser_vcpu_join(dv, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	WRITE_ONCE(stop, true);
	TEST_ASSERT(!pthread_join(thread, NULL), "pthread_join() failed");
}

/* R13, R15: of elements that are queued together, or one after the other's reply. */
TEST_F(bytes, outs_at_once)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_out);
	u32 i, next = 0, nr;

	devuser_set_range(dv->master, DEVUSER_RID_PIO, variant->flags, DEVUSER_PORT,
			  DEVUSER_PORT_LEN);
	run_long(dv);
	nr = devuser_emul_nr(dv->emul) - DEVUSER_STORES_MAX;
	for (i = 0; i < DEVUSER_STORES_MAX; i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_MMIO, AT, 8,
				  ~0ull);
	for (i = 0; i < nr; i++)
		devuser_check_log(dv->emul, &next, KVM_DEV_USER_STORE, 0, DEVUSER_RID_PIO, 0, 1,
				  FILL);
	devuser_vm_free(dv);

	/* On a busy machine it may be none: then single elements have been looked at. */
	ksft_print_msg("%u strings were made longer\n", (nr - NR_OUTS) / (NR_LONG - 1));
	TEST_ASSERT_EQ((nr - NR_OUTS) % (NR_LONG - 1), 0);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
