# SPDX-License-Identifier: GPL-2.0
"""The names of KVM's ioctls, from the headers that QEMU was built with."""

import re

import places

FOLDER = places.BUILD / "trees/qemu-10.0/linux-headers/linux"
KVMIO = 0xae
DIRECTIONS = {"_IO": 0, "_IOW": 1, "_IOR": 2, "_IOWR": 3}
DEFINITION = re.compile(r"^#\s*define\s+(\w+)\s+(_IO[WR]*)\(\s*KVMIO\s*,\s*(0x[0-9a-f]+)", re.M)


class Names:
    """What has no name in them, such as another driver's, is a number."""

    def __init__(self):
        self.names = {}
        for header in sorted(FOLDER.glob("kvm*.h")):
            for name, macro, number in DEFINITION.findall(header.read_text()):
                self.names.setdefault((DIRECTIONS[macro], int(number, 16)), []).append(name)

    def name(self, request):
        request &= 0xffffffff
        names = self.names.get((request >> 30, request & 0xff))
        if request >> 8 & 0xff != KVMIO or not names:
            return hex(request)
        return "/".join(names)
