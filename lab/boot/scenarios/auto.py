# SPDX-License-Identifier: GPL-2.0
"""A command line that knows nothing of processes."""

import os
import pathlib

from l2 import Auto as Remote
from l2 import L2Error, check_confined

from .base import Scenario

# What becomes of them is by their ids.
OTHERS = ("-drive if=none,id=second,file={second},format=raw,auto-read-only=off"
          " -device nvme,id=nvme,drive=second,serial=second"
          " -drive if=none,id=third,file={third},format=raw,auto-read-only=off"
          " -device qemu-xhci,id=usb -device usb-storage,drive=third,bus=usb.0"
          " -netdev user,id=network,ipv6=off -device e1000e,id=net,netdev=network,romfile="
          " -audiodev none,id=silence -device intel-hda,id=sound"
          " -device hda-duplex,bus=sound.0,audiodev=silence"
          " -object rng-random,id=noise,filename=/dev/urandom"
          " -device virtio-rng-pci,id=rng,rng=noise"
          " -device i6300esb,id=watchdog")
# The last one is the lab's own, which is not asked for a process either.
IMAGES = {Remote.RID: ["image"], "nvme": ["second"], "usb": ["third"], "net": [], "sound": [],
          "rng": [], "watchdog": [], "auto0": []}


class Auto(Scenario):
    """seven devices are in a process each, by -remote auto"""

    needs_disk = True
    modules = ("nvme", "xhci-pci", "usb-storage", "sd_mod", "e1000e", "snd-hda-intel",
               "snd-hda-codec-generic", "virtio-rng", "i6300esb")
    remote = Remote

    def arguments(self):
        images = {name: self.run.outside.another_image(name) for name in ("second", "third")}
        return OTHERS.format(**images).split()

    def requests(self):
        return {"look": self.look}

    def look(self):
        self.check_images()
        self.check_paths()
        self.check_rest()

    def check_images(self):
        """A process has its own, and QEMU has none."""
        pids = {remote["rid"]: remote["pid"] for remote in self.monitor.command("query-remotes")}
        for pid in pids.values():
            check_confined(pid)
        found = {rid: self.images_of(pid) for rid, pid in pids.items()}
        if found != IMAGES:
            raise L2Error(f"the processes have the images {found}, and not {IMAGES}")
        if mine := self.images_of(self.run.guest.process.pid):
            raise L2Error(f"QEMU itself has the images {mine}")

    def images_of(self, pid):
        targets = (os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())
        return sorted({os.path.basename(target) for target in targets
                       if target.startswith(self.run.outside.folder)})

    def check_paths(self):
        """All of them are reached in the way that was asked for, and were used."""
        name = "socket-accesses" if self.run.options.path == "socket" else "user-device-accesses"
        for device in IMAGES.keys() - {"auto0"}:
            if not self.monitor.command("qom-get", path=device, property=name):
                raise L2Error(f"L2 did not use {device} in the way that was asked for: {name} is 0")

    def check_rest(self):
        if stay := self.monitor.command("query-remote-auto"):
            raise L2Error(f"devices have stayed in QEMU: {stay}")
