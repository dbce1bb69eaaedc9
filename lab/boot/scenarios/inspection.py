# SPDX-License-Identifier: GPL-2.0
"""Somebody looks at a vCPU that waits for the process."""

import threading
import time

import children
import counters
from l2 import L2Error

from .base import PATIENCE, Scenario

# For anybody who had no more than 5 seconds' patience with the load
PAUSE = 7


class Inspected(Scenario):
    """the registers of a vCPU are looked at while it waits for a process that is stopped"""

    # QEMU's monitor does not answer meanwhile.
    pause = PAUSE + 1
    waited = 0

    def requests(self):
        return {"loading": self.inspect}

    def look(self):
        asked = time.monotonic()
        self.monitor.command("human-monitor-command", **{"command-line": "info registers -a"})
        self.waited = time.monotonic() - asked

    def vcpu_waits(self):
        return any(int(info.get("vcpus", 0))
                   for info in counters.fdinfo([self.run.guest.process.pid]))

    def await_load(self):
        deadline = time.monotonic() + PATIENCE
        while not self.vcpu_waits():
            if time.monotonic() > deadline:
                raise L2Error("no vCPU waits for the process")
            time.sleep(0.1)

    def inspect(self):
        looks = threading.Thread(target=self.look)
        with children.stopped(self.run.remote.pid()):
            time.sleep(1)    # whoever has an answer goes on
            self.await_load()
            looks.start()
            time.sleep(PAUSE)
        looks.join()
        if self.waited < PAUSE - 1:
            raise L2Error(f"registers were seen after {self.waited:.1f} s, before the process went on")

    def report(self):
        yield "registers", f"seen after {self.waited:.1f} s, when the process had answered"
