// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the KVM user device's queues. Included by queue.c.
 */

#include <kunit/test.h>

#define TEST_VCPUS	2

struct queue_test {
	struct devuser *d;
	struct devuser_score *scores[TEST_VCPUS];
};

static int queue_test_init(struct kunit *test)
{
	struct queue_test *t;
	int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;

	t->d = devuser_alloc(NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, t->d);
	t->d->state = KVM_DEV_USER_LIVE;

	for (i = 0; i < TEST_VCPUS; i++) {
		t->scores[i] = devuser_score_create(t->d, i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->scores[i]);
	}

	return 0;
}

static void queue_test_exit(struct kunit *test)
{
	struct queue_test *t = test->priv;

	if (t && t->d)
		devuser_put(t->d);
}

static struct kvm_dev_user_request test_io(u8 type, u64 offset)
{
	return (struct kvm_dev_user_request) {
		.type = type,
		.offset = offset,
		.len = 4,
		.rid = 7,
		.cpu = 3,
	};
}

static int test_post(struct queue_test *t, int vcpu, u64 offset)
{
	struct kvm_dev_user_request io = test_io(KVM_DEV_USER_STORE, offset);
	int r;

	t->scores[vcpu]->cpu = io.cpu;
	spin_lock(&t->d->lock);
	r = devuser_queue_post_locked(t->d, t->scores[vcpu], io.rid, io.offset,
				      io.len, io.data);
	spin_unlock(&t->d->lock);

	return r;
}

static bool test_await_element(struct queue_test *t, int vcpu, u8 type,
			       u64 offset, unsigned int element)
{
	struct kvm_dev_user_request io = test_io(type, offset);
	bool queued;

	spin_lock(&t->d->lock);
	queued = devuser_queue_await(t->d, t->scores[vcpu], &io, element);
	spin_unlock(&t->d->lock);

	return queued;
}

static void test_await(struct queue_test *t, int vcpu, u8 type, u64 offset)
{
	WARN_ON(!test_await_element(t, vcpu, type, offset, 0));
}

/* Nothing that the vCPU waits for is left. */
static bool test_is_answered(struct queue_test *t, int vcpu)
{
	return !t->scores[vcpu]->awaited;
}

static unsigned int test_read(struct queue_test *t, unsigned int max,
			      struct kvm_dev_user_request *ios)
{
	unsigned int n;

	spin_lock(&t->d->lock);
	n = devuser_queue_send(t->d, max, ios);
	spin_unlock(&t->d->lock);

	return n;
}

static void test_forget(struct queue_test *t, int vcpu)
{
	spin_lock(&t->d->lock);
	devuser_queue_forget(t->d, t->scores[vcpu]);
	spin_unlock(&t->d->lock);
}

/* As a read() does it whose buffer holds no request behind that one. */
static void test_unread(struct queue_test *t, u64 last_seq)
{
	spin_lock(&t->d->lock);
	devuser_queue_unsend(t->d, last_seq);
	spin_unlock(&t->d->lock);
}

static int test_reply(struct queue_test *t, const struct kvm_dev_user_request *io)
{
	int r;

	spin_lock(&t->d->lock);
	r = devuser_queue_reply(t->d, io);
	spin_unlock(&t->d->lock);

	return r;
}

static bool test_is_quiet(struct queue_test *t, u64 before_seq)
{
	u64 oldest;

	spin_lock(&t->d->lock);
	oldest = devuser_queue_oldest(t->d);
	spin_unlock(&t->d->lock);

	return !oldest || oldest >= before_seq;
}

