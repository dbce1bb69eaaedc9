# SPDX-License-Identifier: GPL-2.0
"""Hot-plug of the device itself."""

from l2 import MACHINE, L2Error

from .base import PATIENCE, Scenario


class Plugged(Scenario):
    """the device is plugged into a running L2, and unplugged"""

    plugged_later = True
    # QEMU has the I/O APIC, and the routes and resampling of the device's interrupts.
    machine = MACHINE + ",kernel-irqchip=split"

    def requests(self):
        return {"plug": self.plug, "unplug": self.unplug}

    def plug(self):
        for device in self.run.remote.device_options():
            self.monitor.command("device_add", **device)

    def devices_left(self):
        remote, = self.monitor.command("query-remotes")
        return remote["devices"]

    def unplug(self):
        """Then the process has nothing to do, is ended, and is not missed."""
        run, monitor = self.run, self.monitor
        run.count()
        monitor.command("device_del", id="device")
        while self.devices_left():
            monitor.event("DEVICE_DELETED", PATIENCE)
        monitor.command("remote-del", rid=run.remote.RID)
        run.remote.end(PATIENCE)
        if any(event["event"] in ("REMOTE_DEVICE_LOST", "REMOTE_LOST") for event in monitor.events):
            raise L2Error("QEMU reports the unplugged device as lost")
        run.remote = None
