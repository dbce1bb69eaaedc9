# SPDX-License-Identifier: GPL-2.0
"""In L1: a device that another QEMU serves to QEMU by vfio-user."""

import json

import l2
from peer import Peer

SERVER_ID = "device"


class VfioUser(Peer):
    """The server has the device and what it needs, as QEMU would have them."""

    def __init__(self, programs, server, device_arguments, folder, posted=True):
        super().__init__(programs, f"{folder}/vfio-user")
        self.posted = posted
        self.run([*l2.base(server), "-accel", "qtest", "-machine", "x-remote,vfio-user=on",
                  *device_arguments,
                  "-object", f"x-vfio-user-server,id=server,type=unix,path={self.socket},"
                  f"device={SERVER_ID}"], f"{folder}/vfio-user.log")

    def device(self):
        options = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": self.socket}}
        if not self.posted:
            options["x-no-posted-writes"] = True
        return ["-device", json.dumps(options)]
