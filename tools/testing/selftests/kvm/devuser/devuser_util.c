// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of the KVM user device share, see devuser_util.h.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "devuser_util.h"

/* --- The master descriptor ------------------------------------------------ */

int devuser_create(struct kvm_vm *vm)
{
	return kvm_create_device(vm, KVM_DEV_TYPE_USER);
}

int devuser_slave_fd(int master, u32 flags)
{
	struct kvm_dev_user_slave slave = {
		.size = sizeof(slave),
		.flags = flags,
	};
	long fd = devuser_ioctl(master, KVM_DEV_USER_SLAVE_FD, &slave);

	TEST_ASSERT(fd >= 0, "KVM_DEV_USER_SLAVE_FD failed: %s", strerror(-fd));
	return fd;
}

long __devuser_set_range(int master, u32 rid, u32 flags, u64 addr, u64 len)
{
	struct kvm_dev_user_pa_range range = {
		.size = sizeof(range),
		.flags = flags,
		.rid = rid,
		.addr = addr,
		.len = len,
	};

	return devuser_ioctl(master, KVM_DEV_USER_PA_RANGE, &range);
}

void devuser_set_range(int master, u32 rid, u32 flags, u64 addr, u64 len)
{
	DEVUSER_EXPECT(__devuser_set_range(master, rid, flags, addr, len), 0);
}

long __devuser_remove_range(int master, u32 rid)
{
	return __devuser_set_range(master, rid, 0, 0, 0);
}

void devuser_remove_range(int master, u32 rid)
{
	DEVUSER_EXPECT(__devuser_remove_range(master, rid), 0);
}

void devuser_set_timeouts(int master, u64 timeout_ns, u64 busy_ns)
{
	struct kvm_dev_user_timeout timeout = {
		.size = sizeof(timeout),
		.timeout_ns = timeout_ns,
		.busy_ns = busy_ns,
	};

	DEVUSER_EXPECT(devuser_ioctl(master, KVM_DEV_USER_TIMEOUT, &timeout), 0);
}

void devuser_set_eventfd(int master, int fd)
{
	struct kvm_dev_user_eventfd eventfd = {
		.size = sizeof(eventfd),
		.fd = fd,
	};

	DEVUSER_EXPECT(devuser_ioctl(master, KVM_DEV_USER_EVENTFD, &eventfd), 0);
}

struct kvm_dev_user_status devuser_status(int master)
{
	struct kvm_dev_user_status status = { .size = sizeof(status) };

	DEVUSER_EXPECT(devuser_ioctl(master, KVM_DEV_USER_STATUS, &status), 0);
	return status;
}

long __devuser_quiet(int master, u32 flags, u64 timeout_ns)
{
	struct kvm_dev_user_quiet quiet = {
		.size = sizeof(quiet),
		.flags = flags,
		.timeout_ns = timeout_ns,
	};

	return devuser_ioctl(master, KVM_DEV_USER_QUIET, &quiet);
}

void devuser_abandon(int master)
{
	struct kvm_dev_user_abandon abandon = { .size = sizeof(abandon) };

	DEVUSER_EXPECT(devuser_ioctl(master, KVM_DEV_USER_ABANDON, &abandon), 0);
}

long __devuser_set_spin(int master, u64 vcpu_ns, u64 slave_ns)
{
	struct kvm_dev_user_spin spin = {
		.size = sizeof(spin),
		.vcpu_ns = vcpu_ns,
		.slave_ns = slave_ns,
	};

	return devuser_ioctl(master, KVM_DEV_USER_SPIN, &spin);
}

void devuser_set_spin(int master, u64 vcpu_ns, u64 slave_ns)
{
	DEVUSER_EXPECT(__devuser_set_spin(master, vcpu_ns, slave_ns), 0);
}

long __devuser_revoke(int master)
{
	struct kvm_dev_user_revoke revoke = { .size = sizeof(revoke) };

	return devuser_ioctl(master, KVM_DEV_USER_REVOKE, &revoke);
}

void devuser_revoke(int master)
{
	DEVUSER_EXPECT(__devuser_revoke(master), 0);
}

