# SPDX-License-Identifier: GPL-2.0
"""Whatever can happen to processes, devices and the VM, at random and for long."""

import collections
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import children
import counters
import places
from l2 import L2Error, Managed, life, pairs, second_process, status_of

from .base import PATIENCE, Scenario

PORT, PAGE = 9003, b"soak\n"
FETCHED = 256 << 10
STOPPED = 3                     # seconds
FIRST_ROUNDS = 10               # until what QEMU has is taken for normal
RESTARTS = 1000
# What QEMU, and each process, may have more of at the end than after the first rounds: heaps
# grow, and threads and connections come and go, but a leak grows with the rounds.
# A process has up to 64 threads for its I/O, which go when there is none, and keeps the stacks
# of up to 128 coroutines, of which each request is one.
SLACK = {"descriptors": 4, "mappings": 24, "threads": 8, "coroutines": 128, "children": 0,
         "MiB": 64}
SLACK_OF_PROCESS = {"descriptors": 24, "mappings": 24, "threads": 72, "coroutines": 128,
                    "children": 0, "MiB": 64}
COROUTINE_STACK = 1 << 20
# What L1's kernel may have more of when all is over; this program has some more files open.
SLACK_OF_KERNEL = {"files": 16, "MiB of slabs": 24}
MAX_UNCOUNTED = 1000            # files that a CPU keeps to itself
# Events that come in a round in which something was done, and never by themselves
CAUSED = ("REMOTE_LOST", "REMOTE_RESTARTED", "REMOTE_REPLACED")

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
IMAGES = ("ehci", "ahci", "usb")
# Nothing can be plugged in on the buses of these while a VM runs, in QEMU either.
STAY = ("ahci", "sound")
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


def children_of(task):
    try:
        return len((task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):     # it has ended just now
        return 0


def mapping_sizes(folder):
    """Of all that can be accessed: no guard of a stack can."""
    for line in (folder / "maps").read_text().splitlines():
        place, rights = line.split()[:2]
        start, end = (int(word, 16) for word in place.split("-"))
        if rights != "---p":
            yield end - start


def belongings(pid):
    """What a process has, of what could leak.  A thread's stack goes with it."""
    folder = pathlib.Path(f"/proc/{pid}")
    tasks = list((folder / "task").iterdir())
    sizes = list(mapping_sizes(folder))
    coroutines = sizes.count(COROUTINE_STACK)
    return {"descriptors": len(list((folder / "fd").iterdir())),
            "mappings": len(sizes) - len(tasks) - coroutines,
            "threads": len(tasks),
            "coroutines": coroutines,
            "children": sum(map(children_of, tasks)),
            "MiB": int(status_of(pid)["RssAnon"].split()[0]) >> 10}


def compare(whose, before, now, slack):
    for name, more in slack.items():
        if now[name] > before[name] + more:
            raise L2Error(f"{whose} had {before[name]} {name}, and has {now[name]}")


def counted_files():
    return int(pathlib.Path("/proc/sys/fs/file-nr").read_text().split()[0])


def open_until_counted(stack):
    """Open files until the kernel adds those of this CPU to its count; how many they are"""
    start = counted_files()
    for opened in range(MAX_UNCOUNTED):
        if counted_files() != start:
            return opened
        stack.enter_context(open("/dev/null", encoding="ascii"))
    raise L2Error("files are opened, and L1's kernel does not count them")


def open_files():
    """All of L1: each CPU has some that the kernel has not counted yet."""
    cpus = os.sched_getaffinity(0)
    opened = 0
    with contextlib.ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, cpus)
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            opened += open_until_counted(stack)
        return counted_files() - opened


def kernel_objects():
    """What L1's kernel has, of what a VM or a device could leave behind."""
    slabs = next(line.split()[1] for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                 if line.startswith("SUnreclaim:"))
    return {"files": open_files(), "MiB of slabs": int(slabs) >> 10}


def users(folder):
    """Of each file of this file system that is open: its number, and who has it."""
    device = os.stat(folder).st_dev
    found = collections.defaultdict(set)
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            # A process in a root of its own has another name for it.
            file = link.stat()
            if file.st_dev == device:
                found[file.st_ino].add(int(link.parts[2]))
    return found


