# SPDX-License-Identifier: GPL-2.0
"""In L1: a process that serves a device to QEMU by a protocol of others."""

import os
import time

import l2

PATIENCE = 60


class Peer:
    """What is common: its socket, and that it has the guest's memory."""

    def __init__(self, programs, socket):
        self.qemu = f"{programs}/qemu-system-x86_64"
        self.socket = socket
        self.process = None

    def run(self, arguments, log):
        self.process = l2.start(arguments, log)

    def device(self):
        """QEMU's arguments for the device alone."""
        raise NotImplementedError

    def arguments(self):
        """QEMU's, once it can connect."""
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(self.socket):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise l2.L2Error(f"nobody serves {self.socket}")
            time.sleep(0.1)
        return ["-object", f"memory-backend-memfd,id=ram,size={l2.MEMORY},share=on",
                "-machine", "memory-backend=ram", *self.device()]

    def kill(self):
        self.process.kill()
        self.process.wait()
