// SPDX-License-Identifier: GPL-2.0
/*
 * One thing that a process should not be able to do, in the domain that it was
 * started in: prints what became of it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int attempt_read(const char *path)
{
	return open(path, O_RDONLY);
}

static int attempt_write(const char *path)
{
	return open(path, O_RDWR);
}

static int attempt_memory(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	return open(path, O_RDWR);
}

static int attempt_vm_write(const char *pid)
{
	char byte = 0;
	struct iovec local = { &byte, 1 };
	struct iovec remote = { (void *)(uintptr_t)0x400000, 1 };

	return process_vm_writev(atoi(pid), &local, 1, &remote, 1, 0);
}

static int attempt_trace(const char *pid)
{
	return ptrace(PTRACE_ATTACH, atoi(pid), NULL, NULL);
}

static int attempt_kill(const char *pid)
{
	return kill(atoi(pid), SIGKILL);
}

static int attempt_tcp(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? fd : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

/* An abstract one: a file would have permissions of its own. */
static int attempt_unix(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path + 1, name, sizeof(address.sun_path) - 2);
	return fd < 0 ? fd : connect(fd, (struct sockaddr *)&address, len);
}

static int attempt_packet(const char *unused)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int attempt_netlink(const char *unused)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int attempt_exec(const char *path)
{
	return execl(path, path, "-c", "echo done", NULL);
}

static int attempt_mount(const char *path)
{
	return mount("none", path, "tmpfs", 0, NULL);
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} attempts[] = {
	{ "read", attempt_read },
	{ "write", attempt_write },
	{ "memory", attempt_memory },
	{ "vm-write", attempt_vm_write },
	{ "trace", attempt_trace },
	{ "kill", attempt_kill },
	{ "tcp", attempt_tcp },
	{ "unix", attempt_unix },
	{ "packet", attempt_packet },
	{ "netlink", attempt_netlink },
	{ "exec", attempt_exec },
	{ "mount", attempt_mount },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 3 && i < sizeof(attempts) / sizeof(*attempts); i++) {
		if (strcmp(argv[1], attempts[i].name))
			continue;
		puts(attempts[i].run(argv[2]) < 0 ? strerror(errno) : "done");
		return 0;
	}
	fprintf(stderr, "usage: attempt WHAT ARGUMENT\n");
	return 2;
}