struct kvm_dev_user_info devuser_info(int fd)
{
	struct kvm_dev_user_info info = { .size = sizeof(info) };

	DEVUSER_EXPECT(devuser_ioctl(fd, KVM_DEV_USER_INFO, &info), 0);
	return info;
}

/* --- The slave descriptor ------------------------------------------------- */

/* A number of requests out of a number of bytes. */
static long devuser_requests(long bytes)
{
	if (bytes < 0)
		return bytes;

	TEST_ASSERT(!(bytes % sizeof(struct kvm_dev_user_request)),
		    "%ld bytes are not a whole number of requests", bytes);
	return bytes / sizeof(struct kvm_dev_user_request);
}

long devuser_read(int slave, struct kvm_dev_user_request *reqs, size_t nr)
{
	return devuser_requests(devuser_ret(read(slave, reqs, nr * sizeof(*reqs))));
}

long devuser_write(int slave, const struct kvm_dev_user_request *replies, size_t nr)
{
	return devuser_requests(devuser_ret(write(slave, replies, nr * sizeof(*replies))));
}

long devuser_exchange(int slave, const struct kvm_dev_user_request *replies, u32 nr_replies,
		      struct kvm_dev_user_request *reqs, u32 nr_reqs)
{
	struct kvm_dev_user_exchange exchange = {
		.size = sizeof(exchange),
		.nr_replies = nr_replies,
		.nr_requests = nr_reqs,
		.replies = (unsigned long)replies,
		.requests = (unsigned long)reqs,
	};

	return devuser_ioctl(slave, KVM_DEV_USER_EXCHANGE, &exchange);
}

long devuser_shadow_size(int slave, u64 bytes)
{
	struct kvm_dev_user_shadow_size shadow = {
		.size = sizeof(shadow),
		.bytes = bytes,
	};

	return devuser_ioctl(slave, KVM_DEV_USER_SHADOW_SIZE, &shadow);
}

long devuser_shadow_ctrl(int slave, const struct kvm_dev_user_shadow_area *areas, u32 nr)
{
	struct kvm_dev_user_shadow_ctrl ctrl = {
		.size = sizeof(ctrl),
		.nr_areas = nr,
		.areas = (unsigned long)areas,
	};

	return devuser_ioctl(slave, KVM_DEV_USER_SHADOW_CTRL, &ctrl);
}

long devuser_busy(int slave)
{
	struct kvm_dev_user_busy arg = { .size = sizeof(arg) };

	return devuser_ioctl(slave, KVM_DEV_USER_BUSY, &arg);
}

long devuser_set_doorbells(int slave, const struct kvm_dev_user_doorbell *doorbells, u32 nr)
{
	struct kvm_dev_user_doorbells arg = {
		.size = sizeof(arg),
		.nr_doorbells = nr,
		.doorbells = (unsigned long)doorbells,
	};

	return devuser_ioctl(slave, KVM_DEV_USER_DOORBELLS, &arg);
}

/* --- The socket between the test and the emulator --------------------------- */

void devuser_fd_send(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}

	TEST_ASSERT(sendmsg(sock, &msg, MSG_NOSIGNAL) == 1, "The other process is gone");
}

