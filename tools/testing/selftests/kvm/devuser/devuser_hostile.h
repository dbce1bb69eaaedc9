/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that does random things with its slave descriptor.
 */
#ifndef SELFTEST_KVM_DEVUSER_HOSTILE_H
#define SELFTEST_KVM_DEVUSER_HOSTILE_H

#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "devuser_probe.h"

#define HOSTILE_REQS	64
#define HOSTILE_MAPS	8
#define HOSTILE_BELLS	DEVUSER_DOORBELLS_MAX
#define HOSTILE_BUF	(16 * sizeof(struct kvm_dev_user_request))
#define HOSTILE_DELAY_MS 100	/* beyond the device's time-out */

/* A sequence of numbers that its seed, which is not zero, repeats. */
static inline u64 hostile_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct hostile {
	u64 rng;
	int slave;
	u8 *page;		/* followed by one that cannot be accessed */
	struct kvm_dev_user_request reqs[HOSTILE_REQS];	/* some that it has read */
	struct {
		u8 *addr;
		size_t len;
	} maps[HOSTILE_MAPS];
};

static u64 hostile_below(struct hostile *h, u64 limit)
{
	return hostile_random(&h->rng) % limit;
}

static bool hostile_chance(struct hostile *h, int one_in)
{
	return !hostile_below(h, one_in);
}

static void hostile_fill(struct hostile *h, void *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		((u8 *)buf)[i] = hostile_below(h, 256);
}

/* Zero, all ones, or something between. */
static u64 hostile_number(struct hostile *h)
{
	return hostile_random(&h->rng) >> hostile_below(h, 64) << hostile_below(h, 64);
}

static sigjmp_buf hostile_fault;

static void hostile_on_fault(int sig)
{
	siglongjmp(hostile_fault, 1);
}

/* --- Memory to read into and write from --------------------------------------- */

/* A good buffer, one that ends too early, none, the kernel's, or the image itself. */
static void *hostile_buf(struct hostile *h)
{
	switch (hostile_below(h, 8)) {
	case 0:
		return h->page + SZ_4K - hostile_below(h, HOSTILE_BUF);
	case 1:
		return (void *)hostile_number(h);
	case 2:
		return h->maps[hostile_below(h, HOSTILE_MAPS)].addr;
	default:
		return h->page;
	}
}

static size_t hostile_size(struct hostile *h)
{
	if (hostile_chance(h, 8))
		return hostile_number(h);
	return sizeof(struct kvm_dev_user_request) * hostile_below(h, 16) + hostile_chance(h, 8);
}

/* --- What it does --------------------------------------------------------------- */

/* Answers what was read into the page, more or less, so that the guest goes on. */
static void hostile_answer(struct hostile *h, ssize_t bytes)
{
	struct kvm_dev_user_request *reqs = (void *)h->page;
	ssize_t nr = bytes / (ssize_t)sizeof(*reqs);
	int i;

	for (i = 0; i < nr; i++) {
		if (reqs[i].type == KVM_DEV_USER_LOAD && reqs[i].len <= 8)
			hostile_fill(h, reqs[i].data, reqs[i].len);
		h->reqs[hostile_below(h, HOSTILE_REQS)] = reqs[i];
	}
	if (nr > 0 && !hostile_chance(h, 32))
		write(h->slave, reqs, nr * sizeof(*reqs));
}

static void hostile_read(struct hostile *h)
{
	void *buf = hostile_buf(h);
	ssize_t bytes = read(h->slave, buf, hostile_size(h));

	if (buf == h->page)
		hostile_answer(h, bytes);
}

static void hostile_serve(struct hostile *h)
{
	hostile_answer(h, read(h->slave, h->page, HOSTILE_BUF));
}

/* Replies to requests that it has read, or had, or has made up. */
static void hostile_reply(struct hostile *h)
{
	struct kvm_dev_user_request *replies = (void *)h->page;
	int nr = 1 + hostile_below(h, 8);
	u8 *bytes;
	int i;

	for (i = 0; i < nr; i++) {
		bytes = (u8 *)&replies[i];
		replies[i] = h->reqs[hostile_below(h, HOSTILE_REQS)];
		if (hostile_chance(h, 4))
			bytes[hostile_below(h, sizeof(*replies))] ^= 1 + hostile_below(h, 255);
		if (hostile_chance(h, 16))
			hostile_fill(h, bytes, sizeof(*replies));
	}
	write(h->slave, replies, nr * sizeof(*replies));
}

