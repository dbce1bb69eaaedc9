# SPDX-License-Identifier: GPL-2.0
"""QEMU's NVMe controller"""

import struct

DEVICES = ("nvme,serial=1,drive=disk",)
BACKENDS = ("-blockdev driver=null-co,node-name=disk,size=1048576,read-zeroes=on",)
# CAP
PROBE = 0, 0x0

CC, CSTS, AQA, ASQ, ACQ, DOORBELL = 0x14, 0x1c, 0x24, 0x28, 0x30, 0x1000
ENABLE = 0x460001
ENTRIES = 8
DIRECTIVE_RECEIVE = 0x1a
IDENTIFY_PARAMETERS = 1


def admin(guest, opcode, namespace, words):
    """Sends one command of the administration queue."""
    bar = guest.device.bars[0]
    data = guest.alloc(4096)
    command = struct.pack("<IIQQQQ6I", opcode, namespace, 0, 0, data, 0, *words)
    queue = guest.alloc(64 * ENTRIES)
    guest.put(queue, command)
    answers = guest.alloc(16 * ENTRIES)
    bar.write(AQA, (ENTRIES - 1) << 16 | ENTRIES - 1)
    for register, place in ((ASQ, queue), (ACQ, answers)):
        bar.write(register, place)
        bar.write(register + 4, 0)
    bar.write(CC, ENABLE)
    guest.poll(lambda: bar.read(CSTS) & 1)
    bar.write(DOORBELL, 1)
    guest.poll(lambda: any(guest.get(answers, 16)), 1)
    return guest.get(data, 4096)


def cve_2023_40360(guest):
    """Directives are asked for of a namespace that is in no endurance group."""
    admin(guest, DIRECTIVE_RECEIVE, 1, (0, IDENTIFY_PARAMETERS, 0, 0, 0, 0))
