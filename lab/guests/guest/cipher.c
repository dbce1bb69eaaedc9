// SPDX-License-Identifier: GPL-2.0
/* Encrypt the first block of NIST SP 800-38A, F.2.1, with the device's own cipher. */
#include <linux/if_alg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 16

static const unsigned char key[BLOCK] = {
	0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
	0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
};
static const unsigned char plain[BLOCK] = {
	0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
	0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
};

static int die(const char *what)
{
	perror(what);
	return 1;
}

int main(void)
{
	struct sockaddr_alg name = {
		.salg_family = AF_ALG,
		.salg_type = "skcipher",
		.salg_name = "virtio_crypto_aes_cbc",
	};
	char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct af_alg_iv) + BLOCK)] = {};
	struct iovec data = { (void *)plain, BLOCK };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int cipher = socket(AF_ALG, SOCK_SEQPACKET, 0), operation;
	unsigned char result[BLOCK];
	struct af_alg_iv *vector;

	if (bind(cipher, (struct sockaddr *)&name, sizeof(name)))
		return die("bind");
	if (setsockopt(cipher, SOL_ALG, ALG_SET_KEY, key, sizeof(key)))
		return die("key");
	operation = accept(cipher, NULL, 0);
	if (operation < 0)
		return die("accept");

	header->cmsg_level = SOL_ALG;
	header->cmsg_type = ALG_SET_OP;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)CMSG_DATA(header) = ALG_OP_ENCRYPT;

	header = CMSG_NXTHDR(&message, header);
	header->cmsg_level = SOL_ALG;
	header->cmsg_type = ALG_SET_IV;
	header->cmsg_len = CMSG_LEN(sizeof(*vector) + BLOCK);
	vector = (struct af_alg_iv *)CMSG_DATA(header);
	vector->ivlen = BLOCK;
	for (int i = 0; i < BLOCK; i++)
		vector->iv[i] = i;

	if (sendmsg(operation, &message, 0) != BLOCK)
		return die("send");
	if (read(operation, result, BLOCK) != BLOCK)
		return die("read");
	for (int i = 0; i < BLOCK; i++)
		printf("%02x", result[i]);
	return 0;
}