bool devuser_fd_recv(int sock, int *fd)
{
	char byte, control[CMSG_SPACE(sizeof(*fd))];
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t ret;

	do {
		ret = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (ret < 0 && errno == EINTR);

	*fd = -1;
	cmsg = ret == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return ret == 1;
}

/* --- In the emulator's process ---------------------------------------------- */

/* A vCPU's mapped kvm_run page would keep the VM. */
static void emul_unmap_kvm(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long starts[64], ends[64];
	char line[256];
	int nr = 0;

	TEST_ASSERT(maps, "Cannot open /proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "anon_inode:kvm"))
			continue;
		TEST_ASSERT(nr < ARRAY_SIZE(starts), "Too many mappings of KVM's");
		TEST_ASSERT(sscanf(line, "%lx-%lx", &starts[nr], &ends[nr]) == 2,
			    "Unexpected line in /proc/self/maps: %s", line);
		nr++;
	}
	fclose(maps);

	while (nr--)
		munmap((void *)starts[nr], ends[nr] - starts[nr]);
}

static void emul_isolate(struct devuser_emul *emul, pid_t parent)
{
	TEST_ASSERT(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl() failed");
	if (getppid() != parent)
		_exit(0);

	emul->sock = dup2(emul->sock, STDERR_FILENO + 1);
	TEST_ASSERT(emul->sock == STDERR_FILENO + 1, "dup2() failed");
	TEST_ASSERT(!close_range(emul->sock + 1, ~0U, 0), "close_range() failed");
	emul_unmap_kvm();
}

void devuser_emul_log(struct devuser_emul *emul, const struct kvm_dev_user_request *reqs, int nr)
{
	struct devuser_emul_shared *shared = emul->shared;
	int i;

	TEST_ASSERT(shared->nr + nr <= DEVUSER_LOG_MAX, "The log of requests is full");
	for (i = 0; i < nr; i++) {
		shared->log[shared->nr] = reqs[i];
		__atomic_store_n(&shared->nr, shared->nr + 1, __ATOMIC_RELEASE);
	}
}

static void emul_end_serving(struct devuser_emul *emul, long end)
{
	emul->serve = NULL;
	emul->shared->end = end;
	__atomic_store_n(&emul->shared->ended, 1, __ATOMIC_RELEASE);
}

static void emul_serve_batch(struct devuser_emul *emul)
{
	struct kvm_dev_user_request reqs[DEVUSER_BATCH_MAX];
	long nr;

	nr = devuser_read(emul->slave, reqs, emul->shared->batch);
	if (nr <= 0) {
		emul_end_serving(emul, nr);
		return;
	}

	devuser_emul_log(emul, reqs, nr);
	if (emul->shared->delay_us)
		usleep(emul->shared->delay_us);
	emul->serve(emul, reqs, nr);
}

void devuser_emul_serve_here(struct devuser_emul *emul, devuser_serve_t serve)
{
	emul->serve = serve;
	while (emul->serve)
		emul_serve_batch(emul);
}

static void emul_handle_call(struct devuser_emul *emul)
{
	struct devuser_emul_shared *shared = emul->shared;
	int fd;

	if (!devuser_fd_recv(emul->sock, &fd))
		_exit(0);

	if (fd >= 0) {
		if (emul->slave >= 0)
			close(emul->slave);
		emul->slave = fd;
	} else {
		shared->ret = shared->fn(emul, shared->arg);
	}
	devuser_fd_send(emul->sock, -1);
}

static void __noreturn emul_main(struct devuser_emul *emul)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = emul->sock, .events = POLLIN },
			{ .fd = emul->serve ? emul->slave : -1, .events = POLLIN },
		};

		TEST_ASSERT(poll(fds, ARRAY_SIZE(fds), -1) > 0, "poll() failed");
		if (fds[1].revents)
			emul_serve_batch(emul);
		if (fds[0].revents)
			emul_handle_call(emul);
	}
}

void devuser_fill(struct kvm_dev_user_request *reqs, int nr)
{
	u64 val;
	int i;

	for (i = 0; i < nr; i++) {
		if (reqs[i].type != KVM_DEV_USER_LOAD)
			continue;
		val = devuser_pattern(reqs[i].rid, reqs[i].offset, reqs[i].len);
		memcpy(reqs[i].data, &val, sizeof(val));
	}
}

void devuser_serve(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	devuser_fill(reqs, nr);
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
}

/* --- The emulator as the test sees it ---------------------------------------- */

struct devuser_emul *devuser_emul_start(void)
{
	struct devuser_emul *emul = calloc(1, sizeof(*emul));
	pid_t parent = getpid();
	int socks[2];