/* Seq grows and is never used again, though slots are; it says where to look. */
static void queue_test_seq(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;
	struct devuser_request *rq;
	u64 last = 0;
	int i;

	for (i = 0; i < 3 * DEVUSER_STORES_MAX; i++) {
		if (i % 2)
			test_await(t, 1, KVM_DEV_USER_LOAD, i);
		else
			KUNIT_ASSERT_EQ(test, test_post(t, 0, i), 0);
		KUNIT_ASSERT_EQ(test, test_read(t, 1, &io), 1);

		KUNIT_ASSERT_GT(test, io.seq, last);
		last = io.seq;
		rq = devuser_queue_lookup(t->d, io.seq);
		KUNIT_ASSERT_NOT_NULL(test, rq);
		KUNIT_ASSERT_EQ(test, rq->io.seq, io.seq);
		KUNIT_ASSERT_EQ(test, rq->io.offset, i);
		KUNIT_ASSERT_EQ(test, test_reply(t, &io), 0);
	}
}

/* R1: read in the order in which they were queued, however they are read. */
static void queue_test_order(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[3];
	unsigned int i, n, seen = 0;

	for (i = 0; i < 7; i++)
		KUNIT_ASSERT_EQ(test, test_post(t, i % TEST_VCPUS, i), 0);
	test_await(t, 1, KVM_DEV_USER_LOAD, i);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 8);

	do {
		n = test_read(t, ARRAY_SIZE(ios), ios);
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_EQ(test, ios[i].offset, seen++);
	} while (n);

	KUNIT_EXPECT_EQ(test, seen, 8);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 0);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 8);
}

/* What did not arrive is next again, in its place; what did is not. */
static void queue_test_unsend(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[3], again[3];
	int i;

	for (i = 0; i < 4; i++)
		test_post(t, 0, i);
	KUNIT_ASSERT_EQ(test, test_read(t, 3, ios), 3);
	test_unread(t, ios[0].seq);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 1);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 3);

	KUNIT_ASSERT_EQ(test, test_read(t, 3, again), 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, again[i].offset, i + 1);
	KUNIT_EXPECT_EQ(test, again[0].seq, ios[1].seq);
	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[0]), 0);
}

/* A load that is abandoned on its way to the slave, and does not arrive, is over. */
static void queue_test_unsend_forgotten(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	KUNIT_ASSERT_EQ(test, test_read(t, 1, &io), 1);
	test_forget(t, 0);
	test_unread(t, 0);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending + t->d->nr_sent, 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->request.stage, DEVUSER_FREE);
}

/* R5: posted stores leave room for what every vCPU waits for. */
static void queue_test_full(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;
	int i;

	for (i = 0; i < DEVUSER_STORES_MAX; i++)
		KUNIT_ASSERT_EQ(test, test_post(t, 0, i), 0);
	KUNIT_EXPECT_EQ(test, test_post(t, 0, i), -EAGAIN);
	KUNIT_EXPECT_EQ(test, test_post(t, 1, i), -EAGAIN);

	test_await(t, 0, KVM_DEV_USER_STORE, i);
	test_await(t, 1, KVM_DEV_USER_LOAD, i);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, DEVUSER_STORES_MAX + 2);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, DEVUSER_STORES_MAX);

	KUNIT_EXPECT_EQ(test, test_read(t, 1, &io), 1);
	KUNIT_EXPECT_EQ(test, test_post(t, 1, i), -EAGAIN);
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), 0);
	KUNIT_EXPECT_EQ(test, test_post(t, 1, i), 0);
}

/* R3 and R4 rest on the count of each vCPU's posted stores. */
static void queue_test_posted(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[4];

	test_post(t, 0, 0);
	test_post(t, 1, 1);
	test_post(t, 0, 2);
	test_await(t, 0, KVM_DEV_USER_STORE, 3);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 2);
	KUNIT_EXPECT_EQ(test, t->scores[1]->posted, 1);

	KUNIT_ASSERT_EQ(test, test_read(t, 4, ios), 4);
	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[3]), 0);
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 0));
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 2);
	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[2]), 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 1);
	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[0]), 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 0);
	KUNIT_EXPECT_EQ(test, t->scores[1]->posted, 1);
}

