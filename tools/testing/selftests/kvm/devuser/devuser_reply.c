// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies: what is refused is refused with the right errno, changes nothing
 * else, and a batch says how much of it was taken (R6).
 */
#include "devuser_util.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO

/* What comes from guest_code(), in this order. */
enum { STORE_1, STORE_2, LOAD, NR_REQUESTS };

static u32 loaded[DEVUSER_VCPUS_MAX];

static void guest_code(void)
{
	guest_write32(DEVUSER_GPA, 0x11111111);
	guest_write16(DEVUSER_GPA + 4, 0x2222);
	loaded[0] = guest_read32(DEVUSER_GPA + 8);
	GUEST_DONE();
}

static void guest_load(u64 index)
{
	loaded[index] = guest_read32(DEVUSER_GPA + 8 * index);
	GUEST_DONE();
}

static u32 guest_loaded(struct devuser_vm *dv, u32 index)
{
	return (*DEVUSER_GUEST_VAR(dv->vm, loaded))[index];
}

FIXTURE(reply) {
	struct devuser_vm *dv;
	struct kvm_dev_user_request reqs[NR_REQUESTS];
	u32 refused;
};

/* A guest that waits for its load; all three requests have been read. */
FIXTURE_SETUP(reply)
{
	self->dv = devuser_vm_create(1, guest_code);
	devuser_vcpu_start(self->dv, 0);
	devuser_emul_read(self->dv->emul, self->reqs, NR_REQUESTS);
	devuser_fill(self->reqs, NR_REQUESTS);
}

/* However the test mistreated the device: the good replies still work, once. */
FIXTURE_TEARDOWN(reply)
{
	struct devuser_vm *dv = self->dv;

	TEST_ASSERT_EQ(devuser_status(dv->master).refused, self->refused);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, NR_REQUESTS);
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, self->reqs, NR_REQUESTS), NR_REQUESTS);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(guest_loaded(dv, 0), devuser_pattern(RID, 8, 4));
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	devuser_vm_free(dv);
}

#define EXPECT_REFUSED(reply, why) do {						\
	DEVUSER_EXPECT(devuser_emul_write(self->dv->emul, reply, 1), why);	\
	self->refused++;							\
} while (0)

/* R6: ENOENT for a seq that there is not. */
TEST_F(reply, unknown)
{
	struct kvm_dev_user_request *last = &self->reqs[LOAD];
	const u64 seqs[] = {
		0, 1, last->seq + 1, last->seq + (1ull << 16), last->seq + (1ull << 32),
		1ull << 63, ~0ull,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(seqs); i++) {
		struct kvm_dev_user_request reply = *last;

		reply.seq = seqs[i];
		EXPECT_REFUSED(&reply, -ENOENT);
	}
}

/* R6: no seq near a good one is as good as it. */
TEST_F(reply, neighbours)
{
	int i, bit;

	for (i = 0; i < NR_REQUESTS; i++) {
		for (bit = 0; bit < 64; bit++) {
			struct kvm_dev_user_request reply = self->reqs[i];
			long ret;

			reply.seq ^= 1ull << bit;
			ret = devuser_emul_write(self->dv->emul, &reply, 1);
			TEST_ASSERT(ret == -ENOENT || ret == -ESTALE || ret == -EBADMSG,
				    "A reply with bit %d of seq %d wrong returned %ld",
				    bit, i, ret);
			self->refused++;
		}
	}
}

/* R6: EBADMSG for any other field that is not the request's. */
TEST_F(reply, forged)
{
	int i, bit;

	for (i = 0; i < NR_REQUESTS; i++) {
		const struct kvm_dev_user_request good = self->reqs[i];
		struct kvm_dev_user_request reply;

		for (bit = 0; bit < 64; bit++) {
			reply = good;
			reply.offset ^= 1ull << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
		}
		for (bit = 0; bit < 32; bit++) {
			reply = good;
			reply.rid ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
			reply = good;
			reply.cpu ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
			reply = good;
			reply.reserved ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
		}
		for (bit = 0; bit < 16; bit++) {
			reply = good;
			reply.flags ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
		}
		for (bit = 0; bit < 8; bit++) {
			reply = good;
			reply.type ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
			reply = good;
			reply.len ^= 1u << bit;
			EXPECT_REFUSED(&reply, -EBADMSG);
		}
	}
}

/* R6: EINVAL for a load's bytes beyond its length. */
TEST_F(reply, wrong_length)
{
	int byte;

	for (byte = 4; byte < 8; byte++) {
		struct kvm_dev_user_request reply = self->reqs[LOAD];

		reply.data[byte] = 1;
		EXPECT_REFUSED(&reply, -EINVAL);
	}
}

