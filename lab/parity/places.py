# SPDX-License-Identifier: GPL-2.0
"""The places that a PCI device can have in a machine, and how its config space is reached."""

ECAM = 0xb0000000
PORTS = 0xcf8, 0xcfc
READ = {1: "readb", 2: "readw", 4: "readl", 8: "readq"}
WRITE = {1: "writeb", 2: "writew", 4: "writel", 8: "writeq"}
IN = {1: "inb", 2: "inw", 4: "inl"}
OUT = {1: "outb", 2: "outw", 4: "outl"}


class Place:
    """@bus, @slot: where the guest finds the device; @above: bridges above it, by slot."""

    def __init__(self, machine, options, parent, bus, slot, above=None):
        self.machine, self.options, self.parent = machine, options, parent
        self.bus, self.slot, self.above = bus, slot, above
        self.size = 4096 if machine == "q35" else 256

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

    def address(self, offset):
        return ECAM | self.bus << 20 | self.slot << 15 | offset

    def window(self, offset):
        self.vm.qtest("outl", PORTS[0],
                      0x80000000 | self.bus << 16 | self.slot << 11 | offset & 0xfc)
        return PORTS[1] + (offset & 3)

    def read(self, offset, size=4):
        if self.ecam:
            return self.vm.number(READ[size], self.address(offset))
        return self.vm.number(IN[size], self.window(offset))

    def write(self, offset, value, size=4):
        if self.ecam:
            self.vm.qtest(WRITE[size], self.address(offset), value)
        else:
            self.vm.qtest(OUT[size], self.window(offset), value)

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
