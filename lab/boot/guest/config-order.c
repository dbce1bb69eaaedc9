// SPDX-License-Identifier: GPL-2.0
/*
 * In L2, as root, on an e1000e or its like that no driver uses: PCI orders a
 * store before a configuration access that follows it, so a read of the Status
 * register has to see what the stores before it did to the interrupt line.
 *
 *	usage: config-order /sys/bus/pci/devices/ADDRESS
 *
 * The stores that matter come after many that do nothing, so that an access that
 * takes another way to the device would get there first.
 */

#include <err.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAR_SIZE	0x20000
#define ICR		0x000c0
#define ICS		0x000c8
#define IMS		0x000d0
#define IMC		0x000d8
#define MTA		0x05200		/* the multicast table: plain memory */
#define CAUSE		0x4		/* link status change */

#define ROUNDS		100
#define STORES		600

struct device {
	volatile uint8_t *bar;
	int config;
};

static int open_in(const char *folder, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void open_device(struct device *device, const char *folder)
{
	int enable = open_in(folder, "enable");
	int resource = open_in(folder, "resource0");

	if (write(enable, "1", 1) != 1)
		err(1, "cannot enable %s", folder);
	device->config = open_in(folder, "config");
	device->bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, resource, 0);
	if (device->bar == MAP_FAILED)
		err(1, "cannot map BAR 0 of %s", folder);
}

static void store(struct device *device, unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(device->bar + offset) = value;
}

static uint16_t config_read(struct device *device, unsigned int offset)
{
	uint16_t value;

	if (pread(device->config, &value, sizeof(value), offset) != sizeof(value))
		err(1, "cannot read the configuration");
	return value;
}

/* The line is looked at, and nobody is to be interrupted. */
static void disable_intx(struct device *device)
{
	uint16_t command = config_read(device, PCI_COMMAND) | PCI_COMMAND_INTX_DISABLE;

	if (pwrite(device->config, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err(1, "cannot write the configuration");
}

static void keep_busy(struct device *device)
{
	for (unsigned int i = 0; i < STORES; i++)
		store(device, MTA + i % 128 * 4, i);
}

static int is_raised(struct device *device)
{
	return !!(config_read(device, PCI_STATUS) & PCI_STATUS_INTERRUPT);
}

static int raise_and_look(struct device *device)
{
	keep_busy(device);
	store(device, IMS, CAUSE);
	store(device, ICS, CAUSE);
	return is_raised(device);
}

static int lower_and_look(struct device *device)
{
	keep_busy(device);
	store(device, IMC, ~0);
	store(device, ICR, ~0);
	return is_raised(device);
}

int main(int argc, char **argv)
{
	struct device device;
	unsigned int overtaken = 0;

	if (argc != 2)
		errx(2, "usage: config-order /sys/bus/pci/devices/ADDRESS");
	open_device(&device, argv[1]);
	disable_intx(&device);
	lower_and_look(&device);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		overtaken += !raise_and_look(&device);
		overtaken += lower_and_look(&device);
	}
	if (overtaken)
		errx(1, "%u of %u configuration reads overtook posted stores",
		     overtaken, 2 * ROUNDS);
	printf("%u\n", 2 * ROUNDS);
	return 0;
}
