# SPDX-License-Identifier: GPL-2.0
"""Other processes take the device over, under I/O, and L2 notices nothing but a pause."""

import time

from l2 import L2Error, check_confined

from .base import PATIENCE, Scenario

BETWEEN = 1


class Moved(Scenario):
    def __init__(self, run):
        super().__init__(run)
        self.pauses = []

    def requests(self):
        return {"busy": self.busy}

    def busy(self):
        """From hop to hop, with time for L2 to do something in each place."""
        for _ in range(self.run.options.hops):
            self.pauses.append(self.hop())
            check_confined(self.run.remote.pid())
            time.sleep(BETWEEN)

    def hop(self):
        raise NotImplementedError

    def check(self):
        if len(self.pauses) != self.run.options.hops:
            raise L2Error(f"L2 was moved {len(self.pauses)} times, and not {self.run.options.hops}")
        if not int(self.run.results.get("fio-runs", 1) or 0):
            raise L2Error("fio did not come to its end while L2 moved")

    def report(self):
        yield (self.run.options.scenario, f"{len(self.pauses)} times, the longest pause"
               f" {1000 * max(self.pauses):.0f} ms")
        if "fio-runs" in self.run.results:
            yield "verified by fio", f"{self.run.results['fio-runs']} times 4 MiB"


class Upgraded(Moved):
    """another process takes over under I/O, and L2 notices nothing"""

    def hop(self):
        run = self.run
        self.monitor.command("remote-replace", rid=run.remote.RID)
        replaced = self.monitor.event("REMOTE_REPLACED", PATIENCE)
        if replaced["old-pid"] != run.remote.pid():
            raise L2Error(f"QEMU has replaced another process than {run.remote.pid()}: {replaced}")
        run.remote.end(PATIENCE)
        run.remote.watch(self.monitor)
        return replaced["pause-us"] / 1e6


class Migrated(Moved):
    """L2 moves under I/O to another QEMU, with a process of its own, and notices nothing"""

    def hop(self):
        run = self.run
        source, process = run.guest, run.remote
        run.start_guest(incoming=True)
        uri = f"unix:{run.logs}/migration"
        run.guest.monitor.command("migrate-incoming", uri=uri)
        source.monitor.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        source.monitor.command("migrate", uri=uri)
        deadline = time.monotonic() + PATIENCE
        while (state := source.monitor.command("query-migrate"))["status"] != "completed":
            if state["status"] in ("failed", "cancelled") or time.monotonic() > deadline:
                raise L2Error(f"the migration does not end: {state}")
            time.sleep(0.1)
        while run.guest.monitor.command("query-status")["status"] != "running":
            if time.monotonic() > deadline:
                raise L2Error("L2 does not run at the destination")
            time.sleep(0.1)
        run.follow(run.guest)
        source.monitor.command("quit")
        source.end(PATIENCE)
        process.end(PATIENCE)
        return state["downtime"] / 1e3
