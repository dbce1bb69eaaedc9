# SPDX-License-Identifier: GPL-2.0
"""A machine with one device, in QEMU or in a process of its own, whose guest is qtest."""

import time

from qemu.machine.machine import VMLaunchFailure

from places import Config, ECAM, PORTS
from qtest import Machine, doubled

NAME, RID = "dut", "r"
# Floats: of others the library makes for ever.
PATIENCE = 60.0
# A device that has not gone by then stays: some do.
GOING = 8.0


class Refused(Exception):
    """QEMU does not start, or does not take the device, and says why."""


class VM:
    def __init__(self, qemu, folder, model, place, remote):
        self.model, self.place, self.remote = model, place, remote
        self.vm = Machine(qemu, self.arguments(), folder, PATIENCE)

    def arguments(self):
        yield from ("-nodefaults", "-m", "64,maxmem=1G", "-machine", self.place.machine,
                    "-rtc", "base=2026-01-01,clock=vm", *self.place.options)
        if self.remote:
            command = doubled(" ".join(self.model.backends))
            yield from ("-remote", f"rid={RID},command={command}")
        else:
            for backend in self.model.backends:
                yield from backend.split(" ")
        yield from ("-device", f"{self.model.name},id={NAME},{self.place.property()}"
                    f"{self.model.properties}{f',rid={RID}' if self.remote else ''}")

    def __enter__(self):
        try:
            self.vm.launch()
        except VMLaunchFailure:
            raise Refused(self.last_words()) from None
        self.prepare()
        return self

    def __exit__(self, *_):
        self.vm.shutdown(hard=True)

    def last_words(self):
        lines = [line for line in (self.vm.get_log() or "").splitlines() if line.strip()]
        text = next((line for line in reversed(lines) if "qemu-system" in line), "it ended")
        return text.partition(": ")[2].removeprefix(f"-device {self.device_text()}: ") or text

    def device_text(self):
        return list(self.arguments())[-1]

    def qtest(self, *words):
        return self.vm.answer(*words)

    def number(self, *words):
        return self.vm.tell(*words)

    def prepare(self):
        """What firmware does before anybody can look for the device."""
        if self.place.machine == "q35":
            for offset, value in ((0x64, 0), (0x60, ECAM | 1)):
                self.qtest("outl", PORTS[0], 0x80000000 | offset)
                self.qtest("outl", PORTS[1], value)
        if self.place.above is not None:
            self.above = Config(self, 0, self.place.above)
            self.above.write(0x18, 0x00010100)
            # memory at 0xc0000000, ports at 0xc000, as the device is given
            self.above.write(0x20, 0xcff0c000)
            self.above.write(0x1c, 0xd0c0, 2)
            self.above.write(0x04, 7, 2)
        self.config = Config(self, self.place.bus, self.place.slot)

    def reset(self):
        self.vm.cmd("system_reset")
        self.vm.event_wait("RESET", timeout=PATIENCE)
        self.prepare()

    def add(self):
        arguments = dict(word.split("=", 1) for word in self.device_text().split(",")[1:])
        self.vm.cmd("device_add", {"driver": self.model.name, **arguments})

    def delete(self):
        """True when the device has gone."""
        self.vm.cmd("device_del", id=NAME)
        if self.place.machine == "pc":
            self.qtest("outl", 0xae10, 0)
            self.qtest("outl", 0xae08, 1 << self.place.slot)
        else:
            express = self.above.capability(0x10)
            # power indicator and power off
            self.above.write(express + 0x18, self.above.read(express + 0x18, 2) | 0x700, 2)
        end = time.monotonic() + GOING
        while time.monotonic() < end:
            event = self.vm.event_wait("DEVICE_DELETED", timeout=GOING)
            if event is None or event["data"].get("device") == NAME:
                return event is not None
        return False