static void test_refuse(struct kunit *test, int error,
			const struct kvm_dev_user_request *reply)
{
	struct queue_test *t = test->priv;
	u64 refused = t->d->refused;

	KUNIT_EXPECT_EQ(test, test_reply(t, reply), error);
	KUNIT_EXPECT_EQ(test, t->d->refused, refused + 1);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 1);
	KUNIT_EXPECT_FALSE(test, test_is_answered(t, 0));
}

/* R6: each field of a reply, and each wrong time for it. */
static void queue_test_refused(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io, bad, old;

	test_post(t, 1, 0);
	test_read(t, 1, &old);
	test_reply(t, &old);
	test_await(t, 0, KVM_DEV_USER_LOAD, 0x10);
	test_read(t, 1, &io);

#define REFUSE(error, change) do {		\
	bad = io;				\
	bad.change;				\
	test_refuse(test, error, &bad);		\
} while (0)

	REFUSE(-ENOENT, seq = 0);
	REFUSE(-ENOENT, seq = DEVUSER_SLOTS - 1);
	REFUSE(-ENOENT, seq = U64_MAX);
	REFUSE(-ENOENT, seq = t->d->next_seq);
	REFUSE(-ENOENT, seq = io.seq + DEVUSER_SLOTS);
	REFUSE(-ENOENT, seq = io.seq + TEST_VCPUS);
	REFUSE(-ESTALE, seq = old.seq);
	REFUSE(-ESTALE, seq = io.seq - DEVUSER_SLOTS);
	REFUSE(-EBADMSG, offset = 0x11);
	REFUSE(-EBADMSG, rid = 0);
	REFUSE(-EBADMSG, cpu = 0);
	REFUSE(-EBADMSG, type = KVM_DEV_USER_STORE);
	REFUSE(-EBADMSG, len = 8);
	REFUSE(-EBADMSG, flags = KVM_DEV_USER_REPLAYED);
	REFUSE(-EBADMSG, reserved = 1);
	REFUSE(-EINVAL, data[4] = 1);
	REFUSE(-EINVAL, data[7] = 1);
#undef REFUSE

	KUNIT_EXPECT_EQ(test, test_reply(t, &io), 0);
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), -ESTALE);
}

/* A request that nobody has read has no reply. */
static void queue_test_unread(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	io = t->scores[0]->request.io;
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), -ENOENT);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 1);
}

/* The reply's data is what the vCPU gets, whatever the order of replies. */
static void queue_test_data(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[2];

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	test_await(t, 1, KVM_DEV_USER_LOAD, 1);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 2);
	ios[0].data[0] = 0xa0;
	ios[1].data[0] = 0xa1;

	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[1]), 0);
	KUNIT_EXPECT_FALSE(test, test_is_answered(t, 0));
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 1));
	KUNIT_EXPECT_EQ(test, t->scores[1]->data[0], 0xa1);
	KUNIT_EXPECT_EQ(test, test_reply(t, &ios[0]), 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->data[0], 0xa0);
}

/* R8: what the closed slave had read comes first, in its order, and is marked. */
static void queue_test_replay(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[4];
	int i;

	for (i = 0; i < 4; i++)
		test_post(t, 0, i);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 2);

	spin_lock(&t->d->lock);
	devuser_queue_replay(t->d);
	spin_unlock(&t->d->lock);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 4);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 0);

	KUNIT_ASSERT_EQ(test, test_read(t, 4, ios), 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, ios[i].offset, i);
		KUNIT_EXPECT_EQ(test, ios[i].flags, i < 2 ? KVM_DEV_USER_REPLAYED : 0);
		KUNIT_EXPECT_EQ(test, test_reply(t, &ios[i]), 0);
	}
}

