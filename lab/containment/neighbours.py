# SPDX-License-Identifier: GPL-2.0
"""Two other devices of the machine, whose I/O is checked: an IDE disk in QEMU, and an
"edu", which does DMA, in a second process if the attacked device is in one."""

import os

import pci

SLOT = 5
NAME = "neighbour"

DATA, COUNT, LBA, DRIVE, STATUS = 0x1f0, 0x1f2, 0x1f3, 0x1f6, 0x1f7
READ_SECTOR, WRITE_SECTOR, FLUSH = 0x20, 0x30, 0xe7
BUSY, DATA_WANTED = 0x80, 0x08
SECTOR = 512

SOURCE, DESTINATION, LENGTH, COMMAND = 0x80, 0x88, 0x90, 0x98
RUN, TO_RAM = 1, 2
OWN_BUFFER = 0x40000


class Disk:
    def __init__(self, guest):
        self.guest = guest

    def command(self, number, lba, ready):
        for port, value in ((DRIVE, 0xe0), (COUNT, 1), (LBA, lba), (LBA + 1, 0), (LBA + 2, 0),
                            (STATUS, number)):
            self.guest.qtest("outb", port, value)
        return self.guest.poll(lambda: self.status() & (BUSY | DATA_WANTED) == ready)

    def status(self):
        return int(self.guest.qtest("inb", STATUS)[0], 16)

    def write(self, lba, data):
        if not self.command(WRITE_SECTOR, lba, DATA_WANTED):
            return False
        for at in range(0, SECTOR, 2):
            self.guest.qtest("outw", DATA, int.from_bytes(data[at:at + 2], "little"))
        return self.command(FLUSH, lba, 0)

    def read(self, lba):
        if not self.command(READ_SECTOR, lba, DATA_WANTED):
            return b""
        words = (self.guest.qtest("inw", DATA)[0] for _ in range(SECTOR // 2))
        return b"".join(int(word, 16).to_bytes(2, "little") for word in words)


class Edu:
    def __init__(self, guest):
        self.guest = guest
        self.bar = pci.Function(guest, SLOT, 0xf0000000, 0xe000).bars[0]

    def copy(self, source, destination, size, flags=0):
        for register, value in ((SOURCE, source), (DESTINATION, destination), (LENGTH, size),
                                (COMMAND, RUN | flags)):
            self.bar.write(register, value, 8)
        return self.guest.poll(lambda: not self.bar.read(COMMAND, 8) & RUN)


class Neighbours:
    def __init__(self, guest):
        self.guest, self.disk, self.edu = guest, Disk(guest), Edu(guest)
        self.lba = 0

    def fault(self):
        """What is wrong with them, None if they do what they should."""
        data = os.urandom(SECTOR)
        self.lba += 1
        if not self.disk.write(self.lba, data):
            return "the disk does not write"
        if self.disk.read(self.lba) != data:
            return "the disk does not read what was written"
        with open(self.guest.disk_file, "rb") as image:
            image.seek(self.lba * SECTOR)
            if image.read(SECTOR) != data:
                return "the disk's image has not what was written"
        source, destination = self.guest.memory(data), self.guest.alloc(SECTOR)
        if not (self.edu.copy(source, OWN_BUFFER, SECTOR) and
                self.edu.copy(OWN_BUFFER, destination, SECTOR, TO_RAM)):
            return "the DMA of the device in the other process does not end"
        if self.guest.get(destination, SECTOR) != data:
            return "the DMA of the device in the other process has moved other bytes"
        return None
