// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slave of the user device is a file as others are: requests and replies go
 * through any number of buffers, or through a pipe, and signals restart what they
 * interrupt.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define RID		DEVUSER_RID_MMIO
#define SIZE		sizeof(struct kvm_dev_user_request)
#define NR_STORES	3
#define BAD_ADDRESS	((void *)8)	/* mapped by nobody */

/* --- A slave with requests ----------------------------------------------------------- */

/* Stores, then loads once the host says so. */
static void guest_code(u64 index)
{
	int i;

	GUEST_SYNC(0);
	for (;;) {
		for (i = 0; i < NR_STORES; i++)
			guest_write32(DEVUSER_GPA + 4 * i, 0x100 + i);
		GUEST_SYNC(1);
	}
}

/* In this process; it blocks. */
struct slave {
	struct devuser_vm *dv;
	int fd;
};

static struct slave slave_new(void)
{
	struct slave s = { .dv = devuser_vm_create(1, guest_code) };

	devuser_emul_kill(s.dv->emul);
	s.fd = devuser_slave_fd(s.dv->master, 0);
	devuser_run_sync(s.dv->vcpus[0]);
	return s;
}

static void slave_free(struct slave *s)
{
	close(s->fd);
	devuser_vm_free(s->dv);
}

/* NR_STORES more requests are pending. */
static void make_stores(struct slave *s)
{
	TEST_ASSERT_EQ(devuser_run_sync(s->dv->vcpus[0]), 1);
}

static void check_stores(const struct kvm_dev_user_request *reqs, int first, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		devuser_check_request(&reqs[i], KVM_DEV_USER_STORE, 0, RID, 4 * (first + i), 4);
		TEST_ASSERT_EQ(devuser_data(&reqs[i]), 0x100 + first + i);
	}
}

static void expect_queues(struct slave *s, u32 pending, u32 sent)
{
	struct kvm_dev_user_status status = devuser_status(s->dv->master);

	TEST_ASSERT_EQ(status.pending, pending);
	TEST_ASSERT_EQ(status.sent, sent);
}

static long do_readv(int fd, const struct iovec *iov, int nr)
{
	return devuser_ret(readv(fd, iov, nr));
}

static long do_writev(int fd, const struct iovec *iov, int nr)
{
	return devuser_ret(writev(fd, iov, nr));
}

/* --- readv() ------------------------------------------------------------------------- */

/* Buffers may end anywhere in a request, it is their sum that counts. */
TEST(readv_split)
{
	struct kvm_dev_user_request reqs[NR_STORES + 1] = { };
	u8 *to = (u8 *)reqs;
	struct slave s = slave_new();
	struct iovec iov[] = {
		{ to, 1 }, { to + 1, SIZE - 2 }, { to, 0 }, { to + SIZE - 1, SIZE + 7 },
		{ to + 2 * SIZE + 6, SIZE - 6 },
	};

	make_stores(&s);
	DEVUSER_EXPECT(do_readv(s.fd, iov, ARRAY_SIZE(iov)), NR_STORES * SIZE);
	check_stores(reqs, 0, NR_STORES);
	expect_queues(&s, 0, NR_STORES);
	slave_free(&s);
}

/* EINVAL when the sum is not a multiple, though a buffer is; nothing is nothing. */
TEST(readv_sizes)
{
	struct kvm_dev_user_request reqs[2];
	struct slave s = slave_new();
	struct iovec whole_and_part[] = { { &reqs[0], SIZE }, { &reqs[1], SIZE - 1 } };
	struct iovec nothing[] = { { &reqs[0], 0 }, { &reqs[1], 0 } };

	make_stores(&s);
	DEVUSER_EXPECT(do_readv(s.fd, whole_and_part, 2), -EINVAL);
	DEVUSER_EXPECT(do_readv(s.fd, nothing, 2), 0);
	DEVUSER_EXPECT(do_writev(s.fd, whole_and_part, 2), -EINVAL);
	DEVUSER_EXPECT(do_writev(s.fd, nothing, 2), 0);
	expect_queues(&s, NR_STORES, 0);
	slave_free(&s);
}

/* With something in hand it does not sleep for what would fill the next buffer. */
TEST(readv_does_not_sleep)
{
	struct kvm_dev_user_request reqs[2 * NR_STORES];
	struct slave s = slave_new();
	struct iovec iov[] = {
		{ &reqs[0], SIZE }, { &reqs[1], 2 * SIZE }, { &reqs[3], 3 * SIZE },
	};

	devuser_catch_signals();
	make_stores(&s);
	devuser_alarm_ms(500);
	DEVUSER_EXPECT(do_readv(s.fd, iov, ARRAY_SIZE(iov)), NR_STORES * SIZE);
	devuser_alarm_ms(0);
	check_stores(reqs, 0, NR_STORES);
	slave_free(&s);
}