class Soak(Scenario):
    """eight devices in five processes are killed, stopped, replaced, unplugged, and the
    VM is stopped and reset, at random"""

    needs_disk = needs_recovery = True
    test = "soak"
    modules = ("ehci-pci", "ahci", "sd_mod", "e1000e", "virtio-net", "xhci-pci", "usb-storage",
               "virtio-rng", "snd-hda-intel", "snd-hda-codec-generic")
    restarts = RESTARTS
    timeout = 3600

    def __init__(self, run):
        super().__init__(run)
        self.random = random.Random(run.options.seed)
        # Until the first round, and after the last one, a busy machine takes minutes.
        self.patience = run.options.minutes * 60 + 1500
        self.end = None
        self.rounds, self.action = {}, ""
        self.normal = None
        self.kernel = None
        self.kills = collections.Counter()
        self.resets = False
        self.unloaded = ""

    def start(self):
        print(f"run: the seed is {self.run.options.seed}", flush=True)
        self.kernel = kernel_objects()
        threading.Thread(target=serve_pages, daemon=True).start()

    def arguments(self):
        images = {name: self.run.outside.another_image(name) for name in IMAGES}
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
        self.check_events()
        if sum(self.rounds.values()) == FIRST_ROUNDS:
            self.normal = self.all_belongings()
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

    def check_events(self):
        """What was done has been heard of, once."""
        self.monitor.command("query-status")
        if more := [event for event in self.monitor.events if event["event"] in CAUSED]:
            raise L2Error(f"after {self.action}, which was over: {more}")
        self.monitor.events.clear()

    def kill(self):
        rid = self.any_process()
        self.kills[rid] += 1
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
        with children.stopped(self.pid_of(self.any_process())):
            time.sleep(STOPPED)
        return "nothing"

    def replace(self):
        """QEMU's nvme cannot be saved: it begins anew."""
        rid = self.any_process()
        self.monitor.command("remote-replace", rid=rid, **{"force-restart": rid == Managed.RID})
        if rid != Managed.RID:
            self.await_event("REMOTE_REPLACED", rid)
            return "nothing"
        self.await_event("REMOTE_LOST", rid)
        self.await_event("REMOTE_RESTARTED", rid)
        return self.lost(rid)

    def unplug(self):
        """Once L2 lets go of it: then it says quiet."""
        self.chosen = self.random.choice([(rid, device) for rid in OTHERS
                                          for device in OTHERS[rid][1] if device not in STAY])
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

    def all_belongings(self):
        """Of QEMU, and of each process"""
        return {"QEMU": belongings(self.run.guest.process.pid),
                **{rid: belongings(self.pid_of(rid)) for rid in DEVICES}}

    def check_belongings(self):
        now = self.all_belongings()
        print(f"run: there was {self.normal}, and there is {now}", flush=True)
        self.keep_maps()
        for whose, has in now.items():
            compare(whose, self.normal[whose], has,
                    SLACK if whose == "QEMU" else SLACK_OF_PROCESS)
        self.check_images()
        restarted = {remote["rid"]: remote["restarted"]
                     for remote in self.monitor.command("query-remotes")}
        if any(restarted[rid] != self.kills[rid] for rid in DEVICES):
            raise L2Error(f"processes were killed: {dict(self.kills)}; restarted: {restarted}")

    def keep_maps(self):
        """What has more mappings than it should is looked at later."""
        for rid in DEVICES:
            shutil.copy(f"/proc/{self.pid_of(rid)}/maps", f"{self.run.logs}/maps-{rid}")

    def check_images(self):
        """Each is open in one process, and in no other."""
        opened = users(self.run.outside.folder)
        for image in (self.run.outside.image, *map(self.run.outside.path_of, IMAGES)):
            number = len(opened[os.stat(image).st_ino])
            if number != 1:
                raise L2Error(f"{image} is open in {number} processes")

    def check_console(self):
        """L1's kernel is looked at whatever happens in it."""
        patterns = [line for line in (places.BOOT / "bad-lines").read_text().splitlines()
                    if not line.startswith("#")]
        console = pathlib.Path(f"{self.run.logs}/l2-console").read_text(errors="replace")
        bad = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
        if lines := [line for line in console.splitlines() if bad.search(line)]:
            raise L2Error(f"L2's kernel complained: {lines[0]}")

    def check(self):
        """Nothing in the kernel belongs to a VM or a device any more."""
        self.check_console()
        end = time.monotonic() + PATIENCE
        while opened := users(self.run.outside.folder):
            if time.monotonic() > end:
                raise L2Error(f"images are still open: {dict(opened)}")
            time.sleep(1)
        modules = [name for name in ("kvm_amd", "kvm_intel", "kvm")
                   if pathlib.Path(f"/sys/module/{name}/initstate").exists()]
        self.unloaded = "KVM's modules could be unloaded" if modules else "KVM is built in"
        counters.stop_counting_exits()
        if modules:
            subprocess.run(["rmmod", *modules], check=True)
        left = kernel_objects()
        compare("L1's kernel", self.kernel, left, SLACK_OF_KERNEL)
        self.unloaded += f"; the kernel had {self.kernel} and has {left}"

    def report(self):
        yield "rounds", ", ".join(f"{name} {number}" for name, number in self.rounds.items())
        yield "after it", self.unloaded
        yield "seed", self.run.options.seed
        yield "verified rounds of L2's I/O", self.run.results["io"]
