# SPDX-License-Identifier: GPL-2.0
"""More devices and more processes."""

from l2 import L2Error, Managed, second_process

from .base import Scenario

SECOND = "9"


class Several(Scenario):
    """three devices are in two processes, one is plugged"""

    needs_disk = True
    modules = ("nvme", "virtio-rng")

    def arguments(self):
        """Another one in the device's process, and a process for one that comes later"""
        image = self.run.outside.another_image("second")
        return ["-device", f"virtio-rng-pci,rid={Managed.RID}",
                *second_process(SECOND, ["-drive", f"if=none,id=second,file={image},format=raw,"
                                         "auto-read-only=off"])]

    def requests(self):
        return {"plug-second": self.plug}

    def plug(self):
        self.monitor.command("device_add", driver="nvme", id="second", drive="second",
                             serial="second", rid=SECOND)
        remotes = {remote["rid"]: {device["driver"] for device in remote["devices"]}
                   for remote in self.monitor.command("query-remotes")}
        first = {device.split(",")[0] for device in self.run.remote.devices}
        if remotes != {Managed.RID: {*first, "virtio-rng-pci"}, SECOND: {"nvme"}}:
            raise L2Error(f"QEMU has other devices in the two processes: {remotes}")
