// SPDX-License-Identifier: GPL-2.0-only
/*
 * In L2: loads or stores of one byte of a device's BAR.
 *
 * usage: access /sys/bus/pci/devices/.../resourceN OFFSET load|store COUNT
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	unsigned long i, offset, count, page = sysconf(_SC_PAGESIZE);
	volatile uint8_t *bar, *reg;
	uint8_t wanted;
	int fd;

	if (argc != 5 || (fd = open(argv[1], O_RDWR | O_SYNC)) < 0) {
		perror("access");
		return 1;
	}
	offset = strtoul(argv[2], NULL, 0);
	count = strtoul(argv[4], NULL, 0);
	bar = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset & ~(page - 1));
	if (bar == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	reg = bar + offset % page;

	/* A register that does not keep what it is given is not the one that is meant. */
	wanted = *reg;
	if (!strcmp(argv[3], "load"))
		for (i = 0; i < count && *reg == wanted; i++)
			;
	else
		for (i = 0; i < count; i++)
			*reg = wanted = i;
	return *reg != wanted;
}
