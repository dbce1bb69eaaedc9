// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM for the tests in a virtual machine: makes user devices, and processes that serve
 * them, as its standard input says. It answers each line with one of its own.
 *
 *   device			makes one: "device N"
 *   slave N [hold|uevent]	makes a slave, and a process that serves it: "pid PID"
 *   own N [hold|uevent]	makes a slave that this process keeps; "uevent" has the
 *				kernel tell of a failure, where it can
 *   access N ROUNDS		the guest stores and loads once in each round
 *   timeout N MILLISECONDS
 *   revoke N
 *   many N COUNT		that many more descriptors of the master
 *   close N			closes the master
 *   fly N			nothing is left of the VM but a slave, in flight in a socket
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../../include/uapi/linux/kvm_devuser.h"

#ifndef KVM_DEV_TYPE_USER
#define KVM_DEV_TYPE_USER	17	/* headers older than the device */
#endif

#ifndef KVM_DEV_USER_SLAVE_UEVENT
#define KVM_DEV_USER_SLAVE_UEVENT	0x4	/* of a kernel that tells of failures */
#endif

#define CODE		0x1000
#define MEMORY		0x2000
#define FIRST_RANGE	0x8000
#define RANGE_SIZE	0x100
#define DEVICES_MAX	32

static int vm, vcpu;
static struct kvm_run *run;
static size_t run_size;
static int masters[DEVICES_MAX];
static unsigned int nr_masters;

static void fail(const char *what)
{
	fprintf(stderr, "vmm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

static void answer(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

/* In real mode: store a byte where bx points, load it, and tell the VMM. */
static const unsigned char code[] = { 0x88, 0x07, 0x8a, 0x07, 0xf4 };

static void make_vm(void)
{
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	void *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = MEMORY,
		.userspace_addr = (unsigned long)memory,
	};

	if (memory == MAP_FAILED)
		fail("memory");
	memcpy((char *)memory + CODE, code, sizeof(code));
	vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		fail("kvm_run");
	close(kvm);
}

static unsigned long range_of(unsigned int device)
{
	return FIRST_RANGE + device * RANGE_SIZE;
}

static void make_device(void)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_USER };
	struct kvm_dev_user_pa_range range = {
		.size = sizeof(range),
		.addr = range_of(nr_masters),
		.len = RANGE_SIZE,
	};

	if (nr_masters == DEVICES_MAX) {
		errno = ENOSPC;
		fail("device");
	}
	check(ioctl(vm, KVM_CREATE_DEVICE, &device), "KVM_CREATE_DEVICE");
	check(ioctl(device.fd, KVM_DEV_USER_PA_RANGE, &range), "KVM_DEV_USER_PA_RANGE");
	masters[nr_masters] = device.fd;
	answer("device %u", nr_masters++);
}

static unsigned int slave_flags(const char *option)
{
	if (!strcmp(option, "hold"))
		return KVM_DEV_USER_SLAVE_HOLD;
	return strcmp(option, "uevent") ? 0 : KVM_DEV_USER_SLAVE_UEVENT;
}

/* A kernel that tells of no failure refuses to be asked for it. */
static int make_slave(int master, unsigned int flags)
{
	struct kvm_dev_user_slave arg = { .size = sizeof(arg), .flags = flags };
	int slave = ioctl(master, KVM_DEV_USER_SLAVE_FD, &arg);

	if (slave < 0 && errno == EINVAL && flags & KVM_DEV_USER_SLAVE_UEVENT)
		return make_slave(master, flags & ~KVM_DEV_USER_SLAVE_UEVENT);
	return check(slave, "KVM_DEV_USER_SLAVE_FD");
}

/* Lives until it is killed, even when it has nothing to serve any more. */
static void serve(int slave)
{
	struct kvm_dev_user_request request;

	prctl(PR_SET_NAME, "a slave \033[1m");
	check(dup2(slave, 0), "dup2");
	/* Nor its output: who reads that wants to see the VMM's end. */
	close_range(1, ~0U, 0);
	while (read(0, &request, sizeof(request)) == sizeof(request))
		if (write(0, &request, sizeof(request)) != sizeof(request))
			break;
	for (;;)
		pause();
}

static void start_slave(int master, unsigned int flags)
{
	int slave = make_slave(master, flags);
	pid_t pid = check(fork(), "fork");

	if (!pid)
		serve(slave);
	close(slave);
	answer("pid %d", pid);
}

static void run_once(void)
{
	while (ioctl(vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			fail("KVM_RUN");
	if (run->exit_reason != KVM_EXIT_HLT) {
		fprintf(stderr, "vmm: exit %u\n", run->exit_reason);
		exit(1);
	}
}

static void access_device(unsigned int device, unsigned int rounds)
{
	struct kvm_regs regs = { .rip = CODE, .rbx = range_of(device), .rflags = 2 };
	struct kvm_sregs sregs;
	unsigned int i;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	for (i = 0; i < rounds; i++) {
		check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
		run_once();
	}
	answer("done");
}

static void set_timeout(int master, unsigned int milliseconds)
{
	struct kvm_dev_user_timeout timeout = {
		.size = sizeof(timeout),
		.timeout_ns = milliseconds * 1000000ULL,
	};

	check(ioctl(master, KVM_DEV_USER_TIMEOUT, &timeout), "KVM_DEV_USER_TIMEOUT");
	answer("done");
}

static void revoke_slave(int master)
{
	struct kvm_dev_user_revoke arg = { .size = sizeof(arg) };

	check(ioctl(master, KVM_DEV_USER_REVOKE, &arg), "KVM_DEV_USER_REVOKE");
	answer("done");
}

static void make_many(int master, unsigned int count)
{
	while (count--)
		check(dup(master), "dup");
	answer("done");
}

/* Into a socket from which nobody takes it. */
static void send_away(int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int sockets[2];

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	check(sendmsg(sockets[0], &message, 0), "sendmsg");
	close(fd);
}

static void fly(int master)
{
	send_away(make_slave(master, 0));
	while (nr_masters)
		close(masters[--nr_masters]);
	munmap(run, run_size);
	close(vcpu);
	close(vm);
	answer("done");
}

static void obey(const char *line)
{
	unsigned int device = 0, number;
	char word[16], option[16] = "";
	int master;

	if (sscanf(line, "%15s %u %15s", word, &device, option) < 1)
		return;
	number = strtoul(option, NULL, 10);
	if (!strcmp(word, "device")) {
		make_device();
		return;
	}
	if (device >= nr_masters) {
		errno = ENODEV;
		fail(line);
	}
	master = masters[device];
	if (!strcmp(word, "slave")) {
		start_slave(master, slave_flags(option));
	} else if (!strcmp(word, "own")) {
		make_slave(master, slave_flags(option));
		answer("done");
	} else if (!strcmp(word, "access")) {
		access_device(device, number);
	} else if (!strcmp(word, "timeout")) {
		set_timeout(master, number);
	} else if (!strcmp(word, "revoke")) {
		revoke_slave(master);
	} else if (!strcmp(word, "many")) {
		make_many(master, number);
	} else if (!strcmp(word, "close")) {
		close(master);
		answer("done");
	} else if (!strcmp(word, "fly")) {
		fly(master);
	} else {
		errno = EINVAL;
		fail(line);
	}
}

int main(void)
{
	char line[64];

	signal(SIGCHLD, SIG_IGN);
	make_vm();
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
