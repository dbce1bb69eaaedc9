// SPDX-License-Identifier: GPL-2.0
/*
 * Takes the filter of a process from the kernel, and tries with it each system call.
 *
 * usage: calls PID
 *        calls none
 *
 * In the second case the filter is one that allows nothing but an end: what lives then
 * is what the kernel lets through any filter.  A child for each number has the filter, and
 * makes the call once with arguments that are all ones, which are no descriptor, no
 * address, and no command.  What is printed is the number, and what became of the child:
 * "killed", or "lives" with the errno, or "ends" with a signal that the call has brought.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 512
#define X32 0x40000000

static struct sock_filter filter[32768];
static struct sock_fprog program = { .filter = filter };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void take_filter(pid_t pid)
{
	long count;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, __WALL) != pid)
		die("cannot attach");
	count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, filter);
	if (count <= 0)
		die("cannot get the filter");
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 1, NULL) >= 0)
		die("there is a second filter");
	ptrace(PTRACE_DETACH, pid, 0, 0);
	program.len = count;
}

static void make_filter(void)
{
	const struct sock_filter end_only[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};

	memcpy(filter, end_only, sizeof(end_only));
	program.len = sizeof(end_only) / sizeof(end_only[0]);
}

/* In a child: what the call ends with, but for 0, which is a call that was made */
static void make(long number)
{
	long ret;

	alarm(2);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		_exit(255);
	ret = syscall(number, -1, -1, -1, -1, -1, -1);
	_exit(ret < 0 ? errno : 0);
}

static void try(long number)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		make(number);
	if (waitpid(pid, &status, 0) != pid)
		die("cannot wait");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		printf("%ld killed\n", number);
	else if (WIFSIGNALED(status))
		printf("%ld ends %d\n", number, WTERMSIG(status));
	else
		printf("%ld lives %d\n", number, WEXITSTATUS(status));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "none"))
		make_filter();
	else
		take_filter(atoi(argv[1]));
	for (long number = 0; number < NUMBERS; number++)
		try(number);
	for (long number = 0; number < NUMBERS; number++)
		try(X32 | number);
	return 0;
}
