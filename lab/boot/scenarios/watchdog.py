# SPDX-License-Identifier: GPL-2.0
"""A watchdog in the process."""

from l2 import L2Error, Managed

from .base import PATIENCE, Scenario


class Watchdog(Scenario):
    """a watchdog in the process expires, and stops L2, which finds it expired then"""

    needs_disk = True
    modules = ("i6300esb",)

    def arguments(self):
        return ["-action", "watchdog=pause", "-device", f"i6300esb,rid={Managed.RID}"]

    def requests(self):
        return {"watchdog": self.wait}

    def wait(self):
        action = self.monitor.event("WATCHDOG", PATIENCE)["action"]
        if action != "pause":
            raise L2Error(f"the watchdog's action is {action}")
        self.check_stopped("watchdog")
        self.monitor.command("cont")
