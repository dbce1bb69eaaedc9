# SPDX-License-Identifier: GPL-2.0
"""A virtual machine with a device that is to be attacked, in slot 4, in QEMU or in a
process of its own, and with neighbours, which are to go on.

What a driver does to its RAM is done from outside.  Who makes its accesses is said by
the class: here it is qtest, and the machine has no processor.
"""

import mmap
import os
import time

import neighbours
import pci
from qtest import Machine, doubled

SLOT = 4
# What the device under attack is called, and its process
NAME = "dut"
RAM = 64 << 20
# Of RAM, what the driver gives its device; the rest is nobody's.
GIVEN = range(1 << 20, 16 << 20)
PATTERN = bytes(range(1, 252))
# In seconds: QEMU does not answer for so long if it hangs.
HANG = 10


class Gone(Exception):
    """QEMU has ended."""


class Hung(Exception):
    """QEMU does not answer."""


class Driver:
    """As a context manager: a machine that runs, and what its driver has."""

    def __init__(self, folder, model, remote):
        """With @remote, options of -remote, the device is in another process."""
        self.folder, self.model, self.remote = folder, model, remote
        self.next = GIVEN.start
        self.ram_file = folder / "ram"
        self.disk_file = folder / "neighbour.img"
        self.log = ""

    def arguments(self):
        yield from ("-m", str(RAM >> 20), "-machine", "pc,memory-backend=ram", "-object",
                    f"memory-backend-file,id=ram,size={RAM},share=on,mem-path={self.ram_file}",
                    "-drive", f"if=ide,format=raw,file={self.disk_file}")
        rid = ""
        if self.remote:
            backends = doubled(" ".join(self.model.BACKENDS))
            yield from ("-remote", f"rid={NAME},{self.remote},command={backends}")
            yield from ("-remote", f"rid={neighbours.NAME},command=")
            rid = f",rid={NAME}"
        else:
            for backend in self.model.BACKENDS:
                yield from backend.split(" ")
        first, *others = self.model.DEVICES
        yield from ("-device", f"{first},id={NAME},addr={SLOT}{rid}")
        for other in others:
            yield from ("-device", other + rid)
        rid = rid and f",rid={neighbours.NAME}"
        yield from ("-device", f"edu,id={neighbours.NAME},addr={neighbours.SLOT}{rid}")

    def __enter__(self):
        for path, size in ((self.ram_file, RAM), (self.disk_file, 1 << 20)):
            path.write_bytes(b"")
            os.truncate(path, size)
        with open(self.ram_file, "r+b") as file:
            self.ram = mmap.mmap(file.fileno(), RAM)
        self.launch()
        rest = RAM - GIVEN.stop
        self.ram[GIVEN.stop:] = (PATTERN * (rest // len(PATTERN) + 1))[:rest]
        self.device = pci.Function(self, SLOT, 0xe0000000, 0xc000)
        return self

    def __exit__(self, *_):
        self.end()
        self.ram.close()
        self.ram_file.unlink()

    def untouched(self):
        rest = RAM - GIVEN.stop
        return self.ram[GIVEN.stop:] == (PATTERN * (rest // len(PATTERN) + 1))[:rest]

    def alloc(self, size, align=4096):
        """The address of zeroed memory for the device."""
        address = -(-self.next // align) * align
        self.next = address + size
        assert self.next <= GIVEN.stop
        return address

    def put(self, address, data):
        self.ram[address:address + len(data)] = data

    def get(self, address, size):
        return self.ram[address:address + size]

    def memory(self, data, align=4096):
        """The address of memory with @data in it."""
        address = self.alloc(len(data), align)
        self.put(address, data)
        return address

    def poll(self, condition, seconds=5):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            self.wait(0.01)
        return True


class Guest(Driver):
    """Its accesses are qtest's, and reach a process by way of QEMU."""

    def __init__(self, qemu, folder, model, remote=""):
        super().__init__(folder, model, remote)
        self.vm = Machine(qemu, ["-nodefaults", *self.arguments()], folder, HANG)

    def launch(self):
        self.vm.launch()
        self.pid = self.vm.get_pid()

    def end(self):
        self.vm.shutdown(hard=True)
        self.log = self.vm.get_log() or ""

    def qtest(self, *words):
        try:
            return self.vm.answer(*words)
        except TimeoutError as error:
            raise Hung from error
        except OSError as error:
            raise Gone from error

    def wait(self, seconds):
        """Of the clock of a device in QEMU, which stands still by itself, and of any other."""
        self.qtest("clock_step", int(seconds * 1e9))
        time.sleep(seconds)

    def qmp(self, command, **arguments):
        return self.vm.cmd(command, **arguments)

    def events(self):
        """Those that have come since they were last asked for"""
        return self.vm.get_qmp_events()

    def status_of_end(self, seconds=30):
        """What QEMU has ended with, None if it has not."""
        end = time.monotonic() + seconds
        while self.vm.is_running():
            if time.monotonic() > end:
                return None
            time.sleep(0.05)
        return self.vm.exitcode()