	TEST_ASSERT(emul, "Out of memory");
	emul->shared = mmap(NULL, sizeof(*emul->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(emul->shared != MAP_FAILED, "mmap() failed");
	emul->shared->batch = DEVUSER_BATCH_MAX;
	emul->slave = -1;
	TEST_ASSERT(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks),
		    "socketpair() failed");

	/* What is buffered would be written by both. */
	fflush(NULL);
	emul->pid = fork();
	TEST_ASSERT(emul->pid >= 0, "fork() failed");
	emul->sock = socks[!emul->pid];
	if (!emul->pid) {
		emul_isolate(emul, parent);
		emul_main(emul);
	}

	close(socks[1]);
	return emul;
}

static void emul_wait_reply(struct devuser_emul *emul)
{
	int fd;

	TEST_ASSERT(devuser_fd_recv(emul->sock, &fd), "The emulator died");
}

void devuser_emul_attach(struct devuser_emul *emul, int slave)
{
	devuser_fd_send(emul->sock, slave);
	close(slave);
	emul_wait_reply(emul);
}

void devuser_emul_call_start(struct devuser_emul *emul, devuser_call_t fn,
			     const void *arg, size_t size)
{
	TEST_ASSERT(size <= sizeof(emul->shared->arg), "%zu bytes are too many", size);
	if (size)
		memcpy(emul->shared->arg, arg, size);
	emul->shared->fn = fn;
	emul->arg_size = size;
	devuser_fd_send(emul->sock, -1);
}

long devuser_emul_call_end(struct devuser_emul *emul, void *arg)
{
	emul_wait_reply(emul);
	if (arg)
		memcpy(arg, emul->shared->arg, emul->arg_size);
	return emul->shared->ret;
}

long devuser_emul_call(struct devuser_emul *emul, devuser_call_t fn, void *arg, size_t size)
{
	devuser_emul_call_start(emul, fn, arg, size);
	return devuser_emul_call_end(emul, arg);
}

static long emul_set_serve(struct devuser_emul *emul, void *arg)
{
	emul->serve = *(devuser_serve_t *)arg;
	return 0;
}

void devuser_emul_serve(struct devuser_emul *emul, devuser_serve_t serve)
{
	emul->shared->ended = 0;
	devuser_emul_call(emul, emul_set_serve, &serve, sizeof(serve));
}

struct emul_io {
	int nr;
	struct kvm_dev_user_request reqs[];
};

static struct emul_io *emul_io_new(int nr, size_t *size)
{
	struct emul_io *io;

