# SPDX-License-Identifier: GPL-2.0
"""L2 and the process that emulates its device, both started from L1."""

import contextlib
import os
import pathlib
import select
import shlex
import signal
import socket
import subprocess
import time

import children
import places
from qmp import Monitor

MEMORY = "512M"
# Without a watch on the clock, and without an HPET: both would be read through
# QEMU all the time, and hide how seldom the device is.
KERNEL_ARGUMENTS = ("console=ttyS0", "loglevel=5", "panic=-1", "panic_on_warn=1", "tsc=reliable",
                    "net.ifnames=0", "mitigations=off")


class L2Error(Exception):
    pass


def start(arguments, log, fds=()):
    with open(log, "ab") as file:
        return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                pass_fds=fds, preexec_fn=children.die_with_parent)


def base(qemu):
    return [qemu, "-nodefaults", "-no-user-config", "-display", "none", *places.firmware()]


def status_of(pid):
    """What /proc says of a process, by name"""
    return dict(line.split(":\t", 1) for line in
                pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())


def check_confined(pid):
    """Filtered system calls, no privileges, nothing to open: QEMU's own doing."""
    status = status_of(pid)
    if (status["Seccomp"], status["NoNewPrivs"]) != ("2", "1") or int(status["CapEff"], 16):
        raise L2Error(f"process {pid} is not confined: Seccomp {status['Seccomp']},"
                      f" NoNewPrivs {status['NoNewPrivs']}, CapEff {status['CapEff']}")
    for name in ("user", "mnt", "ipc", "pid"):
        if os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}"):
            raise L2Error(f"process {pid} shares L1's namespace {name}")
    if os.path.exists(f"/proc/{pid}/root/etc/passwd"):
        raise L2Error(f"process {pid} sees the whole file system")


def value_of(text):
    """As part of an option of QEMU's."""
    return text.replace(",", ",,")


def pairs(arguments):
    return zip(arguments[::2], arguments[1::2])


def life(timeout_ms, restarts):
    """Options of -remote: how long QEMU waits for a process, how often it starts another one."""
    return f"timeout-ms={timeout_ms},start-timeout-ms={timeout_ms},restarts={restarts}"


def for_all_proxies(user_device):
    return ["-global", f"x-pci-proxy-dev.user-device={user_device}"]


class Managed:
    """The emulating process, which the VMM has by -remote."""

    RID = "8"

    def __init__(self, device_arguments, timeout_ms, user_device, restarts=0, more=()):
        self.device_arguments = device_arguments
        self.devices = [f"{value},rid={self.RID}" for option, value in pairs(device_arguments)
                        if option == "-device"]
        backends = [word for pair in pairs(device_arguments) if pair[0] != "-device"
                    for word in pair]
        self.command = shlex.join([*places.firmware(), *backends])
        self.timeout_ms, self.user_device, self.restarts = timeout_ms, user_device, restarts
        self.more = list(more)
        self.found = self.pidfd = None

    def device_options(self):
        """What device_add takes, which tells numbers from names"""
        for text in self.devices:
            driver, *options = text.split(",")
            values = dict(option.split("=", 1) for option in options)
            yield {"driver": driver, **{name: int(value) if value.isdigit() and name != "rid" else value
                                        for name, value in values.items()}}

    def arguments(self, plugged=False):
        """Of the VMM: what an in-process device has, and rid= and -remote."""
        for text in () if plugged else self.devices:
            yield from ("-device", text)
        yield from for_all_proxies(self.user_device)
        yield from ("-remote", f"rid={self.RID},command={value_of(self.command)},{self.options()}")
        yield from self.more

    def options(self):
        return life(self.timeout_ms, self.restarts)

    def watch(self, monitor):
        """Who it is, says the VMM."""
        remotes = {remote["rid"]: remote for remote in monitor.command("query-remotes")}
        if self.RID not in remotes:
            raise L2Error(f"QEMU has no process {self.RID}, but {remotes}")
        self.found = remotes[self.RID]["pid"]
        self.pidfd = os.pidfd_open(self.found)

    def pid(self):
        return self.found

    def end(self, patience):
        if not select.select([self.pidfd], [], [], patience)[0]:
            raise L2Error("the emulating process did not end after the guest")

    def kill(self):
        """One that the VMM has not told of yet ends with it."""
        if self.pidfd:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class Auto(Managed):
    """The emulating processes, if the command line is that of devices in QEMU."""

    RID = "device"

    def arguments(self, plugged=False):
        return [*self.device_arguments, *self.more, *for_all_proxies(self.user_device),
                "-remote", f"auto,{self.options()}"]


def second_process(rid, backends, options=""):
    """The option for it; the device is in the first one."""
    command = f"rid={rid},command={value_of(' '.join(backends))}"
    return ["-remote", ",".join(filter(None, (command, options)))]


MACHINE = "pc,hpet=off"
KVM = ("-accel", "kvm", "-cpu", "host")


def kernel_arguments(append):
    return " ".join((*KERNEL_ARGUMENTS, *append))


def boot_arguments(kernel, initramfs, append):
    """None if it is to be had from a disk."""
    return ["-kernel", kernel, "-initrd", initramfs, "-append", kernel_arguments(append)] if kernel else []


class Guest:
    """L2: the VMM with the device or its proxy, the talk with l2-init and with the VMM."""

    def __init__(self, qemu, kernel, initramfs, device_arguments, out, cpus=2, append=(), name="l2",
                 machine=MACHINE, accelerator=KVM):
        self.socket, theirs = socket.socketpair()
        self.monitor, self.watched = Monitor(), Monitor("watched")
        with theirs:
            fd = theirs.fileno()
            self.process = start(
                [*base(qemu), *self.monitor.arguments(), *self.watched.arguments(), "-no-reboot", *accelerator, "-smp", str(cpus),
                 "-name", "l2,debug-threads=on",
                 "-m", MEMORY, "-machine", machine, *boot_arguments(kernel, initramfs, append),
                 "-serial", f"file:{out}/{name}-console",
                 "-device", "virtio-serial-pci",
                 "-chardev", f"socket,id=lab,fd={fd}",
                 "-device", "virtserialport,chardev=lab,name=lab", *device_arguments],
                f"{out}/{name}-qemu.log", [fd, self.monitor.theirs.fileno(), self.watched.theirs.fileno()])
        self.monitor.greet()
        self.watched.greet()

    def lines(self, patience):
        """What l2-init says, line by line, to the end of L2."""
        deadline = time.monotonic() + patience
        rest = b""
        try:
            while True:
                self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
                data = self.socket.recv(4096)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
        except TimeoutError:
            raise L2Error(f"L2 was not done after {patience} s") from None
        except ConnectionResetError:
            pass

    def say(self, word):
        self.socket.sendall(word.encode() + b"\n")

    def end(self, patience):
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise L2Error("L2 did not switch off") from None
        if status:
            raise L2Error(f"L2's QEMU ended with status {status}")
