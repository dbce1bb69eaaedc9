# SPDX-License-Identifier: GPL-2.0
"""The host's storage stands still."""

import fcntl
import os
import time

import counters
from l2 import L2Error

from .base import Scenario

FIFREEZE, FITHAW = 0xc0045877, 0xc0045878
# Longer than L2's driver waits before it resets its device, and than a process that says
# nothing may take for an access
FROZEN = 45
TIMEOUT_MS = 15000


class Slow(Scenario):
    """the host's storage stands still, and L2's driver resets its disk meanwhile"""

    needs_disk = needs_recovery = True
    l1_modules = ("loop", "ext4", "crc32c_generic")
    patience = FROZEN

    def start(self):
        self.run.timeout_ms = TIMEOUT_MS
        self.run.outside.make_freezable()

    def requests(self):
        return {"busy": self.freeze}

    def freeze(self):
        folder = os.open(self.run.outside.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, FIFREEZE, 0)
            time.sleep(FROZEN)
        finally:
            fcntl.ioctl(folder, FITHAW, 0)
            os.close(folder)

    def check_running(self):
        self.busy = sum(int(info.get("busy", 0))
                        for info in counters.fdinfo([self.run.guest.process.pid]))

    def check(self):
        if self.run.results.get("recoveries") == "0":
            raise L2Error("L2's driver has reset nothing")
        if self.run.options.path == "user-device" and not self.busy:
            raise L2Error("the process has not told KVM that it waits for its storage")

    def report(self):
        return [("resets by L2's driver", f"{self.run.results['recoveries']}, with the storage"
                 f" frozen for {FROZEN} s, and {TIMEOUT_MS // 1000} s for an access"),
                ("told KVM that it waits", f"{self.busy} times")]
