# SPDX-License-Identifier: GPL-2.0
"""L2 and the process that emulates its device, both started from L1."""

import socket
import subprocess
import time

import children
import places

MEMORY = "512M"
# Without a watch on the clock, and without an HPET: both would be read through
# QEMU all the time, and hide how seldom the device is.
KERNEL_ARGUMENTS = ("console=ttyS0", "loglevel=5", "panic=-1", "panic_on_warn=1", "tsc=reliable",
                    "net.ifnames=0", "mitigations=off")


class L2Error(Exception):
    pass


def start(arguments, log, fds=()):
    with open(log, "wb") as file:
        return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                pass_fds=fds, preexec_fn=children.die_with_parent)


def base(qemu):
    return [qemu, "-nodefaults", "-no-user-config", "-display", "none", *places.firmware()]


class Remote:
    """The emulating process.  The VMM's end of its socket is `socket`."""

    def __init__(self, qemu, device_arguments, log):
        self.socket, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self.process = start(
                [*base(qemu), "-machine", "x-remote", *device_arguments,
                 "-object", f"x-remote-object,id=remote,devid=device,fd={fd}"], log, [fd])

    def end(self, patience):
        """It ends by itself once the VMM has gone."""
        self.socket.close()
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise L2Error("the emulating process did not end after the guest") from None
        if status:
            raise L2Error(f"the emulating process ended with status {status}")


class Guest:
    """L2: the VMM with the device or its proxy, and the talk with l2-init."""

    def __init__(self, qemu, kernel, initramfs, device_arguments, out, fds):
        self.socket, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self.process = start(
                [*base(qemu), "-no-reboot", "-accel", "kvm", "-cpu", "host", "-smp", "2",
                 "-machine", "pc,hpet=off,memory-backend=ram", "-m", MEMORY,
                 "-object", f"memory-backend-memfd,id=ram,size={MEMORY},share=on",
                 "-kernel", kernel, "-initrd", initramfs, "-append",
                 " ".join(KERNEL_ARGUMENTS),
                 "-serial", f"file:{out}/l2-console",
                 "-device", "virtio-serial-pci",
                 "-chardev", f"socket,id=lab,fd={fd}",
                 "-device", "virtserialport,chardev=lab,name=lab", *device_arguments],
                f"{out}/l2-qemu.log", [fd, *fds])

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