/* What cannot be written is not lost: it is read again, in its order. */
TEST(readv_fault)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct slave s = slave_new();
	struct iovec second_half[] = { { reqs, SIZE / 2 }, { BAD_ADDRESS, 3 * SIZE - SIZE / 2 } };
	struct iovec second[] = { { reqs, SIZE }, { BAD_ADDRESS, 2 * SIZE } };
	struct iovec half_of_second[] = {
		{ reqs, SIZE + SIZE / 2 }, { BAD_ADDRESS, 2 * SIZE - SIZE / 2 },
	};

	make_stores(&s);
	DEVUSER_EXPECT(do_readv(s.fd, second_half, 2), -EFAULT);
	expect_queues(&s, NR_STORES, 0);
	DEVUSER_EXPECT(do_readv(s.fd, second, 2), SIZE);
	check_stores(reqs, 0, 1);
	expect_queues(&s, NR_STORES - 1, 1);
	DEVUSER_EXPECT(do_readv(s.fd, half_of_second, 2), SIZE);
	check_stores(reqs, 1, 1);
	expect_queues(&s, NR_STORES - 2, 2);
	DEVUSER_EXPECT(devuser_read(s.fd, reqs, NR_STORES), 1);
	check_stores(reqs, 2, 1);
	slave_free(&s);
}

/* --- writev() ------------------------------------------------------------------------ */

TEST(writev_split)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	u8 *from = (u8 *)reqs;
	struct slave s = slave_new();
	struct iovec iov[] = {
		{ from, SIZE + 3 }, { from + SIZE + 3, SIZE - 4 }, { from + 2 * SIZE - 1, 1 },
		{ from + 2 * SIZE, SIZE - 1 }, { from + 3 * SIZE - 1, 1 },
	};

	make_stores(&s);
	DEVUSER_EXPECT(devuser_read(s.fd, reqs, NR_STORES), NR_STORES);
	DEVUSER_EXPECT(do_writev(s.fd, iov, ARRAY_SIZE(iov)), NR_STORES * SIZE);
	expect_queues(&s, 0, 0);
	slave_free(&s);
}

/* R6: the count says which reply was refused, or could not be read. */
TEST(writev_refused)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct slave s = slave_new();
	struct iovec bad_second[] = {
		{ &reqs[0], SIZE }, { &reqs[0], SIZE }, { &reqs[1], 2 * SIZE },
	};
	struct iovec fault[] = { { &reqs[1], SIZE + SIZE / 2 }, { BAD_ADDRESS, SIZE / 2 } };
	struct iovec all_fault[] = { { &reqs[2], SIZE - 1 }, { BAD_ADDRESS, 1 } };

	make_stores(&s);
	DEVUSER_EXPECT(devuser_read(s.fd, reqs, NR_STORES), NR_STORES);
	DEVUSER_EXPECT(do_writev(s.fd, bad_second, 3), SIZE);
	expect_queues(&s, 0, NR_STORES - 1);
	DEVUSER_EXPECT(do_writev(s.fd, fault, 2), SIZE);
	expect_queues(&s, 0, NR_STORES - 2);
	DEVUSER_EXPECT(do_writev(s.fd, all_fault, 2), -EFAULT);
	expect_queues(&s, 0, NR_STORES - 2);
	DEVUSER_EXPECT(devuser_write(s.fd, &reqs[2], 1), 1);
	TEST_ASSERT_EQ(devuser_status(s.dv->master).refused, 1);
	slave_free(&s);
}

/* --- splice() ------------------------------------------------------------------------ */

static long do_splice(int from, int to, size_t len)
{
	return devuser_ret(splice(from, NULL, to, NULL, len, 0));
}

/* Requests into a pipe, replies out of it. */
TEST(through_a_pipe)
{
	struct kvm_dev_user_request reqs[NR_STORES];
	struct slave s = slave_new();
	int pipes[2];

	TEST_ASSERT(!pipe(pipes), "pipe() failed");
	make_stores(&s);
	DEVUSER_EXPECT(do_splice(s.fd, pipes[1], SIZE - 1), -EINVAL);
	DEVUSER_EXPECT(do_splice(s.fd, pipes[1], SIZE), SIZE);
	DEVUSER_EXPECT(devuser_ret(read(pipes[0], reqs, SIZE)), SIZE);
	/* More than the pipe has room for, which is no multiple. */
	DEVUSER_EXPECT(do_splice(s.fd, pipes[1], SZ_4K * SIZE), (NR_STORES - 1) * SIZE);
	expect_queues(&s, 0, NR_STORES);
	DEVUSER_EXPECT(devuser_ret(read(pipes[0], reqs + 1, 2 * SIZE)), 2 * SIZE);
	check_stores(reqs, 0, NR_STORES);

	DEVUSER_EXPECT(devuser_ret(write(pipes[1], reqs, sizeof(reqs))), sizeof(reqs));
	DEVUSER_EXPECT(do_splice(pipes[0], s.fd, sizeof(reqs)), sizeof(reqs));
	expect_queues(&s, 0, 0);

	/* One that is refused stays in the pipe. */
	DEVUSER_EXPECT(devuser_ret(write(pipes[1], reqs, SIZE)), SIZE);
	DEVUSER_EXPECT(do_splice(pipes[0], s.fd, SIZE), -ESTALE);
	DEVUSER_EXPECT(devuser_ret(read(pipes[0], reqs, SIZE)), SIZE);
	close(pipes[0]);
	close(pipes[1]);
	slave_free(&s);
}