/* R6: one request's reply with another's seq. */
TEST_F(reply, exchanged)
{
	struct kvm_dev_user_request reply = self->reqs[LOAD];

	reply.seq = self->reqs[STORE_1].seq;
	EXPECT_REFUSED(&reply, -EBADMSG);
	reply = self->reqs[STORE_2];
	reply.seq = self->reqs[STORE_1].seq;
	EXPECT_REFUSED(&reply, -EBADMSG);
}

/* R6, R15: another device's slave is no place for the reply. */
TEST_F(reply, other_device)
{
	struct devuser_emul *emul = devuser_emul_start();
	int other = devuser_create(self->dv->vm);
	int i;

	devuser_emul_attach(emul, devuser_slave_fd(other, 0));
	for (i = 0; i < NR_REQUESTS; i++)
		DEVUSER_EXPECT(devuser_emul_write(emul, &self->reqs[i], 1), -ENOENT);
	TEST_ASSERT_EQ(devuser_status(other).refused, NR_REQUESTS);
	close(other);
	devuser_emul_free(emul);
}

/* --- What has been answered ------------------------------------------------------------ */

static struct devuser_vm *read_all(struct kvm_dev_user_request *reqs)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_code);

	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, reqs, NR_REQUESTS);
	devuser_fill(reqs, NR_REQUESTS);
	return dv;
}

/* R6: ESTALE for a second reply, at once and later, to loads and to stores. */
TEST(duplicate)
{
	struct kvm_dev_user_request reqs[NR_REQUESTS];
	struct devuser_vm *dv = read_all(reqs);
	int i;

	for (i = 0; i < NR_REQUESTS; i++) {
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), 1);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), -ESTALE);
	}
	devuser_vcpu_join(dv, 0);
	for (i = 0; i < NR_REQUESTS; i++)
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[i], 1), -ESTALE);
	TEST_ASSERT_EQ(guest_loaded(dv, 0), devuser_pattern(RID, 8, 4));
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, 2 * NR_REQUESTS);
	devuser_vm_free(dv);
}

#define LATER		(DEVUSER_STORES_MAX + 10)

static void guest_later(void)
{
	int i;

	for (i = 0; i < LATER; i++)
		guest_write32(DEVUSER_GPA, i);
	GUEST_DONE();
}

/* Answers each request once, and each time some that have been answered. */
static long answer_again(struct devuser_emul *emul, void *arg)
{
	struct kvm_dev_user_request reqs[LATER];
	int i;

	for (i = 0; i < LATER; i++) {
		DEVUSER_EXPECT(devuser_read(emul->slave, &reqs[i], 1), 1);
		if (i) {
			DEVUSER_EXPECT(devuser_write(emul->slave, &reqs[0], 1), -ESTALE);
			DEVUSER_EXPECT(devuser_write(emul->slave, &reqs[i - 1], 1), -ESTALE);
		}
		DEVUSER_EXPECT(devuser_write(emul->slave, &reqs[i], 1), 1);
	}
	return 0;
}

/* R6: ESTALE however long ago it was, whatever has been read since. */
TEST(late_duplicate)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_later);

	devuser_vcpu_start(dv, 0);
	devuser_emul_call(dv->emul, answer_again, NULL, 0);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(devuser_status(dv->master).refused, 2 * (LATER - 1));
	devuser_vm_free(dv);
}

/* R6: a duplicate within a batch. */
TEST(duplicate_in_a_batch)
{
	struct kvm_dev_user_request reqs[NR_REQUESTS], batch[3];
	struct devuser_vm *dv = read_all(reqs);

	batch[0] = reqs[STORE_1];
	batch[1] = reqs[STORE_1];
	batch[2] = reqs[STORE_2];
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, batch, 3), 1);
	TEST_ASSERT_EQ(devuser_status(dv->master).sent, 2);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[STORE_2], 2), 2);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R6: the data of a reply to a store is ignored. */
TEST(store_data_is_ignored)
{
	struct kvm_dev_user_request reqs[NR_REQUESTS];
	struct devuser_vm *dv = read_all(reqs);

	memset(reqs[STORE_1].data, 0xee, sizeof(reqs[STORE_1].data));
	memset(reqs[STORE_2].data, 0, sizeof(reqs[STORE_2].data));
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_REQUESTS), NR_REQUESTS);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

/* R6: the reply to an abandoned load is swallowed, once. */
TEST(abandoned)
{
	struct kvm_dev_user_request reqs[NR_REQUESTS];
	struct devuser_vm *dv = read_all(reqs);

	devuser_abandon(dv->master);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(guest_loaded(dv, 0), ~0U);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, reqs, NR_REQUESTS), NR_REQUESTS);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[LOAD], 1), -ESTALE);
	TEST_ASSERT_EQ(guest_loaded(dv, 0), ~0U);
	devuser_vm_free(dv);
}

/*
 * R6: ENOENT for what this slave has not read, though it knows what it would
 * be: the slave before it had read it.
 */