static void hostile_write(struct hostile *h)
{
	write(h->slave, hostile_buf(h), hostile_size(h));
}

/* Both in one: replies as they were read, or anything, for requests. */
static void hostile_exchange(struct hostile *h)
{
	struct kvm_dev_user_request *replies = h->reqs + hostile_below(h, HOSTILE_REQS);
	void *requests = hostile_buf(h);
	struct kvm_dev_user_exchange arg = {
		.size = hostile_chance(h, 8) ? hostile_number(h) : sizeof(arg),
		.flags = hostile_chance(h, 16),
		.nr_replies = hostile_chance(h, 8) ? hostile_number(h) : hostile_below(h, 4),
		.nr_requests = hostile_chance(h, 8) ? hostile_number(h) : hostile_below(h, 17),
		.replies = (u64)(hostile_chance(h, 4) ? hostile_buf(h) : replies),
		.requests = (u64)requests,
	};
	long nr = ioctl(h->slave, KVM_DEV_USER_EXCHANGE, &arg);

	if (nr > 0 && requests == h->page)
		hostile_answer(h, nr * sizeof(*replies));
}

static void hostile_poll(struct hostile *h)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	struct pollfd fd = { .fd = h->slave, .events = hostile_number(h) };
	int epoll;

	poll(&fd, 1, hostile_below(h, 3));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(epoll, EPOLL_CTL_ADD, h->slave, &event);
	epoll_wait(epoll, &event, 1, hostile_below(h, 3));
	close(epoll);
}

static void hostile_mmap(struct hostile *h)
{
	int prot = hostile_below(h, 8), i = hostile_below(h, HOSTILE_MAPS);
	int flags = hostile_chance(h, 8) ? MAP_PRIVATE : MAP_SHARED;
	size_t len = hostile_chance(h, 8) ? hostile_number(h) : SZ_4K * hostile_below(h, 8);
	off_t offset = hostile_chance(h, 4) ? hostile_number(h) : 0;
	void *addr = mmap(NULL, len, prot, flags, h->slave, offset & ~(SZ_4K - 1ull));

	if (addr == MAP_FAILED)
		return;
	if (h->maps[i].addr)
		munmap(h->maps[i].addr, h->maps[i].len);
	h->maps[i].addr = addr;
	h->maps[i].len = len;
}

/* Parts of mappings are left over: the process does not live for long. */
static void hostile_change_map(struct hostile *h)
{
	int i = hostile_below(h, HOSTILE_MAPS);
	u8 *addr = h->maps[i].addr;
	size_t len = h->maps[i].len;

	if (!addr)
		return;
	switch (hostile_below(h, 4)) {
	case 0:
		munmap(addr + SZ_4K * hostile_below(h, 2), len);
		h->maps[i].addr = NULL;
		break;
	case 1:
		mprotect(addr, len, hostile_below(h, 8));
		break;
	case 2:
		addr = mremap(addr, len, len + SZ_4K, MREMAP_MAYMOVE);
		if (addr == MAP_FAILED)
			break;
		h->maps[i].addr = addr;
		h->maps[i].len = len + SZ_4K;
		break;
	default:
		madvise(addr, len, hostile_below(h, 26));
		break;
	}
}

static void hostile_scribble(struct hostile *h)
{
	int i = hostile_below(h, HOSTILE_MAPS);
	u8 *addr = h->maps[i].addr;

	if (addr && !sigsetjmp(hostile_fault, 1)) {
		addr += hostile_below(h, h->maps[i].len);
		WRITE_ONCE(*addr, READ_ONCE(*addr) + 1);
	}
}

