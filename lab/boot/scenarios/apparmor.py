# SPDX-License-Identifier: GPL-2.0
"""AppArmor: QEMU has a profile, and the device's process that of its class and instance."""

import os
import pathlib
import re
import shutil
import socket

import places
from l2 import L2Error

from .base import Scenario
from .kernellog import Log, leave_none_out
from .launched import CLASSES, REFUSALS, Launched, make_launcher, run, write_script

ROOT = places.BUILD / "apparmor"
FOLDER = "/run/apparmor-lab"
DENIED = re.compile(r'apparmor="DENIED" operation="([^"]+)".* profile="([^"]+)"')
# As libvirt's, this one is not kept from starting the processes.
QEMU = "lab-qemu"
QEMU_RULES = """
  file, network, unix, capability, mount, umount, pivot_root, signal, ptrace,
  change_profile -> qemu-remote-*,
  change_profile -> &qemu-remote-*,
"""
NETWORK_RULES = """
  network inet stream,
  network inet dgram,
  /etc/resolv.conf rw,
"""


def profile(name, rules):
    return (f"profile {name} flags=(attach_disconnected, mediate_deleted) {{\n"
            f"{rules}}}\n")


class AppArmor(Scenario):
    """L1 has profiles for AppArmor, and sees attempts refused"""

    l1_append = ("security=apparmor",)
    attempts = True
    remote = Launched

    def start(self):
        self.kind = "disk" if self.run.device.test == "disk" else "network"
        self.make_files()
        self.load()
        self.launch()

    def make_files(self):
        """Of each class, and what all may read"""
        for kind in ("base", *CLASSES):
            os.makedirs(f"{FOLDER}/{kind}")
            pathlib.Path(f"{FOLDER}/{kind}/file").write_text("attempted\n")
        shutil.copy(self.run.options.attempt, f"{FOLDER}/attempt")
        os.makedirs("/dev/net", exist_ok=True)
        if not os.path.exists("/dev/net/tun"):
            os.mknod("/dev/net/tun", 0o600 | 0o020000, os.makedev(10, 200))

    def load(self):
        """By Debian's parser; an administrator adds places, and a profile for each instance."""
        leave_none_out()
        run("mount", "-t", "securityfs", "securityfs", "/sys/kernel/security")
        folder = pathlib.Path("/run/apparmor.d")
        shutil.copytree(ROOT / "etc/apparmor.d", folder)
        for name, text in (("tunables/qemu-remote.d/lab", self.tunables()),
                           ("qemu-remote.d/lab", self.instance() + profile(QEMU, QEMU_RULES))):
            (folder / name).parent.mkdir()
            (folder / name).write_text(text)
        run(str(ROOT / "sbin/apparmor_parser"), "--config-file=/dev/null", f"--base={folder}",
            f"--policy-features={folder}/abi/3.0", "--skip-cache", "--replace",
            f"{folder}/qemu-remote")

    def tunables(self):
        program = os.path.realpath(self.run.options.qemu)
        return (f"@{{qemu_remote_program}} += {program} {FOLDER}/attempt\n"
                f"@{{qemu_remote_files}} += {FOLDER}\n")

    def instance(self):
        """What its class may, but of the files its own only"""
        own = f"  {self.run.outside.image} rwk,\n" if self.kind == "disk" else NETWORK_RULES
        return profile(self.profile, f"  include <abstractions/qemu-remote>\n{own}")

    @property
    def profile(self):
        return f"qemu-remote-{self.kind}:vm1"

    def launch(self):
        options = self.run.options
        self.remote.launcher = make_launcher(FOLDER, f"{self.kind}:vm1", options.qemu)
        write_script(f"{FOLDER}/as-libvirt",
                     f'echo "exec {QEMU}" >/proc/self/attr/apparmor/exec\nexec {options.qemu} "$@"')
        options.qemu = f"{FOLDER}/as-libvirt"

    def check_running(self):
        self.check_profile(self.run.guest.process.pid, f"{QEMU} (enforce)")
        self.check_profile(self.run.remote.pid(), f"{QEMU}//&{self.profile} (enforce)")
        self.check_refusals()
        self.count = self.try_all(str(self.run.guest.process.pid))

    @staticmethod
    def check_profile(pid, expected):
        found = pathlib.Path(f"/proc/{pid}/attr/current").read_text().strip("\0\n")
        if found != expected:
            raise L2Error(f"process {pid} has the profile {found}, and not {expected}")

    @staticmethod
    def check_refusals():
        """A profile is to have what is needed, and all that it is refused is to be known."""
        refused = [line for line in run("dmesg").splitlines()
                   if (found := DENIED.search(line)) and "qemu" in found[2]]
        if refused:
            raise L2Error("the process was refused what it needs: " + "\n".join(refused))

    def refused(self, qemu, port):
        """The class, the attempt, the operation that AppArmor tells of"""
        for kind in CLASSES:
            yield kind, "read", "/dev/kvm", "open"
            yield kind, "write", "/dev/net/tun", "open"
            yield kind, "read", "/etc/shadow", "open"
            yield kind, "memory", qemu, "open"
            yield kind, "vm-write", qemu, "ptrace"
            yield kind, "trace", qemu, "ptrace"
            yield kind, "kill", qemu, "signal"
            yield kind, "packet", "", "create"
            yield kind, "netlink", "", "create"
            yield kind, "exec", "/bin/sh", "exec"
            for other in set(CLASSES) - {kind}:
                yield kind, "write", f"{FOLDER}/{other}/file", "open"
            yield kind, "write", f"{FOLDER}/base/file", "open"
            if kind != "network":
                yield kind, "tcp", port, "create"
        yield f"{self.kind}:vm1", "write", f"{FOLDER}/disk/file", "open"

    @staticmethod
    def allowed(port):
        """Without these, all might have been refused for another reason."""
        yield "disk", "write", f"{FOLDER}/disk/file"
        yield "disk", "read", f"{FOLDER}/base/file"
        yield "sound", "write", f"{FOLDER}/sound/file"
        yield "network", "tcp", port

    def try_all(self, qemu):
        """How many were refused."""
        count = 0
        with socket.create_server(("127.0.0.1", 0)) as tcp:
            port = str(tcp.getsockname()[1])
            for kind, what, argument in self.allowed(port):
                if (became := self.attempt(kind, what, argument)) != "done":
                    raise L2Error(f"{kind} cannot {what} {argument}, which it needs: {became}")
            log = Log()
            for kind, what, argument, operation in self.refused(qemu, port):
                became = self.attempt(kind, what, argument)
                if became not in REFUSALS:
                    raise L2Error(f"{kind} was not refused to {what} {argument}: {became}")
                log.await_one(f"{kind} refused {operation} of {argument}", lambda line: (
                    (found := DENIED.search(line)) and
                    (found[1], found[2]) == (operation, f"qemu-remote-{kind}")))
                count += 1
        return count

    @staticmethod
    def attempt(kind, what, argument):
        script = f'echo "exec qemu-remote-{kind}" >/proc/self/attr/apparmor/exec && exec "$@"'
        return run("/bin/sh", "-c", script, "attempt", f"{FOLDER}/attempt", what, argument).strip()

    def report(self):
        return [("attempts refused", f"{self.count}, each with its record")]