TEST(unread)
{
	struct devuser_emul *first = devuser_emul_start(), *next = devuser_emul_start();
	struct kvm_dev_user_request reqs[NR_REQUESTS], replayed[NR_REQUESTS];
	struct devuser_vm *dv = devuser_vm_create(1, guest_code);
	const u32 flags = KVM_DEV_USER_SLAVE_HOLD | KVM_DEV_USER_SLAVE_REPLAY;
	int i;

	devuser_emul_kill(dv->emul);
	devuser_emul_attach(first, devuser_slave_fd(dv->master, flags));
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(first, reqs, NR_REQUESTS);
	devuser_emul_kill(first);

	devuser_emul_attach(next, devuser_slave_fd(dv->master, flags));
	for (i = 0; i < NR_REQUESTS; i++) {
		DEVUSER_EXPECT(devuser_emul_write(next, &reqs[i], 1), -ENOENT);
		reqs[i].flags = KVM_DEV_USER_REPLAYED;
		DEVUSER_EXPECT(devuser_emul_write(next, &reqs[i], 1), -ENOENT);
	}
	devuser_emul_read(next, replayed, 1);
	TEST_ASSERT(!memcmp(&replayed[0], &reqs[0], sizeof(reqs[0])),
		    "The request has changed");
	DEVUSER_EXPECT(devuser_emul_write(next, &reqs[1], 1), -ENOENT);
	devuser_emul_read(next, &replayed[1], 2);
	devuser_fill(replayed, NR_REQUESTS);
	DEVUSER_EXPECT(devuser_emul_write(next, replayed, NR_REQUESTS), NR_REQUESTS);
	devuser_vcpu_join(dv, 0);
	TEST_ASSERT_EQ(guest_loaded(dv, 0), devuser_pattern(RID, 8, 4));

	devuser_emul_free(first);
	devuser_emul_free(next);
	devuser_vm_free(dv);
}

/* --- Batches ---------------------------------------------------------------------------- */

#define BATCH		40

static void guest_batch(void)
{
	int i;

	for (i = 0;; i++) {
		guest_write32(DEVUSER_GPA, i);
		if (i % BATCH == BATCH - 1)
			GUEST_SYNC(i);
	}
}

/* R6: wherever in a batch the bad reply is, those before it are taken, no other. */
TEST(bad_one_in_a_batch)
{
	static const int bad_ones[] = { 0, 1, 6, 7, 8, 9, 20, BATCH - 1 };
	struct devuser_vm *dv = devuser_vm_create(1, guest_batch);
	struct kvm_dev_user_request reqs[BATCH], batch[BATCH];
	struct ucall uc;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad_ones); i++) {
		int bad = bad_ones[i];

		devuser_vcpu_run(dv->vcpus[0], &uc);
		devuser_emul_read(dv->emul, reqs, BATCH);
		memcpy(batch, reqs, sizeof(batch));
		batch[bad].cpu++;

		DEVUSER_EXPECT(devuser_emul_write(dv->emul, batch, BATCH), bad ?: -EBADMSG);
		TEST_ASSERT_EQ(devuser_status(dv->master).sent, BATCH - bad);
		TEST_ASSERT_EQ(devuser_status(dv->master).refused, 2 * i + 1);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &batch[bad], BATCH - bad), -EBADMSG);
		DEVUSER_EXPECT(devuser_emul_write(dv->emul, &reqs[bad], BATCH - bad), BATCH - bad);
		TEST_ASSERT_EQ(devuser_status(dv->master).sent, 0);
	}
	devuser_vm_free(dv);
}

#define VCPUS		6

/* R6: replies in any order, each to its own vCPU. */
static void answer_vcpus(const int *order)
{
	struct devuser_vm *dv = devuser_vm_create(VCPUS, guest_load);
	struct kvm_dev_user_request reqs[VCPUS];
	int i;

	for (i = 0; i < VCPUS; i++)
		devuser_vcpu_start(dv, i);
	devuser_emul_read(dv->emul, reqs, VCPUS);
	devuser_fill(reqs, VCPUS);
	for (i = 0; i < VCPUS; i++) {
		const struct kvm_dev_user_request *reply = &reqs[order[i]];

		DEVUSER_EXPECT(devuser_emul_write(dv->emul, reply, 1), 1);
		devuser_vcpu_join(dv, reply->cpu);
		TEST_ASSERT_EQ(guest_loaded(dv, reply->cpu),
			       devuser_pattern(RID, 8 * reply->cpu, 4));
		TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, VCPUS - 1 - i);
	}
	devuser_vm_free(dv);
}

TEST(answered_backwards)
{
	answer_vcpus((const int []){ 5, 4, 3, 2, 1, 0 });
}

TEST(answered_in_disorder)
{
	answer_vcpus((const int []){ 3, 0, 5, 1, 4, 2 });
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));

	return test_harness_run(argc, argv);
}
