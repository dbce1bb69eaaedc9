# SPDX-License-Identifier: GPL-2.0
"""A watchdog that does not expire as long as it is petted, and then does."""

from outside import Wrong

from .base import PATIENCE, Use, expect


class Watchdog(Use):
    interrupts = False
    words = "pets the watchdog for 8 s, twice its time, then no more; QEMU's event"

    def requests(self):
        return {"petted": self.petted, "expire": self.expire}

    def petted(self):
        monitor = self.run.guest.monitor
        monitor.command("query-status")
        if any(event["event"] == "WATCHDOG" for event in monitor.events):
            raise Wrong("the watchdog has expired although it was petted")

    def expire(self):
        event = self.run.guest.monitor.event("WATCHDOG", PATIENCE)
        expect("the watchdog's action", event["action"], "none")

    def check(self, results):
        return "no event while it was petted, and one after that"
