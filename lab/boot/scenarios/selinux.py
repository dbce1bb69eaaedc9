# SPDX-License-Identifier: GPL-2.0
"""SELinux: QEMU runs as libvirt has it run, the device's process in the domain of its class."""

import os
import pathlib
import re
import shutil
import time

import places
from l2 import L2Error

from .kernellog import leave_none_out
from .launched import Enforced, check_domain, make_launcher, run, write_script
from .selinux_attempts import AVC, PROCESS, VM, run_all

ROOT = places.BUILD / "selinux/root/etc/selinux"
# A file system on which files have labels; the others are the host's.
FOLDER = "/run/selinux-lab"
LABEL = "security.selinux"
# That of the VM to that of all its processes
QEMU = f"system_u:system_r:svirt_t:{VM}-{VM},c10,c11"
# QEMU and the processes have what a domain of any program has: libraries and the like.
HOST = ("/bin/sh", "/etc/ld.so.cache", "/etc/localtime", "/etc/resolv.conf", "/run", "/tmp")
FOLDERS = ("/dev", *places.FIRMWARE)


def label(path, kind, level="s0"):
    os.setxattr(path, LABEL, f"system_u:object_r:{kind}:{level}".encode(), follow_symlinks=False)


def with_parents(path):
    """All names on the way to what it is, links as well."""
    path = os.path.abspath(path)
    found = set()
    while path != "/":
        found.add(path)
        if os.path.islink(path):
            found |= with_parents(os.path.join(os.path.dirname(path), os.readlink(path)))
        path = os.path.dirname(path)
    return found | {"/"}


def libraries(program):
    return re.findall(r"(/\S+) \(", run("ldd", program))


def relabel(paths):
    """As the policy has it, of these alone: the whole system would have to be copied."""
    names = set()
    for path in paths:
        names |= with_parents(path)
    run("restorecon", "-F", *sorted(names))


class Selinux(Enforced):
    """L1 enforces SELinux's reference policy with qemu_remote, and sees attempts refused"""

    l1_append = ("security=selinux", "enforcing=1")

    def start(self):
        self.load()
        self.label_host()
        self.copy()
        self.make_launcher()
        self.label_own()

    def load(self):
        os.makedirs("/etc/selinux", exist_ok=True)
        run("mount", "--bind", str(ROOT), "/etc/selinux")
        run("load_policy", "-i")
        leave_none_out()
        if pathlib.Path("/sys/fs/selinux/enforce").read_text() != "1":
            raise L2Error("L1 does not enforce its policy")

    def label_host(self):
        options = self.run.options
        inside = (str(path) for folder in FOLDERS for path in pathlib.Path(folder).iterdir())
        relabel([*HOST, *inside, *(path for program in ("/bin/sh", options.qemu)
                                   for path in libraries(program))])

    def copy(self):
        options = self.run.options
        os.mkdir(FOLDER)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", FOLDER)
        label(FOLDER, "usr_t")
        for name in ("qemu", "kernel", "initramfs"):
            shutil.copy(getattr(options, name), f"{FOLDER}/{name}")
            label(f"{FOLDER}/{name}", "qemu_exec_t" if name == "qemu" else "usr_t")
            setattr(options, name, f"{FOLDER}/{name}")
        shutil.copy(options.attempt, f"{FOLDER}/attempt")
        label(f"{FOLDER}/attempt", "qemu_exec_t")

    def make_launcher(self):
        options = self.run.options
        # Of a type that QEMU may look at, as libvirt has it
        os.chdir("/")
        self.remote.launcher = make_launcher(FOLDER, f"{self.kind}:{PROCESS}", options.qemu)
        label(f"{FOLDER}/qemu-remote", "bin_t")
        label(self.remote.launcher, "bin_t")
        qemu = f"{FOLDER}/as-libvirt"
        write_script(qemu, f'exec runcon {QEMU} {options.qemu} "$@"')
        label(qemu, "bin_t")
        options.qemu = qemu

    def label_own(self):
        """What libvirt does for a VM: its image, and where its logs are"""
        label(self.run.logs, "svirt_tmp_t", VM)
        if self.kind == "disk":
            label(self.run.outside.folder, "qemu_remote_disk_file_t")
            label(self.run.outside.image, "qemu_remote_disk_file_t", PROCESS)

    @staticmethod
    def domain(kind, level=PROCESS):
        return f"system_u:system_r:qemu_remote_{kind}_t:{level}"

    def check_running(self):
        check_domain(self.run.guest.process.pid, QEMU)
        check_domain(self.run.remote.pid(), self.domain(self.kind))
        self.check_refusals()
        self.count = run_all(FOLDER, label, self.domain, self.run.guest.process.pid)

    def check_refusals(self):
        """A domain is to have what it needs, and all that it is refused is to be known."""
        time.sleep(1)
        for line in run("dmesg").splitlines():
            if (found := AVC.search(line)) and "qemu_remote" in found[2]:
                raise L2Error(f"the process was refused what it needs: {line}")
