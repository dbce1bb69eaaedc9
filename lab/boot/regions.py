# SPDX-License-Identifier: GPL-2.0
"""What is at an address of the guest: from QEMU's `info mtree -f`."""

import re

from l2 import L2Error

VIEW = re.compile(r"^FlatView #\d+\n(.*?)^\s*$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^  ([0-9a-f]+)-([0-9a-f]+) \(prio -?\d+, [^)]*\): (.*?)(?: @[0-9a-f]+)?$",
                  re.MULTILINE)
# KVM has the speaker's port with the timer's.
IN_KVM = re.compile("kvm-(?!vapic)|pcspk$")
IN_PROCESS = re.compile(r"bar-region-\d+$")


class Regions:
    """The flat view of the memory or of the ports, as it is now."""

    def __init__(self, mtree, space):
        # The last view has no empty line behind it.
        text = mtree.replace("\r", "") + "\n\n"
        views = [view for view in VIEW.findall(text) if f'AS "{space}",' in view]
        if len(views) != 1:
            raise L2Error(f"QEMU has {len(views)} views of {space}")
        self.ranges = [(int(first, 16), int(last, 16), name)
                       for first, last, name in LINE.findall(views[0])]

    def name(self, address):
        for first, last, name in self.ranges:
            if first <= address <= last:
                return name
        return "nothing"


def server(name):
    """Who serves accesses to it."""
    if IN_KVM.match(name):
        return "KVM"
    return "process" if IN_PROCESS.match(name) else "QEMU"