/* --- Not to sleep -------------------------------------------------------------------- */

struct reader {
	pthread_t thread;
	int fd;
	bool exchange;
	pid_t tid;
	long ret;
	struct kvm_dev_user_request reqs[NR_STORES];
};

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;

	WRITE_ONCE(reader->tid, syscall(__NR_gettid));
	if (reader->exchange)
		reader->ret = devuser_exchange(reader->fd, reader->reqs, NR_STORES, reader->reqs,
					       NR_STORES);
	else
		reader->ret = devuser_read(reader->fd, reader->reqs, NR_STORES);
	return NULL;
}

static char thread_state(pid_t tid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state;
}

/* A thread that sleeps in read(), or in KVM_DEV_USER_EXCHANGE. */
static void reader_start(struct reader *reader)
{
	TEST_ASSERT(!pthread_create(&reader->thread, NULL, reader_thread, reader),
		    "pthread_create() failed");
	DEVUSER_WAIT(READ_ONCE(reader->tid) && thread_state(reader->tid) == 'S');
}

/* RWF_NOWAIT: neither for requests, nor for another reader that waits for some. */
TEST(nowait)
{
	struct slave s = slave_new();
	struct reader reader = { .fd = s.fd };
	struct kvm_dev_user_request req;
	struct iovec iov = { &req, SIZE };

	DEVUSER_EXPECT(devuser_ret(preadv2(s.fd, &iov, 1, -1, RWF_NOWAIT)), -EAGAIN);
	reader_start(&reader);
	DEVUSER_EXPECT(devuser_ret(preadv2(s.fd, &iov, 1, -1, RWF_NOWAIT)), -EAGAIN);
	TEST_ASSERT(!fcntl(s.fd, F_SETFL, O_NONBLOCK), "fcntl() failed");
	DEVUSER_EXPECT(devuser_read(s.fd, &req, 1), -EAGAIN);
	DEVUSER_EXPECT(devuser_exchange(s.fd, NULL, 0, &req, 1), -EAGAIN);
	make_stores(&s);
	pthread_join(reader.thread, NULL);
	TEST_ASSERT(reader.ret > 0, "read() returned %ld", reader.ret);
	DEVUSER_EXPECT(devuser_write(s.fd, reader.reqs, reader.ret), reader.ret);
	slave_free(&s);
}

/* --- Signals ------------------------------------------------------------------------- */

static int nr_handled;

static void on_signal(int sig)
{
	WRITE_ONCE(nr_handled, nr_handled + 1);
}

#define NR_SIGNALS	5

/* A handler that restarts system calls restarts this one, with nothing done twice. */
static void check_restart(bool exchange)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct slave s = slave_new();
	struct reader reader = { .fd = s.fd, .exchange = exchange };
	int i;

	nr_handled = 0;
	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "sigaction() failed");
	if (exchange) {
		make_stores(&s);
		DEVUSER_EXPECT(devuser_read(s.fd, reader.reqs, NR_STORES), NR_STORES);
	}
	reader_start(&reader);
	if (exchange)
		DEVUSER_WAIT(!devuser_status(s.dv->master).sent);
	for (i = 1; i <= NR_SIGNALS; i++) {
		pthread_kill(reader.thread, SIGUSR1);
		DEVUSER_WAIT(READ_ONCE(nr_handled) == i && thread_state(reader.tid) == 'S');
	}
	make_stores(&s);
	pthread_join(reader.thread, NULL);
	TEST_ASSERT(reader.ret > 0, "The call returned %ld", reader.ret);
	check_stores(reader.reqs, 0, reader.ret);
	TEST_ASSERT_EQ(devuser_status(s.dv->master).refused, 0);
	slave_free(&s);
}

TEST(restart_read)
{
	check_restart(false);
}

TEST(restart_exchange)
{
	check_restart(true);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
