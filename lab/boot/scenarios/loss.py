# SPDX-License-Identifier: GPL-2.0
"""The process is killed while L2 reads and writes."""

import time

from l2 import L2Error

from .base import PATIENCE, Scenario


class Lost(Scenario):
    needs_recovery = True
    # What QEMU says of the process then
    state = "restarting"

    def requests(self):
        return {"busy": self.busy}

    def busy(self):
        self.kill()
        self.bring_back()
        self.wait()

    def kill(self):
        """SIGKILL, and what QEMU reports of it."""
        pid = self.run.remote.pid()
        self.run.remote.kill()
        lost = self.monitor.event("REMOTE_LOST", PATIENCE)
        if (lost["pid"], lost["dead"], lost["state"]) != (pid, True, self.state):
            raise L2Error(f"process {pid} was killed, and QEMU says: {lost}")

    def bring_back(self):
        """Who does that, differs."""

    def wait(self):
        self.monitor.event("REMOTE_RESTARTED", PATIENCE)
        while self.monitor.command("qom-get", path="device",
                                   property="user-device-state") == "failed":
            time.sleep(0.1)
        self.run.remote.watch(self.monitor)

    def check(self):
        if self.run.results.get("recoveries") == "0":
            raise L2Error("L2's driver had nothing to recover from")

    def report(self):
        return [("resets by L2's driver", f"{self.run.results['recoveries']}, after the process"
                 " was killed and replaced")]


class Restarted(Lost):
    """the process is killed under I/O, and QEMU starts another one by itself"""

    restarts = 1


class Killed(Lost):
    """the process is killed under I/O, and another one comes by a command to QEMU"""

    state = "ended"

    def bring_back(self):
        self.monitor.command("remote-replace", rid=self.run.remote.RID, **{"force-restart": True})
