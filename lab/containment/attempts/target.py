# SPDX-License-Identifier: GPL-2.0
"""A virtual machine in L1 whose device model is taken over, and one beside it."""

import os
import pathlib
import re
import signal
import subprocess
import time

import children
import hand
import pci
import places
import plan
from qmp import Monitor

SLOT = 4
NAME = "dut"
LOST = 0xffffffff
# Nobody's
USER = 65534
# In seconds: L1 may be an emulated processor, on a busy machine.
PATIENCE = 120
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) .*\[heap\]")
TRIES = 5
ENDED = re.compile(r"ended by signal (\d+)|ended with status (\d+)")


class Wrong(Exception):
    """It is not as it should be."""


def doubled(text):
    """As a part of an option's value."""
    return text.replace(",", ",,")


class Machine:
    """As a context manager: QEMU, on KVM, with a guest that does as it is told."""

    def __init__(self, qemu, image, devices=(), user=0):
        self.hand = hand.Hand(PATIENCE)
        self.monitor, self.watched = Monitor(), Monitor("watched")
        self.log, self.user = plan.FOLDER / "log", user
        self.arguments = [
            qemu, "-nodefaults", "-no-user-config", "-display", "none", *places.firmware(),
            "-accel", "kvm", "-machine", "pc", "-m", str(plan.PLACES["RAM"] // plan.MIB),
            *self.hand.arguments(image), *self.monitor.arguments(), *self.watched.arguments(),
            *devices]

    def __enter__(self):
        ends = (self.hand.theirs, self.monitor.theirs, self.watched.theirs)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[end.fileno() for end in ends], preexec_fn=self.prepare)
        self.hand.theirs.close()
        self.monitor.greet()
        self.watched.greet()
        return self

    def prepare(self):
        """In the child, before it is QEMU"""
        os.setgroups([])
        os.setresgid(self.user, self.user, self.user)
        os.setresuid(self.user, self.user, self.user)
        children.die_with_parent()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def qmp(self, name, **arguments):
        return self.monitor.command(name, patience=PATIENCE, **arguments)


class Target(Machine):
    """With the device that is taken over in a process of that class."""

    def __init__(self, qemu, image, kind, options, user=0):
        super().__init__(qemu, image, [
            "-device", f"edu,id={NAME},addr={SLOT},rid={NAME}",
            "-remote", f"rid={NAME},{options},command={doubled(plan.CLASSES[kind])}"], user)

    def __enter__(self):
        super().__enter__()
        self.device = pci.Function(self.hand, SLOT, 0xe0000000, 0xc000)
        self.bar = self.device.bars[0]
        self.tell()
        return self

    def remote(self):
        return next(one for one in self.qmp("query-remotes") if one["rid"] == NAME)

    def tell(self):
        """Which process QEMU is, and a byte of it that is zero: the end of its heap."""
        pid = self.process.pid
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        self.address = int(MAPPING.search(maps)[2], 16) - 8
        for register, value in ((plan.PID, pid), (plan.LOW, self.address),
                                (plan.HIGH, self.address >> 32)):
            self.bar.write(register, value)

    def attempt(self, number):
        """What came of it: an errno, 0 for success, or words for the end of the process.

        The end of the slave may be known before that of the process, and says nothing of
        a signal: then it is attempted again.
        """
        for _ in range(TRIES):
            self.bar.write(plan.RUN, number)
            result = self.bar.read(plan.RUN)
            if result != LOST:
                return result
            reason = self.lost()
            if match := ENDED.search(reason):
                return (signal.Signals(int(match[1])).name if match[1]
                        else f"exit status {match[2]}")
        return reason

    def lost(self):
        """Why; another process takes its place."""
        reason = self.monitor.event("REMOTE_LOST", PATIENCE)["reason"]
        self.qmp("remote-replace", rid=NAME, **{"force-restart": True})
        self.monitor.event("REMOTE_RESTARTED", PATIENCE)
        self.tell()
        return reason

    def uses_user_device(self):
        path = f"/machine/peripheral/{NAME}"
        return self.qmp("qom-get", path=path, property="user-device-state") == "kvm"


class Watch:
    """How long QEMU's monitor takes to answer, in the midst of something."""

    def __init__(self, machine):
        self.machine, self.worst = machine, 0

    def until(self, name, seconds):
        """The event, and after how long it came."""
        start = now = time.monotonic()
        while now - start < seconds:
            self.machine.watched.command("query-status", patience=PATIENCE)
            found = [event for event in self.machine.watched.events if event["event"] == name]
            asked, now = now, time.monotonic()
            self.worst = max(self.worst, now - asked)
            if found and now - start < seconds:
                return found[0]["data"], now - start
            time.sleep(0.02)
        raise Wrong(f"no {name} in {seconds} s, or no answer")