/* R7: loads read all ones, stores are discarded, nothing is left. */
static void queue_test_fail(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;
	int i;

	test_post(t, 0, 0);
	test_read(t, 1, &io);
	test_await(t, 0, KVM_DEV_USER_LOAD, 1);
	test_await(t, 1, KVM_DEV_USER_STORE, 2);

	spin_lock(&t->d->lock);
	devuser_fail(t->d, KVM_DEV_USER_FAILED, KVM_DEV_USER_REASON_TIMEOUT);
	spin_unlock(&t->d->lock);

	KUNIT_EXPECT_EQ(test, t->d->nr_pending + t->d->nr_sent, 0);
	KUNIT_EXPECT_EQ(test, t->d->discarded, 2);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 0);
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 0));
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 1));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, t->scores[0]->data[i], 0xff);
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), -EIO);
	KUNIT_EXPECT_EQ(test, test_post(t, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, t->d->discarded, 3);
}

/* The VMM has the accesses until there is a slave. */
static void queue_test_idle(struct kunit *test)
{
	struct queue_test *t = test->priv;

	t->d->state = KVM_DEV_USER_IDLE;
	KUNIT_EXPECT_EQ(test, test_post(t, 0, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 0);
}

/* An abandoned load that nobody has read is never read. */
static void queue_test_forget_pending(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	test_forget(t, 0);
	KUNIT_EXPECT_EQ(test, test_read(t, 1, &io), 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->request.stage, DEVUSER_FREE);
}

/* The reply to an abandoned load is taken, and seen by nobody. */
static void queue_test_forget_sent(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	test_read(t, 1, &io);
	test_forget(t, 0);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 1);
	io.data[0] = 0xa5;
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), 0);
	KUNIT_EXPECT_NE(test, t->scores[0]->data[0], 0xa5);
	KUNIT_EXPECT_EQ(test, t->scores[0]->request.stage, DEVUSER_FREE);
}

/* A store that its vCPU no longer waits for is delivered as a posted one. */
static void queue_test_forget_store(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_STORE, 0);
	test_forget(t, 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 1);
	KUNIT_EXPECT_EQ(test, test_read(t, 1, &io), 1);
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), 0);
	KUNIT_EXPECT_EQ(test, t->scores[0]->posted, 0);
}

/* The vCPU's own request may be busy with what was abandoned: then it waits. */
static void queue_test_forget_busy(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request io;

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	test_read(t, 1, &io);
	test_forget(t, 0);
	KUNIT_EXPECT_FALSE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 1, 0));
	KUNIT_EXPECT_EQ(test, test_reply(t, &io), 0);
	KUNIT_EXPECT_TRUE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 1, 0));
}

/* R13: elements that are queued together; each reply goes to its place. */
static void queue_test_elements(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[3];
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 0, i));
	KUNIT_ASSERT_EQ(test, test_read(t, 3, ios), 3);
	for (i = 2; i >= 0; i--) {
		KUNIT_EXPECT_FALSE(test, test_is_answered(t, 0));
		memset(ios[i].data, 0xa0 + i, ios[i].len);
		KUNIT_EXPECT_EQ(test, test_reply(t, &ios[i]), 0);
	}
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 0));
	for (i = 0; i < 12; i++)
		KUNIT_EXPECT_EQ(test, t->scores[0]->data[i], 0xa0 + i / 4);
}

/* R5: elements leave the others their own requests, and end when the pool does. */
static void queue_test_elements_full(struct kunit *test)
{
	struct queue_test *t = test->priv;
	int i;

	for (i = 0; i < DEVUSER_STORES_MAX - 1; i++)
		KUNIT_ASSERT_EQ(test, test_post(t, 1, i), 0);
	KUNIT_EXPECT_TRUE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 0, 0));
	KUNIT_EXPECT_TRUE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 0, 1));
	KUNIT_EXPECT_FALSE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 0, 2));
	KUNIT_EXPECT_EQ(test, t->scores[0]->awaited, 2);
	KUNIT_EXPECT_TRUE(test, test_await_element(t, 1, KVM_DEV_USER_LOAD, 0, 0));
}

