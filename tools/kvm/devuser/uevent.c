// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uevents are no netlink messages: they have no header. So libnl gives the socket, and
 * hands over what arrives as it is.
 */
#include <errno.h>
#include <string.h>

#include <glib-unix.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "uevent.h"

/* That of the kernel; udev's own is another. */
#define GROUP		1
#define BUFFER_BYTES	(1024 * 1024)

/* One that floods the socket must not keep the main loop from all else. */
#define MESSAGES_MAX	64

struct uevents {
	struct nl_sock *socket;
	unsigned int source;
	uevents_fn *fn;
	void *data;
};

/* The value of a key; the message ends with a zero byte. */
static const char *field(const char *message, size_t size, const char *key)
{
	const char *end = message + size, *text;
	size_t length = strlen(key);

	for (text = message; text < end; text += strlen(text) + 1)
		if (!strncmp(text, key, length) && text[length] == '=')
			return text + length + 1;

	return NULL;
}

bool uevent_is_of_kvm(const char *message, size_t size)
{
	const char *path;

	if (!size || message[size - 1])
		return false;
	path = field(message, size, "DEVPATH");
	return path && (!strcmp(path, "/devices/virtual/misc/kvm") ||
			!strcmp(path, "/module/kvm") ||
			!strcmp(path, "/module/kvm_amd") ||
			!strcmp(path, "/module/kvm_intel"));
}

/* false at the end of what there is. */
static bool receive(struct uevents *uevents, bool *broken)
{
	struct sockaddr_nl sender;
	unsigned char *message = NULL;
	int size = nl_recv(uevents->socket, &sender, &message, NULL);

	if (size > 0) {
		/* Other processes may send as well. */
		if (!sender.nl_pid && uevent_is_of_kvm((char *)message, size))
			uevents->fn(UEVENTS_KVM, uevents->data);
		free(message);
		return true;
	}
	if (size == -NLE_NOMEM) {
		uevents->fn(UEVENTS_OVERRUN, uevents->data);
		return true;
	}
	*broken = size && size != -NLE_AGAIN;
	return false;
}

static gboolean readable(int fd, GIOCondition condition, gpointer data)
{
	struct uevents *uevents = data;
	unsigned int i;
	bool broken = false;

	for (i = 0; i < MESSAGES_MAX; i++)
		if (!receive(uevents, &broken))
			break;
	if (!broken)
		return G_SOURCE_CONTINUE;

	uevents->source = 0;
	uevents->fn(UEVENTS_BROKEN, uevents->data);
	return G_SOURCE_REMOVE;
}

static int connect_socket(struct nl_sock *socket)
{
	int result;

	nl_join_groups(socket, GROUP);
	result = nl_connect(socket, NETLINK_KOBJECT_UEVENT);
	if (result < 0)
		return result;
	/* Less than asked for is no error. */
	nl_socket_set_buffer_size(socket, BUFFER_BYTES, 0);
	nl_socket_enable_msg_peek(socket);
	return nl_socket_set_nonblocking(socket);
}

struct uevents *uevents_new(uevents_fn *fn, void *data, GError **error)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct uevents *uevents;
	int result = socket ? connect_socket(socket) : -NLE_NOMEM;

	if (result < 0) {
		g_set_error(error, g_quark_from_static_string("uevent"), 0,
			    "no uevents can be received: %s", nl_geterror(result));
		nl_socket_free(socket);
		return NULL;
	}
	uevents = g_new0(struct uevents, 1);
	uevents->socket = socket;
	uevents->fn = fn;
	uevents->data = data;
	uevents->source = g_unix_fd_add(nl_socket_get_fd(socket), G_IO_IN | G_IO_ERR | G_IO_HUP,
					readable, uevents);
	return uevents;
}

void uevents_free(struct uevents *uevents)
{
	if (!uevents)
		return;
	if (uevents->source)
		g_source_remove(uevents->source);
	nl_socket_free(uevents->socket);
	g_free(uevents);
}

int uevents_fd(const struct uevents *uevents)
{
	return nl_socket_get_fd(uevents->socket);
}
