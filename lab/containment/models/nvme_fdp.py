# SPDX-License-Identifier: GPL-2.0
"""QEMU's NVMe controller, with flexible data placement"""

from models.nvme import PROBE, admin

DEVICES = ("nvme,serial=1,subsys=subsystem", "nvme-ns,bus=dut,drive=disk,fdp.ruhs=0")
# A subsystem is no device that is behind another one.
BACKENDS = ("-device nvme-subsys,id=subsystem,fdp=on,fdp.nruh=4",
            "-blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on")

GET_LOG = 0x02
EVENTS = 0x23
SIZE = 4096
BEHIND = 128


def cve_2023_4135(guest):
    """A log of 64 bytes is to be read from behind its end on.  Returns what was there."""
    return admin(guest, GET_LOG, 0, ((SIZE // 4 - 1) << 16 | EVENTS, 1 << 16, BEHIND, 0, 0, 0),
                 ).strip(b"\0")
