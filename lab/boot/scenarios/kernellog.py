# SPDX-License-Identifier: GPL-2.0
"""The kernel's log of L1, from now on."""

import os
import pathlib
import time

from l2 import L2Error

PATIENCE = 60


def leave_none_out():
    """There is no auditd: records are the kernel's messages."""
    pathlib.Path("/proc/sys/kernel/printk_ratelimit").write_text("0")


class Log:

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)
        self.seen = []

    def read(self):
        while True:
            try:
                self.seen.append(os.read(self.file, 8192).decode(errors="replace"))
            except BlockingIOError:
                return

    def await_one(self, what, is_it):
        """A record may come later than what it is of."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.read()
            if any(is_it(line) for line in self.seen):
                self.seen.clear()
                return
            time.sleep(0.05)
        raise L2Error(f"no record of {what}, but {self.seen}")