static void hostile_shadow_size(struct hostile *h)
{
	struct kvm_dev_user_shadow_size arg = {
		.size = hostile_chance(h, 8) ? hostile_number(h) : sizeof(arg),
		.reserved = hostile_chance(h, 8),
		.bytes = hostile_chance(h, 8) ? hostile_number(h) : hostile_below(h, SZ_64K),
	};

	ioctl(h->slave, KVM_DEV_USER_SHADOW_SIZE, &arg);
}

static void hostile_shadow_ctrl(struct hostile *h)
{
	struct kvm_dev_user_shadow_area areas[8];
	struct kvm_dev_user_shadow_ctrl arg = {
		.size = hostile_chance(h, 8) ? hostile_number(h) : sizeof(arg),
		.nr_areas = hostile_chance(h, 8) ? hostile_number(h) : hostile_below(h, 9),
		.areas = hostile_chance(h, 8) ? hostile_number(h) : (u64)areas,
	};
	int i;

	hostile_fill(h, areas, sizeof(areas));
	for (i = 0; i < ARRAY_SIZE(areas) && !hostile_chance(h, 32); i++) {
		areas[i].rid = hostile_below(h, 4);
		areas[i].access = 1 + hostile_below(h, 15);
		areas[i].offset = SZ_1K * i;
		areas[i].len = 8 + 8 * hostile_below(h, 127);
		areas[i].image = 8 * hostile_below(h, 256);
	}
	ioctl(h->slave, KVM_DEV_USER_SHADOW_CTRL, &arg);
}

/*
 * Doorbells of an eventfd that nobody reads, and that is gone before them: side by
 * side, so that a store at random rings one now and then; or anything.
 */
static void hostile_doorbells(struct hostile *h)
{
	struct kvm_dev_user_doorbell bells[HOSTILE_BELLS];
	struct kvm_dev_user_doorbells arg = {
		.size = hostile_chance(h, 8) ? hostile_number(h) : sizeof(arg),
		.nr_doorbells = hostile_chance(h, 8) ? hostile_number(h) : ARRAY_SIZE(bells),
		.doorbells = hostile_chance(h, 8) ? hostile_number(h) : (u64)bells,
	};
	struct kvm_dev_user_doorbell bell = {
		.rid = hostile_below(h, 4),
		.offset = hostile_below(h, SZ_4K),
		.len = hostile_chance(h, 2) ? 4 : 1 << hostile_below(h, 4),
		.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bells); i++) {
		bells[i] = bell;
		bells[i].offset += i;
		bells[i].flags = hostile_below(h, 2);
	}
	if (hostile_chance(h, 8))
		hostile_fill(h, &bells[hostile_below(h, HOSTILE_BELLS)], sizeof(bells[0]));
	ioctl(h->slave, KVM_DEV_USER_DOORBELLS, &arg);
	close(bell.fd);
}

static void hostile_info(struct hostile *h)
{
	struct kvm_dev_user_info info = {
		.size = hostile_chance(h, 2) ? hostile_number(h) : sizeof(info),
	};

	ioctl(h->slave, KVM_DEV_USER_INFO, hostile_chance(h, 4) ? hostile_buf(h) : &info);
}

static void hostile_busy(struct hostile *h)
{
	struct kvm_dev_user_busy arg = {
		.size = hostile_chance(h, 8) ? hostile_number(h) : sizeof(arg),
		.flags = hostile_chance(h, 8) ? hostile_number(h) : 0,
	};

	ioctl(h->slave, KVM_DEV_USER_BUSY, hostile_chance(h, 8) ? hostile_buf(h) : &arg);
}

/* The master's ioctls among them. */
static void hostile_ioctl(struct hostile *h)
{
	hostile_fill(h, h->page, 64);
	*(u32 *)h->page = hostile_below(h, 128);
	ioctl(h->slave, _IO(KVMIO, hostile_below(h, 256)), hostile_buf(h));
}

static void hostile_dup(struct hostile *h)
{
	int fd = dup(h->slave);

	if (fd < 0)
		return;
	if (hostile_chance(h, 2)) {
		close(fd);
		return;
	}
	close(h->slave);
	h->slave = fd;
}

