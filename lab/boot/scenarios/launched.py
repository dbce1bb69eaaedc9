# SPDX-License-Identifier: GPL-2.0
"""What has a domain of its class by security/launcher."""

import os
import shutil
import subprocess

import places
from l2 import L2Error, Managed, value_of

LAUNCHER = places.BOOT.parent.parent / "security/launcher/qemu-remote"
CLASSES = ("disk", "filesystem", "network", "usb", "display", "sound", "other")
REFUSALS = ("Permission denied", "Operation not permitted")


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
