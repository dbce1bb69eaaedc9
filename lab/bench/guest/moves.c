// SPDX-License-Identifier: GPL-2.0-only
/*
 * In L2: DMA of an lsi53c895a behind a vIOMMU, by a script of memory moves.
 *
 * usage: moves WINDOW hit|miss COUNT MAX
 *
 * A script in the chip's own RAM has MAX moves of four bytes, each of which is a
 * read and a write.  Its last COUNT moves are made between the marks of WINDOW:
 * all of them after one another, without the guest.  For a hit, all pages were used
 * before; for a miss, what is read is in another page each time, which has been
 * unmapped and mapped since.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DRIVER		"/sys/bus/pci/drivers/vfio-pci"

/* Registers, and instructions */
#define DSTAT		0x0c
#define ISTAT0		0x14
#define ISTAT0_DIP	1
#define DSP		0x2c
#define MOVE_4		0xc0000004
#define INTERRUPT	0x98080000
#define MOVE_WORDS	3

#define PAGE		4096
#define TO		0x100000
/* No two of them make a larger page. */
#define FROM(i)		(0x10000000u + (i) * 2 * PAGE)

static int container, device;
static uint8_t *memory;
static volatile uint8_t *registers;
static volatile uint32_t *script;
static uint32_t script_address;

/* The one device that vfio-pci has: "0000:00:04.0" */
static const char *find_slot(void)
{
	static char slot[NAME_MAX + 1];
	struct dirent *entry;
	DIR *dir = opendir(DRIVER);

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "0000:", 5))
			strcpy(slot, entry->d_name);
	if (!slot[0])
		errx(1, "vfio-pci has no device");
	closedir(dir);
	return slot;
}

static void open_device(const char *slot)
{
	char link[PATH_MAX], path[PATH_MAX] = "";
	int group;

	snprintf(link, sizeof(link), DRIVER "/%s/iommu_group", slot);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		err(1, "%s", link);
	snprintf(link, sizeof(link), "/dev/vfio/%.16s", strrchr(path, '/') + 1);
	container = open("/dev/vfio/vfio", O_RDWR);
	group = open(link, O_RDWR);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(1, "%s", link);
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, slot);
	if (device < 0)
		err(1, "VFIO_GROUP_GET_DEVICE_FD");
}

static struct vfio_region_info region(unsigned int index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		err(1, "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

static void *map_bar(unsigned int index)
{
	struct vfio_region_info info = region(index);
	void *bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, info.offset);

	if (bar == MAP_FAILED)
		err(1, "BAR %u", index);
	return bar;
}

/* Where the guest has put BAR 2: the chip knows its RAM by that. */
static uint32_t address_of_ram(const char *slot)
{
	unsigned long long start[3];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), DRIVER "/%s/resource", slot);
	file = fopen(path, "r");
	for (int i = 0; i < 3; i++)
		if (!file || fscanf(file, "%llx %*x %*x", &start[i]) != 1)
			errx(1, "%s: no BAR 2", path);
	fclose(file);
	return start[2];
}

static void be_bus_master(void)
{
	uint64_t at = region(VFIO_PCI_CONFIG_REGION_INDEX).offset + PCI_COMMAND;
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (pwrite(device, &command, sizeof(command), at) != sizeof(command))
		err(1, "PCI_COMMAND");
}

/* The page of that number, of memory, at an address of the device's */
static void map_page(unsigned int page, uint32_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory + page * PAGE,
		.iova = iova,
		.size = PAGE,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		err(1, "VFIO_IOMMU_MAP_DMA");
}

static void unmap_page(uint32_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = PAGE,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) || unmap.size != PAGE)
		err(1, "VFIO_IOMMU_UNMAP_DMA");
}

/* Move i is from a page of its own, the i'th after the one that they all go to. */
static void write_script(unsigned int max)
{
	volatile uint32_t *word = script;

	for (unsigned int i = 0; i < max; i++) {
		*word++ = MOVE_4;
		*word++ = FROM(i);
		*word++ = TO + i * sizeof(uint32_t);
		memcpy(memory + (i + 1) * PAGE, &(uint32_t){ i + 1 }, sizeof(uint32_t));
	}
	*word++ = INTERRUPT;
	*word = 0;
}

/* A vCPU that looks for the end, or that its host has look for it, would be counted. */
static void run_script(unsigned int first)
{
	*(volatile uint32_t *)(registers + DSP) =
		script_address + first * MOVE_WORDS * sizeof(uint32_t);
	do
		usleep(100000);
	while (!(registers[ISTAT0] & ISTAT0_DIP));
	(void)registers[DSTAT];
}

static void check_moved(unsigned int max)
{
	for (unsigned int i = 0; i < max; i++)
		if (((uint32_t *)memory)[i] != i + 1)
			errx(1, "move %u was not made", i);
	memset(memory, 0, PAGE);
}

static void mark(const char *which, const char *window)
{
	char command[256];

	snprintf(command, sizeof(command), "/lab/at %s %s", which, window);
	if (system(command))
		errx(1, "%s", command);
}

static void prepare(unsigned int max)
{
	const char *slot = find_slot();

	open_device(slot);
	be_bus_master();
	registers = map_bar(1);
	script = map_bar(2);
	script_address = address_of_ram(slot);
	memory = mmap(NULL, (max + 1) * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	map_page(0, TO);
	for (unsigned int i = 0; i < max; i++)
		map_page(i + 1, FROM(i));
	write_script(max);
}

int main(int argc, char *argv[])
{
	unsigned int count, max;

	if (argc != 5)
		errx(1, "give WINDOW hit|miss COUNT MAX");
	count = atoi(argv[3]);
	max = atoi(argv[4]);
	prepare(max);
	run_script(0);
	check_moved(max);
	for (unsigned int i = 0; i < max && !strcmp(argv[2], "miss"); i++) {
		unmap_page(FROM(i));
		map_page(i + 1, FROM(i));
	}
	mark("begin", argv[1]);
	run_script(max - count);
	mark("end", argv[1]);
	for (unsigned int i = 0; i < max - count; i++)
		((uint32_t *)memory)[i] = i + 1;
	check_moved(max);
	return 0;
}