/* All elements are forgotten, wherever they are. */
static void queue_test_elements_forgotten(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[2];
	int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_TRUE(test, test_await_element(t, 0, KVM_DEV_USER_LOAD, 0, i));
	test_await(t, 1, KVM_DEV_USER_LOAD, 1);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 2);
	test_forget(t, 0);
	KUNIT_EXPECT_TRUE(test, test_is_answered(t, 0));
	KUNIT_EXPECT_FALSE(test, test_is_answered(t, 1));
	KUNIT_EXPECT_EQ(test, t->d->nr_pending, 1);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 2);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, test_reply(t, &ios[i]), 0);
	KUNIT_EXPECT_EQ(test, t->d->nr_sent, 0);
}

/* R8: nobody waits for an abandoned load, so the next slave does not get it. */
static void queue_test_replay_forgotten(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[2];

	test_await(t, 0, KVM_DEV_USER_LOAD, 0);
	test_post(t, 1, 1);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 2);
	test_forget(t, 0);

	spin_lock(&t->d->lock);
	devuser_queue_replay(t->d);
	spin_unlock(&t->d->lock);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 1);
	KUNIT_EXPECT_EQ(test, ios[0].offset, 1);
	KUNIT_EXPECT_EQ(test, t->scores[0]->request.stage, DEVUSER_FREE);
}

/* R5: who waits for any request to be free is told of the next one. */
static void queue_test_starved(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[2];

	test_post(t, 0, 0);
	test_post(t, 0, 1);
	KUNIT_ASSERT_EQ(test, test_read(t, 2, ios), 2);
	t->d->starved = true;
	test_reply(t, &ios[0]);
	KUNIT_EXPECT_FALSE(test, t->d->starved);
}

/* R14: quiet for those queued before, whatever came since. */
static void queue_test_quiet(struct kunit *test)
{
	struct queue_test *t = test->priv;
	struct kvm_dev_user_request ios[2];
	u64 barrier;

	KUNIT_EXPECT_TRUE(test, test_is_quiet(t, U64_MAX));
	test_post(t, 0, 0);
	barrier = t->d->next_seq;
	KUNIT_EXPECT_FALSE(test, test_is_quiet(t, barrier));
	test_post(t, 1, 1);
	test_read(t, 2, ios);
	KUNIT_EXPECT_FALSE(test, test_is_quiet(t, barrier));
	test_reply(t, &ios[0]);
	KUNIT_EXPECT_TRUE(test, test_is_quiet(t, barrier));
	KUNIT_EXPECT_FALSE(test, test_is_quiet(t, U64_MAX));
	test_reply(t, &ios[1]);
	KUNIT_EXPECT_TRUE(test, test_is_quiet(t, U64_MAX));
}

static struct kunit_case queue_test_cases[] = {
	KUNIT_CASE(queue_test_seq),
	KUNIT_CASE(queue_test_order),
	KUNIT_CASE(queue_test_unsend),
	KUNIT_CASE(queue_test_unsend_forgotten),
	KUNIT_CASE(queue_test_full),
	KUNIT_CASE(queue_test_posted),
	KUNIT_CASE(queue_test_refused),
	KUNIT_CASE(queue_test_unread),
	KUNIT_CASE(queue_test_data),
	KUNIT_CASE(queue_test_replay),
	KUNIT_CASE(queue_test_fail),
	KUNIT_CASE(queue_test_idle),
	KUNIT_CASE(queue_test_forget_pending),
	KUNIT_CASE(queue_test_forget_sent),
	KUNIT_CASE(queue_test_forget_store),
	KUNIT_CASE(queue_test_forget_busy),
	KUNIT_CASE(queue_test_elements),
	KUNIT_CASE(queue_test_elements_full),
	KUNIT_CASE(queue_test_elements_forgotten),
	KUNIT_CASE(queue_test_replay_forgotten),
	KUNIT_CASE(queue_test_starved),
	KUNIT_CASE(queue_test_quiet),
	{}
};

static struct kunit_suite queue_test_suite = {
	.name = "kvm_devuser_queue",
	.init = queue_test_init,
	.exit = queue_test_exit,
	.test_cases = queue_test_cases,
};

kunit_test_suite(queue_test_suite);
