# SPDX-License-Identifier: GPL-2.0
"""Scenarios in which the process has a domain of its class, by security/launcher."""

import os
import pathlib
import shutil
import subprocess

import places
from l2 import L2Error, Managed, value_of

from .base import PATIENCE, Scenario
from .kernellog import Log

LAUNCHER = places.BOOT.parent.parent / "security/launcher/qemu-remote"
CLASSES = ("disk", "filesystem", "network", "usb", "display", "sound", "other")
REFUSALS = ("Permission denied", "Operation not permitted")
TUN = "/dev/net/tun"


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise L2Error(f"{' '.join(command)}: status {done.returncode}: {done.stdout}")
    return done.stdout


class Launched(Managed):
    """The emulating process, started by the launcher of its class."""

    launcher = None

    def options(self):
        return f"{super().options()},program={value_of(self.launcher)}"


class Enforced(Scenario):
    """What the host's policy is about is the class of the device."""

    attempts = True
    remote = Launched
    count = 0

    @property
    def kind(self):
        return "disk" if self.run.device.test == "disk" else "network"

    def check(self):
        """A process of another domain ends with its QEMU, too, when that is killed."""
        self.run.start_guest()
        self.run.guest.process.kill()
        self.run.guest.process.wait()
        self.run.remote.end(PATIENCE)

    def report(self):
        return [("attempts refused", f"{self.count}, each with its record")]


def check_domain(pid, expected):
    found = pathlib.Path(f"/proc/{pid}/attr/current").read_text().strip("\0\n")
    if found != expected:
        raise L2Error(f"process {pid} is {found}, and not {expected}")


def make_tun():
    if not os.path.exists(TUN):
        os.makedirs(os.path.dirname(TUN), exist_ok=True)
        os.mknod(TUN, 0o600 | 0o020000, os.makedev(10, 200))


def try_all(allowed, refused, attempt, is_record):
    """How many were refused; @is_record: of a line, the class, and what stands in the record"""
    for kind, what, argument in allowed:
        if (became := attempt(kind, what, argument)) != "done":
            raise L2Error(f"{kind} cannot {what} {argument}, which it needs: {became}")
    log, count = Log(), 0
    for kind, what, argument, *record in refused:
        became = attempt(kind, what, argument)
        if became not in REFUSALS:
            raise L2Error(f"{kind} was not refused to {what} {argument}: {became}")
        log.await_one(f"{kind} refused {' '.join(record)} of {argument}",
                      lambda line: is_record(line, kind, *record))
        count += 1
    return count


def make_launcher(folder, name, program):
    """Under the name that asks for the domain; what it starts is for it to find."""
    os.environ["QEMU_REMOTE_PROGRAM"] = program
    shutil.copy(LAUNCHER, f"{folder}/qemu-remote")
    os.symlink("qemu-remote", f"{folder}/{name}")
    return f"{folder}/{name}"


def write_script(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
