# SPDX-License-Identifier: GPL-2.0
"""The places that a PCI device can have in a machine, and how its config space is reached."""

from qtest import MEMORY, PORT

ECAM = 0xb0000000
PORTS = 0xcf8, 0xcfc


class Place:
    """@bus, @slot: where the guest finds the device; @above: the slot of a bridge above it."""

    def __init__(self, machine, options, parent, bus, slot, above=None):
        self.machine, self.options, self.parent = machine, options, parent
        self.bus, self.slot, self.above = bus, slot, above

    def property(self):
        return f"bus={self.parent},addr={self.slot}"


# Hot-plug is PCI Express' own at the root port, and ACPI's on pc's bus.
PLACES = {
    "pcie.0": Place("q35", (), "pcie.0", 0, 4),
    "pcie-root-port": Place(
        "q35", ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                "-device", "pcie-root-port,id=above,bus=pcie.0,addr=5,chassis=1,slot=1"),
        "above", 1, 0, 5),
    "pcie-pci-bridge": Place(
        "q35", ("-device", "pcie-pci-bridge,id=above,bus=pcie.0,addr=5"), "above", 1, 1, 5),
    "pci.0": Place("pc", (), "pci.0", 0, 4),
}


class Config:
    """Of one function."""

    def __init__(self, vm, bus, slot):
        self.vm, self.bus, self.slot = vm, bus, slot
        self.ecam = vm.place.machine == "q35"
        self.reads, self.writes = MEMORY if self.ecam else PORT

    def address(self, offset):
        return ECAM | self.bus << 20 | self.slot << 15 | offset

    def window(self, offset):
        self.vm.qtest("outl", PORTS[0],
                      0x80000000 | self.bus << 16 | self.slot << 11 | offset & 0xfc)
        return PORTS[1] + (offset & 3)

    def at(self, offset):
        return self.address(offset) if self.ecam else self.window(offset)

    def read(self, offset, size=4):
        return self.vm.number(self.reads[size], self.at(offset))

    def write(self, offset, value, size=4):
        self.vm.qtest(self.writes[size], self.at(offset), value)

    def whole(self):
        if self.ecam:
            return bytes.fromhex(self.vm.qtest("read", self.address(0), 4096)[0][2:])
        return b"".join(self.read(at).to_bytes(4, "little") for at in range(0, 256, 4))

    def capability(self, wanted):
        """The offset of a capability, 0 if there is none."""
        at = self.read(0x34, 1) if self.read(6, 2) & 0x10 else 0
        for _ in range(48):
            if not at or at == 0xff or self.read(at, 1) == wanted:
                return 0 if at == 0xff else at
            at = self.read(at + 1, 1)
        return 0