	*size = sizeof(*io) + nr * sizeof(io->reqs[0]);
	io = calloc(1, *size);
	TEST_ASSERT(io, "Out of memory");
	io->nr = nr;
	return io;
}

static long emul_read(struct devuser_emul *emul, void *arg)
{
	struct emul_io *io = arg;
	long nr, ret;

	for (nr = 0; nr < io->nr; nr += ret) {
		struct pollfd fd = { .fd = emul->slave, .events = POLLIN };

		TEST_ASSERT(poll(&fd, 1, DEVUSER_WAIT_MS) == 1 && fd.revents & POLLIN,
			    "Request %ld of %d did not come", nr + 1, io->nr);
		ret = devuser_read(emul->slave, io->reqs + nr, io->nr - nr);
		TEST_ASSERT(ret > 0, "read() returned %ld", ret);
		devuser_emul_log(emul, io->reqs + nr, ret);
	}
	return nr;
}

void devuser_emul_read(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	struct emul_io *io;
	size_t size;

	io = emul_io_new(nr, &size);
	devuser_emul_call(emul, emul_read, io, size);
	memcpy(reqs, io->reqs, nr * sizeof(*reqs));
	free(io);
}

static long emul_write(struct devuser_emul *emul, void *arg)
{
	struct emul_io *io = arg;

	return devuser_write(emul->slave, io->reqs, io->nr);
}

long devuser_emul_write(struct devuser_emul *emul,
			const struct kvm_dev_user_request *replies, int nr)
{
	struct emul_io *io;
	size_t size;
	long ret;

	io = emul_io_new(nr, &size);
	memcpy(io->reqs, replies, nr * sizeof(*replies));
	ret = devuser_emul_call(emul, emul_write, io, size);
	free(io);
	return ret;
}

struct emul_shadow {
	u64 bytes;
	u32 nr;
	struct kvm_dev_user_shadow_area areas[DEVUSER_AREAS_MAX];
};

static long emul_shadow(struct devuser_emul *emul, void *arg)
{
	struct emul_shadow *shadow = arg;

	DEVUSER_EXPECT(devuser_shadow_size(emul->slave, shadow->bytes), 0);
	emul->shadow = mmap(NULL, shadow->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			    emul->slave, 0);
	TEST_ASSERT(emul->shadow != MAP_FAILED, "mmap() of the shadow image failed");
	DEVUSER_EXPECT(devuser_shadow_ctrl(emul->slave, shadow->areas, shadow->nr), 0);
	return 0;
}

void devuser_emul_shadow(struct devuser_emul *emul, u64 bytes,
			 const struct kvm_dev_user_shadow_area *areas, u32 nr)
{
	struct emul_shadow shadow = { .bytes = bytes, .nr = nr };

	TEST_ASSERT(nr <= ARRAY_SIZE(shadow.areas), "%u areas are too many", nr);
	if (nr)
		memcpy(shadow.areas, areas, nr * sizeof(*areas));
	devuser_emul_call(emul, emul_shadow, &shadow, sizeof(shadow));
}

struct emul_shadow_set {
	u64 offset;
	u32 size;
	u8 data[];
};

static long emul_shadow_set(struct devuser_emul *emul, void *arg)
{
	struct emul_shadow_set *set = arg;

	memcpy(emul->shadow + set->offset, set->data, set->size);
	return 0;
}

void devuser_emul_shadow_set(struct devuser_emul *emul, u64 offset, const void *data, u32 size)
{
	struct emul_shadow_set *set = calloc(1, sizeof(*set) + size);

	TEST_ASSERT(set, "Out of memory");
	set->offset = offset;
	set->size = size;
	memcpy(set->data, data, size);
	devuser_emul_call(emul, emul_shadow_set, set, sizeof(*set) + size);
	free(set);
}

void devuser_emul_kill(struct devuser_emul *emul)
{
	int status;

	if (!emul->pid)
		return;

	kill(emul->pid, SIGKILL);
	TEST_ASSERT(waitpid(emul->pid, &status, 0) == emul->pid, "waitpid() failed");
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "The emulator failed, status 0x%x", status);
	close(emul->sock);
	emul->pid = 0;
}

void devuser_emul_free(struct devuser_emul *emul)
{
	devuser_emul_kill(emul);
	munmap(emul->shared, sizeof(*emul->shared));
	free(emul);
}

void devuser_check_request(const struct kvm_dev_user_request *req, u8 type, u32 cpu,
			   u32 rid, u64 offset, u8 len)
{
	u64 beyond = req->len < 8 ? devuser_data(req) >> (8 * req->len) : 0;

	TEST_ASSERT_EQ(req->type, type);
	TEST_ASSERT_EQ(req->cpu, cpu);
	TEST_ASSERT_EQ(req->rid, rid);
	TEST_ASSERT_EQ(req->offset, offset);
	TEST_ASSERT_EQ(req->len, len);
	TEST_ASSERT_EQ(req->flags & ~KVM_DEV_USER_REPLAYED, 0);
	TEST_ASSERT_EQ(req->reserved, 0);
	TEST_ASSERT(!beyond, "Bytes beyond the length are set: 0x%lx", beyond);
	if (type == KVM_DEV_USER_LOAD)
		TEST_ASSERT_EQ(devuser_data(req), 0);
}

void devuser_check_log(struct devuser_emul *emul, u32 *next, u8 type, u32 cpu,
		       u32 rid, u64 offset, u8 len, u64 data)
{
	const struct kvm_dev_user_request *req = &emul->shared->log[*next];

	DEVUSER_WAIT(devuser_emul_nr(emul) > *next);
	devuser_check_request(req, type, cpu, rid, offset, len);
	if (type == KVM_DEV_USER_STORE)
		TEST_ASSERT_EQ(devuser_data(req), data);
	if (*next)
		TEST_ASSERT(req->seq > req[-1].seq, "Sequence numbers do not increase");
	++*next;
}

/* --- A VM with a user device ------------------------------------------------ */

