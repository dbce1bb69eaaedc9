/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fixture that does each test twice, by the system calls of a 64-bit and of a
 * 32-bit process.  For the devuser_abi* tests only.
 */
#ifndef SELFTEST_KVM_DEVUSER_ABI_H
#define SELFTEST_KVM_DEVUSER_ABI_H

#include <sys/wait.h>

#include "devuser_util.h"
#include "kvm_test_harness.h"

#define BAD_ADDRESS	8	/* mapped by nobody, and not NULL */

/* --- System calls of a 64-bit and of a 32-bit process ----------------------- */

struct syscalls {
	long (*ioctl)(int fd, unsigned long cmd, void *arg);
	long (*read)(int fd, void *buf, size_t size);
	long (*write)(int fd, const void *buf, size_t size);
	bool (*present)(void);
};

static long native_ioctl(int fd, unsigned long cmd, void *arg)
{
	return devuser_ioctl(fd, cmd, arg);
}

static long native_read(int fd, void *buf, size_t size)
{
	return devuser_ret(read(fd, buf, size));
}

static long native_write(int fd, const void *buf, size_t size)
{
	return devuser_ret(write(fd, buf, size));
}

static bool native_present(void)
{
	return true;
}

static const struct syscalls native = {
	native_ioctl, native_read, native_write, native_present,
};

#ifdef __x86_64__

/* Numbers of the 32-bit table, which 64-bit headers do not have. */
#define I386_READ	3
#define I386_WRITE	4
#define I386_GETPID	20
#define I386_IOCTL	54

/* What a 32-bit process does; pointers have to lie below 4 GiB. */
static long i386_syscall(unsigned int nr, unsigned int a, unsigned long b, unsigned long c)
{
	long ret;

	TEST_ASSERT(b <= ~0U && c <= ~0U, "Not for a 32-bit system call: 0x%lx, 0x%lx", b, c);
	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "0"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static long i386_ioctl(int fd, unsigned long cmd, void *arg)
{
	return i386_syscall(I386_IOCTL, fd, cmd, (unsigned long)arg);
}

static long i386_read(int fd, void *buf, size_t size)
{
	return i386_syscall(I386_READ, fd, (unsigned long)buf, size);
}

static long i386_write(int fd, const void *buf, size_t size)
{
	return i386_syscall(I386_WRITE, fd, (unsigned long)buf, size);
}

/* A kernel without 32-bit system calls kills the caller. */
static bool i386_present(void)
{
	int status;
	pid_t pid;

	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		_exit(i386_syscall(I386_GETPID, 0, 0, 0) != getpid());

	TEST_ASSERT(waitpid(pid, &status, 0) == pid, "waitpid() failed");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static const struct syscalls i386 = {
	i386_ioctl, i386_read, i386_write, i386_present,
};

#else
#define MAP_32BIT	0
#endif

/* The system calls of the test in progress. */
static const struct syscalls *sys;

/* The end of a page below 4 GiB that nothing follows. */
static u8 *page_end;

static void abi_map_page(void)
{
	u8 *pages = mmap(NULL, 2 * SZ_4K, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	TEST_ASSERT(pages != MAP_FAILED, "mmap() failed");
	page_end = pages + SZ_4K;
	munmap(page_end, SZ_4K);
}

/*
 * An ioctl whose argument ends where the page does, so that a kernel that reads
 * or writes more than it was told gets EFAULT.
 */
static long abi_ioctl(int fd, unsigned long cmd, void *arg, size_t size)
{
	long ret;

	memcpy(page_end - size, arg, size);
	ret = sys->ioctl(fd, cmd, page_end - size);
	memcpy(arg, page_end - size, size);
	return ret;
}

#define ABI_IOCTL(fd, cmd, arg)							\
({										\
	typeof(arg) __arg = (arg);						\
										\
	abi_ioctl(fd, cmd, __arg, sizeof(*__arg));				\
})

FIXTURE(abi) {
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int master;
};

FIXTURE_VARIANT(abi) {
	const struct syscalls *sys;
};

FIXTURE_VARIANT_ADD(abi, native) {
	.sys = &native,
};

#ifdef __x86_64__
FIXTURE_VARIANT_ADD(abi, i386) {
	.sys = &i386,
};
#endif

FIXTURE_SETUP(abi)
{
	sys = variant->sys;
	if (!sys->present())
		SKIP(return, "This kernel has no such system calls");

	abi_map_page();
	self->vm = vm_create_with_one_vcpu(&self->vcpu, NULL);
	virt_map(self->vm, DEVUSER_GPA, DEVUSER_GPA, DEVUSER_PAGES);
	self->master = devuser_create(self->vm);
}

FIXTURE_TEARDOWN(abi)
{
	close(self->master);
	kvm_vm_free(self->vm);
}

#endif /* SELFTEST_KVM_DEVUSER_ABI_H */
