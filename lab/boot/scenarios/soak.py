# SPDX-License-Identifier: GPL-2.0
"""Whatever can happen to processes, devices and the VM, at random and for long."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import counters
from l2 import L2Error, Managed, life, pairs, second_process, status_of

from .base import PATIENCE, Scenario

PORT, PAGE = 9003, b"soak\n"
FETCHED = 256 << 10
STOPPED = 3                     # seconds
FIRST_ROUNDS = 10               # until what QEMU has is taken for normal
RESTARTS = 1000
# What QEMU may have more of at the end than after the first rounds: its heap grows, and its
# threads come and go, but a leak grows with the rounds.
SLACK = {"descriptors": 4, "mappings": 24, "children": 0, "MiB": 64}

# By process: backends, and the options of each device.  The slots are told to L2.
DISK = "-blockdev driver=raw,node-name={id}-disk,file.driver=file,file.filename={image}"
NET = "-netdev user,id={id}-net,ipv6=off,net={net}"
OTHERS = {
    "disk": (DISK.format(id="ehci", image="{ehci}") + " " + DISK.format(id="ahci", image="{ahci}"),
             {"ehci": "-device usb-ehci,id=ehci,addr=0x11"
                      " -device usb-storage,id=ehci-hd,drive=ehci-disk,bus=ehci.0",
              "ahci": "-device ahci,id=ahci,addr=0x12"
                      " -device ide-hd,id=ahci-hd,drive=ahci-disk,bus=ahci.0"}),
    "network": (NET.format(id="e1000e", net="10.0.4.0/24") + " "
                + NET.format(id="virtio", net="10.0.5.0/24"),
                {"e1000e": "-device e1000e,id=e1000e,addr=0x13,netdev=e1000e-net,romfile=",
                 "virtio": "-device virtio-net-pci,id=virtio,addr=0x14,netdev=virtio-net,romfile="}),
    "usb": (DISK.format(id="usb", image="{usb}"),
            {"usb": "-device qemu-xhci,id=usb,addr=0x15"
                    " -device usb-storage,id=usb-hd,drive=usb-disk,bus=usb.0"}),
    "other": ("-audiodev none,id=silence",
              {"rng": "-device virtio-rng-pci,id=rng,addr=0x16",
               "sound": "-device intel-hda,id=sound,addr=0x17"
                        " -device hda-duplex,id=codec,bus=sound.0,audiodev=silence"}),
}
NVME = "nvme"
DEVICES = {Managed.RID: [NVME], **{rid: list(devices) for rid, (_, devices) in OTHERS.items()}}


def serve_pages():
    """To whoever connects, for ever."""
    server = socket.create_server(("127.0.0.1", PORT))
    page = (PAGE * FETCHED)[:FETCHED]
    while True:
        with server.accept()[0] as peer:
            try:
                peer.sendall(page)
            except ConnectionError:     # the process that it came through is gone
                pass


def belongings(pid):
    """What a process has, of what could leak."""
    folder = pathlib.Path(f"/proc/{pid}")
    return {"descriptors": len(list((folder / "fd").iterdir())),
            "mappings": len((folder / "maps").read_text().splitlines()),
            "children": sum(len((task / "children").read_text().split())
                            for task in (folder / "task").iterdir()),
            "MiB": int(status_of(pid)["RssAnon"].split()[0]) >> 10}


class Soak(Scenario):
    """eight devices in five processes are killed, stopped, replaced, unplugged, and the
    VM is stopped and reset, at random"""

    needs_disk = needs_recovery = True
    test = "soak"
    modules = ("ehci-pci", "ahci", "sd_mod", "e1000e", "virtio-net", "xhci-pci", "usb-storage",
               "virtio-rng", "snd-hda-intel", "snd-hda-codec-generic")
    restarts = RESTARTS
    timeout = 2700

    def __init__(self, run):
        super().__init__(run)
        self.random = random.Random(run.options.seed)
        # Until the first round, and after the last one, a busy machine takes minutes.
        self.patience = run.options.minutes * 60 + 600
        self.end = None
        self.rounds, self.action = {}, ""
        self.normal = None
        self.resets = False
        self.unloaded = ""

    def start(self):
        print(f"run: the seed is {self.run.options.seed}", flush=True)
        threading.Thread(target=serve_pages, daemon=True).start()

    def arguments(self):
        images = {name: self.run.outside.another_image(name) for name in ("ehci", "ahci", "usb")}
        options = life(self.run.timeout_ms, RESTARTS)
        for rid, (backends, devices) in OTHERS.items():
            for option, value in pairs(" ".join(devices.values()).split()):
                yield from (option, f"{value},rid={rid}")
            yield from second_process(rid, backends.format(**images).split(), options)

    def requests(self):
        return {"soak": self.one_round, "quiet": self.plug_again}

    # --- rounds ----------------------------------------------------------------------

    def one_round(self):
        """What is done to it, L2 is told by the answer."""
        if self.end is None:
            self.monitor.command("set-action", reboot="reset")
            self.end = time.monotonic() + self.run.options.minutes * 60
        if time.monotonic() > self.end and self.normal:
            self.check_belongings()
            return "enough"
        self.monitor.events.clear()
        if sum(self.rounds.values()) == FIRST_ROUNDS:
            self.normal = belongings(self.run.guest.process.pid)
        action, = self.random.choices(
            (self.kill, self.unplug, self.replace, self.hold, self.stop_vm, self.reset_vm),
            (4, 4, 3, 2, 2, 1))
        self.action = action.__name__
        self.rounds[self.action] = self.rounds.get(self.action, 0) + 1
        return action()

    def any_process(self):
        rid = self.random.choice(list(DEVICES))
        self.tell(rid)
        return rid

    def tell(self, what):
        print(f"run: round {sum(self.rounds.values())}: {self.action} {what}", flush=True)

    def pid_of(self, rid):
        return next(remote["pid"] for remote in self.monitor.command("query-remotes")
                    if remote["rid"] == rid)

    def lost(self, rid):
        return f"lost {' '.join(DEVICES[rid])}"

    def kill(self):
        rid = self.any_process()
        os.kill(self.pid_of(rid), signal.SIGKILL)
        self.await_event("REMOTE_LOST", rid)
        self.await_event("REMOTE_RESTARTED", rid)
        return self.lost(rid)

    def await_event(self, name, rid):
        if (event := self.monitor.event(name, PATIENCE))["rid"] != rid:
            raise L2Error(f"{name} is about another process than {rid}: {event}")
        if name != "REMOTE_LOST" and rid == Managed.RID:
            self.run.remote.watch(self.monitor)

    def hold(self):
        """It stands still, and nobody minds."""
        pid = self.pid_of(self.any_process())
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        os.kill(pid, signal.SIGCONT)
        return "nothing"

    def replace(self):
        """QEMU's nvme cannot be saved: it begins anew."""
        rid = self.any_process()
        self.monitor.command("remote-replace", rid=rid, **{"force-restart": rid == Managed.RID})
        if rid != Managed.RID:
            self.await_event("REMOTE_REPLACED", rid)
            return "nothing"
        self.await_event("REMOTE_RESTARTED", rid)
        return self.lost(rid)

    def unplug(self):
        """Once L2 lets go of it: then it says quiet."""
        self.chosen = self.random.choice([(rid, device) for rid in OTHERS
                                          for device in OTHERS[rid][1]])
        self.tell(self.chosen[1])
        return f"unplug {self.chosen[1]}"

    def plug_again(self):
        rid, device = self.chosen
        self.monitor.command("device_del", id=device)
        while self.monitor.event("DEVICE_DELETED", PATIENCE).get("device") != device:
            pass
        for _, value in pairs(OTHERS[rid][1][device].split()):
            driver, *options = value.split(",")
            self.monitor.command("device_add", driver=driver, rid=rid,
                                 **dict(option.split("=", 1) for option in options))

    def stop_vm(self):
        self.tell("VM")
        self.monitor.command("stop")
        time.sleep(STOPPED)
        self.monitor.command("cont")
        return "nothing"

    def reset_vm(self):
        """L2's next life asks anew."""
        self.tell("VM")
        self.resets = True
        self.monitor.command("system_reset")
        return self.run.NO_ANSWER

    def started_anew(self):
        if not self.resets:
            super().started_anew()
        self.resets = False

    # --- what is left ----------------------------------------------------------------

    def check_belongings(self):
        now = belongings(self.run.guest.process.pid)
        print(f"run: QEMU had {self.normal} and has {now}", flush=True)
        for name, slack in SLACK.items():
            if now[name] > self.normal[name] + slack:
                raise L2Error(f"QEMU had {self.normal[name]} {name}, and has {now[name]}")

    def check(self):
        """Nothing in the kernel belongs to a VM or a device any more."""
        modules = [name for name in ("kvm_amd", "kvm_intel", "kvm")
                   if pathlib.Path(f"/sys/module/{name}/initstate").exists()]
        self.unloaded = "KVM's modules could be unloaded" if modules else "KVM is built in"
        counters.stop_counting_exits()
        if modules:
            subprocess.run(["rmmod", *modules], check=True)

    def report(self):
        yield "rounds", ", ".join(f"{name} {number}" for name, number in self.rounds.items())
        yield "after it", self.unloaded
        yield "seed", self.run.options.seed
        yield "verified rounds of L2's I/O", self.run.results["io"]
