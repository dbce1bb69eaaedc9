# SPDX-License-Identifier: GPL-2.0
"""AppArmor: QEMU has a profile, and the device's process that of its class and instance."""

import os
import pathlib
import re
import shutil
import socket

import places
from l2 import L2Error

from .kernellog import leave_none_out
from .launched import (CLASSES, TUN, Enforced, check_domain, make_launcher, make_tun, run, try_all,
                       write_script)

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


class AppArmor(Enforced):
    """L1 has profiles for AppArmor, and sees attempts refused"""

    l1_append = ("security=apparmor",)

    def start(self):
        self.make_files()
        self.load()
        self.launch()

    def make_files(self):
        """Of each class, and what all may read"""
        for kind in ("base", *CLASSES):
            os.makedirs(f"{FOLDER}/{kind}")
            pathlib.Path(f"{FOLDER}/{kind}/file").write_text("attempted\n")
        shutil.copy(self.run.options.attempt, f"{FOLDER}/attempt")
        make_tun()

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
        qemu = self.run.guest.process.pid
        check_domain(qemu, f"{QEMU} (enforce)")
        check_domain(self.run.remote.pid(), f"{QEMU}//&{self.profile} (enforce)")
        self.check_refusals()
        with socket.create_server(("127.0.0.1", 0)) as tcp:
            port = str(tcp.getsockname()[1])
            self.count = try_all(self.allowed(port), self.refused(str(qemu), port), self.attempt,
                                 self.is_record)

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
            yield kind, "write", TUN, "open"
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

    @staticmethod
    def is_record(line, kind, operation):
        found = DENIED.search(line)
        return found and (found[1], found[2]) == (operation, f"qemu-remote-{kind}")

    @staticmethod
    def attempt(kind, what, argument):
        script = f'echo "exec qemu-remote-{kind}" >/proc/self/attr/apparmor/exec && exec "$@"'
        return run("/bin/sh", "-c", script, "attempt", f"{FOLDER}/attempt", what, argument).strip()