void devuser_map(struct kvm_vm *vm)
{
	virt_map(vm, DEVUSER_GPA, DEVUSER_GPA, DEVUSER_PAGES);
	if (DEVUSER_PORTS_BASE)
		virt_map(vm, DEVUSER_PORTS_BASE, DEVUSER_PORTS_BASE, DEVUSER_PAGES);
}

struct devuser_vm *devuser_vm_create_for(struct devuser_emul *emul, u32 nr_vcpus,
					 void *guest_code)
{
	struct devuser_vm *dv = calloc(1, sizeof(*dv));
	u32 i;

	TEST_ASSERT(dv && nr_vcpus <= DEVUSER_VCPUS_MAX, "Cannot make %u vCPUs", nr_vcpus);
	dv->emul = emul;
	dv->nr_vcpus = nr_vcpus;
	dv->vm = vm_create_with_vcpus(nr_vcpus, guest_code, dv->vcpus);
	for (i = 0; i < nr_vcpus; i++)
		vcpu_args_set(dv->vcpus[i], 1, (u64)i);
	devuser_map(dv->vm);

	dv->master = devuser_create(dv->vm);
	devuser_emul_attach(dv->emul, devuser_slave_fd(dv->master, 0));
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	devuser_set_range(dv->master, DEVUSER_RID_PIO, DEVUSER_PORTS_FLAG,
			  DEVUSER_PORTS_BASE + DEVUSER_PORT, DEVUSER_PORT_LEN);
	return dv;
}

struct devuser_vm *devuser_vm_create(u32 nr_vcpus, void *guest_code)
{
	return devuser_vm_create_for(devuser_emul_start(), nr_vcpus, guest_code);
}

void devuser_vm_free(struct devuser_vm *dv)
{
	kvm_vm_free(dv->vm);
	close(dv->master);
	devuser_emul_free(dv->emul);
	free(dv);
}

u64 devuser_vcpu_run(struct kvm_vcpu *vcpu, struct ucall *uc)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, UCALL_EXIT_REASON);
	if (get_ucall(vcpu, uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(*uc);
	TEST_ASSERT(uc->cmd == UCALL_SYNC || uc->cmd == UCALL_DONE,
		    "Unexpected exit, port 0x%x", vcpu->run->io.port);
	return uc->cmd;
}

void devuser_vcpu_run_done(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	while (devuser_vcpu_run(vcpu, &uc) != UCALL_DONE)
		;
}

static void *devuser_vcpu_thread(void *vcpu)
{
	devuser_vcpu_run_done(vcpu);
	return NULL;
}

void devuser_vcpu_start(struct devuser_vm *dv, u32 index)
{
	int ret = pthread_create(&dv->threads[index], NULL, devuser_vcpu_thread,
				 dv->vcpus[index]);

	TEST_ASSERT(!ret, "pthread_create() failed: %s", strerror(ret));
}

void devuser_vcpu_join(struct devuser_vm *dv, u32 index)
{
	int ret = pthread_join(dv->threads[index], NULL);

	TEST_ASSERT(!ret, "pthread_join() failed: %s", strerror(ret));
}

void devuser_pin_between(pthread_t thread, int first, int last)
{
	cpu_set_t set;
	int cpu, ret;

	CPU_ZERO(&set);
	for (cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &set);
	ret = pthread_setaffinity_np(thread, sizeof(set), &set);
	TEST_ASSERT(!ret, "Cannot run on CPUs %d to %d: %s", first, last, strerror(ret));
}

void devuser_pin(pthread_t thread, int cpu)
{
	devuser_pin_between(thread, cpu, cpu);
}

static void *hog_thread(void *arg)
{
	struct devuser_hog *hog = arg;

	devuser_pin(pthread_self(), hog->cpu);
	while (!READ_ONCE(hog->ends))
		;
	return NULL;
}

void devuser_hog_start(struct devuser_hog *hog, int cpu)
{
	hog->cpu = cpu;
	hog->ends = false;
	TEST_ASSERT(!pthread_create(&hog->thread, NULL, hog_thread, hog),
		    "pthread_create() failed");
}

void devuser_hog_end(struct devuser_hog *hog)
{
	WRITE_ONCE(hog->ends, true);
	pthread_join(hog->thread, NULL);
}
