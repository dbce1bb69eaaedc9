# SPDX-License-Identifier: GPL-2.0
"""The host's disk is full."""

import os
import subprocess
import threading

from l2 import L2Error

from .base import PATIENCE, Scenario

# Left for what L2 writes, before there is no room any more
ROOM = 1 << 20


def resize(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


class Full(Scenario):
    """there is no room for the disk's image for a while"""

    needs_disk = True

    def __init__(self, run):
        super().__init__(run)
        self.mended = False
        self.mender = threading.Thread(target=self.make_room, daemon=True)

    def requests(self):
        return {"fill": self.fill, "room": self.check_room}

    def fill(self):
        """There is room again as soon as QEMU has noticed."""
        folder = self.run.outside.folder
        used = os.statvfs(folder)
        resize(folder, (used.f_blocks - used.f_bfree) * used.f_frsize + ROOM)
        self.mender.start()

    def make_room(self):
        """L2 does not run until there is some."""
        error = self.monitor.event("BLOCK_IO_ERROR", PATIENCE)
        if not error.get("nospace"):
            raise L2Error(f"the disk has another error than to be full: {error}")
        self.check_stopped("io-error")
        resize(self.run.outside.folder, "256M")
        self.monitor.command("cont")
        self.mended = True

    def check_room(self):
        self.mender.join(PATIENCE)
        if not self.mended:
            raise L2Error("the disk was never full")
