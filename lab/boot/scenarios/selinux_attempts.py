# SPDX-License-Identifier: GPL-2.0
"""What a process in a domain of qemu_remote tries, and the records of what it was refused."""

import os
import pathlib
import re
import socket
import subprocess

from .launched import CLASSES, TUN, make_tun, try_all

AVC = re.compile(r"avc:  denied  \{ ([^}]*) \} .* scontext=(\S+) tcontext=(\S+) tclass=(\S+)"
                 r" permissive=0")
VM = "s0:c1,c2"
PROCESS, OTHER, NEIGHBOUR = f"{VM},c10", f"{VM},c11", "s0:c3,c4"


class Files:
    """Of these processes, of others and of the system."""

    # name: type, level
    KINDS = {"own": ("qemu_remote_disk_file_t", PROCESS),
             "other": ("qemu_remote_disk_file_t", OTHER),
             "neighbour": ("qemu_remote_disk_file_t", NEIGHBOUR),
             "base": ("qemu_remote_disk_base_t", "s0"),
             "sound": ("qemu_remote_sound_file_t", PROCESS),
             "libvirt": ("svirt_image_t", VM),
             "memory": ("svirt_tmpfs_t", NEIGHBOUR),
             "shadow": ("shadow_t", "s0"),
             "shell": ("shell_exec_t", "s0")}

    def __init__(self, folder, label):
        for name, (kind, level) in self.KINDS.items():
            path = f"{folder}/{name}"
            pathlib.Path(path).write_text("attempted\n")
            label(path, kind, level)
            setattr(self, name, path)
        os.chmod(self.shell, 0o755)
        make_tun()
        label(os.path.dirname(TUN), "device_t")
        label(TUN, "tun_tap_device_t")


def everywhere(files, qemu, name):
    """What no class may do: the attempt, the class of the object, the permission."""
    yield "read", "/dev/kvm", "chr_file", "read"
    yield "read", files.shadow, "file", "read"
    yield "memory", qemu, "dir", "search"
    yield "vm-write", qemu, "process", "ptrace"
    yield "trace", qemu, "process", "ptrace"
    yield "kill", qemu, "process", "sigkill"
    yield "unix", name, "unix_stream_socket", "connectto"
    yield "packet", "", "packet_socket", "create"
    yield "netlink", "", "netlink_route_socket", "create"
    yield "exec", files.shell, "file", "execute"
    yield "mount", "/", "capability", "sys_admin"
    yield "write", files.memory, "file", "write"
    yield "write", files.other, "file", "write"
    yield "write", files.neighbour, "file", "write"


def refused(files, qemu, port, name):
    for kind in CLASSES:
        yield from ((kind, *one) for one in everywhere(files, qemu, name))
        # A network uses one that was opened for it.
        yield kind, "write", TUN, "chr_file", "open" if kind == "network" else "write"
        if kind != "disk":
            yield kind, "write", files.own, "file", "write"
            yield kind, "read", files.base, "file", "read"
        if kind != "sound":
            yield kind, "write", files.sound, "file", "write"
        if kind != "network":
            yield kind, "tcp", port, "tcp_socket", "create"
    yield "disk", "write", files.base, "file", "write"
    yield "disk", "write", files.libvirt, "file", "write"


def allowed(files, port):
    """Without these, all might have been refused for another reason."""
    yield "disk", "write", files.own
    yield "disk", "read", files.base
    yield "sound", "write", files.sound
    yield "network", "tcp", port


def attempt(program, domain, what, argument):
    done = subprocess.run(["runcon", domain, program, what, argument], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.strip()


def listen(family, address):
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    return server


def run_all(folder, label, domain, qemu):
    """How many were refused."""
    files, name = Files(folder, label), "attempted"

    def run_one(kind, what, argument):
        return attempt(f"{folder}/attempt", domain(kind), what, argument)

    def is_record(line, kind, tclass, permission):
        found = AVC.search(line)
        return (found and permission in found[1].split() and
                (found[2], found[4]) == (domain(kind), tclass))

    with listen(socket.AF_UNIX, f"\0{name}"), listen(socket.AF_INET, ("127.0.0.1", 0)) as tcp:
        port = str(tcp.getsockname()[1])
        return try_all(allowed(files, port), refused(files, str(qemu), port, name), run_one,
                       is_record)
