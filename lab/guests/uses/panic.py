# SPDX-License-Identifier: GPL-2.0
"""The guest panics, and QEMU is told."""

from .base import PATIENCE, Use


class Panic(Use):
    interrupts = False
    words = "panics; QEMU's event"

    def requests(self):
        return {"panic": self.panic}

    def panic(self):
        """Nothing more is heard of the guest."""
        self.run.count()
        self.run.guest.say("go")
        self.run.guest.monitor.event("GUEST_PANICKED", PATIENCE)
        return self.run.OVER

    def check(self, results):
        return "QEMU has the event of the panic"
