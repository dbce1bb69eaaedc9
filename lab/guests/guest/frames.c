// SPDX-License-Identifier: GPL-2.0
/* frames FROM TO: set both CAN adapters up, send frames in both directions, compare. */
#include <linux/can.h>
#include <linux/can/netlink.h>
#include <linux/can/raw.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES 50
#define BITRATE 500000
#define PATIENCE_MS 10000

struct request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[256];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct rtattr *add(struct request *request, int type, const void *data, int length)
{
	struct rtattr *attribute = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void close_nest(struct request *request, struct rtattr *nest)
{
	nest->rta_len = (char *)request + request->header.nlmsg_len - (char *)nest;
}

/* What "ip link set NAME up type can bitrate N" does */
static void set_up(int index)
{
	struct can_bittiming timing = { .bitrate = BITRATE };
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.link = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
	};
	struct { struct nlmsghdr header; struct nlmsgerr error; char rest[512]; } answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct rtattr *info = add(&request, IFLA_LINKINFO, NULL, 0), *data;

	add(&request, IFLA_INFO_KIND, "can", 3);
	data = add(&request, IFLA_INFO_DATA, NULL, 0);
	add(&request, IFLA_CAN_BITTIMING, &timing, sizeof(timing));
	close_nest(&request, data);
	close_nest(&request, info);
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		die("netlink");
	if (answer.error.error) {
		fprintf(stderr, "cannot set the adapter up: %s\n", strerror(-answer.error.error));
		exit(1);
	}
	close(fd);
}

static int open_adapter(const char *name)
{
	struct sockaddr_can address = { .can_family = AF_CAN, .can_ifindex = if_nametoindex(name) };
	int fd = socket(AF_CAN, SOCK_RAW, CAN_RAW);

	set_up(address.can_ifindex);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
	return fd;
}

static void pass(int from, int to, int number)
{
	struct can_frame sent = { .can_id = 0x100 + number, .can_dlc = CAN_MAX_DLEN }, received = {};
	struct pollfd wait = { .fd = to, .events = POLLIN };

	for (int i = 0; i < CAN_MAX_DLEN; i++)
		sent.data[i] = rand();
	if (write(from, &sent, sizeof(sent)) != sizeof(sent))
		die("write");
	if (poll(&wait, 1, PATIENCE_MS) != 1 || read(to, &received, sizeof(received)) != sizeof(received))
		die("read");
	if (memcmp(&sent, &received, sizeof(sent))) {
		fprintf(stderr, "frame %d came as another one\n", number);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int one, other;

	if (argc != 3)
		return 2;
	one = open_adapter(argv[1]);
	other = open_adapter(argv[2]);
	for (int i = 0; i < FRAMES; i++) {
		pass(one, other, i);
		pass(other, one, i);
	}
	printf("%d", 2 * FRAMES);
	return 0;
}
