# SPDX-License-Identifier: GPL-2.0
"""The names of KVM's ioctls and exits, from the headers that QEMU was built with."""

import re

import places

FOLDER = places.BUILD / "trees/qemu-10.0/linux-headers/linux"
KVMIO = 0xae
DIRECTIONS = {"_IO": 0, "_IOW": 1, "_IOR": 2, "_IOWR": 3}
DEFINITION = re.compile(r"^#\s*define\s+(\w+)\s+(_IO[WR]*)\(\s*KVMIO\s*,\s*(0x[0-9a-f]+)", re.M)
EXIT = re.compile(r"^#\s*define\s+(KVM_EXIT_\w+)\s+(\d+)\s*$", re.M)


def exits():
    """{reason: name}; what the header has after them is about details."""
    reasons = (FOLDER / "kvm.h").read_text().partition("KVM_EXIT_UNKNOWN")[2]
    return {int(number): name for name, number in
            EXIT.findall(reasons.partition("struct kvm_run {")[0])}


class Ioctls:
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