static void hostile_files(struct hostile *h)
{
	struct iovec iov[] = {
		{ h->page, hostile_size(h) % HOSTILE_BUF },
		{ hostile_buf(h), hostile_size(h) % HOSTILE_BUF },
	};
	char path[32];

	switch (hostile_below(h, 8)) {
	case 0:
		readv(h->slave, iov, ARRAY_SIZE(iov));
		break;
	case 1:
		writev(h->slave, iov, ARRAY_SIZE(iov));
		break;
	case 2:
		pread(h->slave, h->page, HOSTILE_BUF, hostile_number(h));
		break;
	case 3:
		lseek(h->slave, hostile_number(h), hostile_below(h, 5));
		break;
	case 4:
		fcntl(h->slave, F_SETFL, hostile_chance(h, 8) ? hostile_number(h) : O_NONBLOCK);
		break;
	case 5:
		sendfile(h->slave, h->slave, NULL, HOSTILE_BUF);
		break;
	case 6:
		fsync(h->slave);
		break;
	default:
		snprintf(path, sizeof(path), "/proc/self/fd/%d", h->slave);
		close(open(path, O_RDWR));
		break;
	}
}

/* A child that stops its parent for longer than the time-out, and goes on itself. */
static bool hostile_fork(struct hostile *h)
{
	bool stop = hostile_chance(h, 2);
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid) {
		if (pid > 0 && stop)
			raise(SIGSTOP);
		return false;
	}

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (stop) {
		devuser_sleep_ms(hostile_below(h, HOSTILE_DELAY_MS));
		kill(parent, SIGCONT);
	}
	return true;
}

/* Its mappings may keep the slave a little longer. */
static void hostile_end(struct hostile *h)
{
	if (hostile_chance(h, 2)) {
		close(h->slave);
		devuser_sleep_ms(hostile_below(h, 10));
	}
	if (hostile_chance(h, 2))
		raise(SIGKILL);
	_exit(0);
}

static void (*const hostile_ops[])(struct hostile *h) = {
	hostile_read, hostile_reply, hostile_reply, hostile_write, hostile_poll, hostile_mmap,
	hostile_change_map, hostile_scribble, hostile_scribble, hostile_shadow_size,
	hostile_shadow_ctrl, hostile_ioctl, hostile_dup, hostile_files, hostile_exchange,
	hostile_exchange, hostile_doorbells, hostile_info, hostile_busy,
};

/* Between two such things it serves, or no request would ever wait. */
static void hostile_act(struct hostile *h)
{
	hostile_ops[hostile_below(h, ARRAY_SIZE(hostile_ops))](h);
	if (!hostile_chance(h, 4))
		hostile_serve(h);
}

static void hostile_init(struct hostile *h)
{
	const struct itimerval tick = { .it_interval.tv_usec = 5000, .it_value.tv_usec = 5000 };
	struct sigaction fault = { .sa_handler = hostile_on_fault };

	devuser_catch_signals();
	setitimer(ITIMER_REAL, &tick, NULL);
	fcntl(h->slave, F_SETFL, O_NONBLOCK);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);

	h->page = mmap(NULL, 2 * SZ_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(h->page != MAP_FAILED, "mmap() failed");
	mprotect(h->page + SZ_4K, SZ_4K, PROT_NONE);
}

/*
 * Does random things with a slave, counting them in *nr, until it is killed or
 * makes an end of itself. Whatever sleeps is interrupted before long.
 */
static inline void __noreturn hostile_slave(int slave, u64 seed, u64 *nr)
{
	struct hostile h = { .slave = slave, .rng = seed };
	u64 left = ~0ull;

	hostile_init(&h);
	hostile_shadow_size(&h);
	hostile_shadow_ctrl(&h);
	hostile_doorbells(&h);
	while (left--) {
		hostile_act(&h);
		__atomic_fetch_add(nr, 1, __ATOMIC_RELAXED);
		if (hostile_chance(&h, 200) && hostile_fork(&h))
			left = hostile_below(&h, 50);
		if (hostile_chance(&h, 4000))
			break;
	}
	hostile_end(&h);
	__builtin_unreachable();
}

#endif /* SELFTEST_KVM_DEVUSER_HOSTILE_H */
