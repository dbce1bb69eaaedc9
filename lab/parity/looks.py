# SPDX-License-Identifier: GPL-2.0
"""What a guest looks at, as (what, value): the same of a device in QEMU and in a process."""

import math
import re

from qtest import MEMORY

COMMAND, DECODE, MASTER, NO_INTX = 0x04, 0x03, 0x07, 0x400
STATUS, INTX = 0x06, 0x08
BARS, ROM = range(0x10, 0x28, 4), 0x30
LINE, PIN, BRIDGE_CONTROL, BUS_RESET = 0x3c, 0x3d, 0x3e, 0x40
PM, MSI, EXPRESS, MSIX = 0x01, 0x05, 0x10, 0x11
MEMORY_AT, PORTS_AT = 0xc0000000, 0xd000
CONTENT = 64    # bytes of each BAR that are read
ROW = 16
WRITABLE = 512  # up to here the config space is written to


def config(vm, when):
    whole = vm.config.whole()
    for at in range(0, len(whole), ROW):
        row = whole[at:at + ROW]
        if any(row):
            yield f"{when}: config {at:03x}", row.hex()


def sizing(vm, when):
    """Each BAR by a store of all ones, of 4 bytes and of one byte each."""
    for register in (*BARS, ROM):
        old = vm.config.read(register)
        vm.config.write(register, 0xffffffff)
        yield f"{when}: size of {register:02x}", f"{vm.config.read(register):08x}"
        vm.config.write(register, 0)
        for byte in range(4):
            vm.config.write(register + byte, 0xff, 1)
        yield f"{when}: size of {register:02x} by bytes", f"{vm.config.read(register):08x}"
        vm.config.write(register, old)


def is_memory(what, value):
    """Whether this is what sizing() has found of a BAR that is not one of ports"""
    found = re.search(r": size of (\w+)$", what)
    return (found is not None and int(found[1], 16) in BARS
            and int(value, 16) != 0 and not int(value, 16) & 1)


def placed(vm):
    """Places the BARs; (number, whether of ports, address, size) each."""
    at, found, upper = {False: MEMORY_AT, True: PORTS_AT}, [], False
    for number, register in enumerate(BARS):
        if upper:
            upper = False
            continue
        vm.config.write(register, 0xffffffff)
        value = vm.config.read(register)
        is_ports, upper = bool(value & 1), value & 7 == 4
        size = -(value & (~3 if is_ports else ~15)) & (0xffff if is_ports else 0xffffffff)
        if not size or size > 0x08000000:
            vm.config.write(register, 0)
            continue
        at[is_ports] = math.ceil(at[is_ports] / size) * size
        vm.config.write(register, at[is_ports])
        if upper:
            vm.config.write(register + 4, 0)
        found.append((number, is_ports, at[is_ports], size))
        at[is_ports] += size
    vm.config.write(COMMAND, MASTER, 2)
    return found


def contents(vm, when):
    for number, is_ports, address, size in placed(vm):
        for at in range(0, min(size, CONTENT), 4):
            value = vm.number("inl" if is_ports else "readl", address + at)
            yield f"{when}: BAR {number} at {at:02x}", f"{value:08x}"


def interrupts(vm):
    """INTx by its bits; MSI and MSI-X by stores of every size."""
    yield "INTx: pin", vm.config.read(PIN, 1)
    for value in (MASTER | NO_INTX, MASTER):
        vm.config.write(COMMAND, value, 2)
        yield f"INTx: command {value:03x}", f"{vm.config.read(COMMAND, 2):04x}"
        yield f"INTx: status at command {value:03x}", bool(vm.config.read(STATUS, 2) & INTX)
    yield from msi(vm)
    yield from msix(vm)


def msi(vm):
    at = vm.config.capability(MSI)
    if not at:
        return
    for offset, value, size in ((4, 0x0c, 1), (5, 0xf0, 1), (6, 0xfee0, 2), (4, 0xfee01004, 4),
                                (8, 0x55, 1), (12, 0x41, 1), (12, 0x4142, 2), (2, 0x71, 1),
                                (2, 0x0001, 2), (3, 0xff, 1), (16, 0xff, 1), (2, 0, 2)):
        vm.config.write(at + offset, value, size)
        row = b"".join(vm.config.read(at + word).to_bytes(4, "little") for word in range(0, 24, 4))
        yield f"MSI: after {value:x} in {size} at {offset}", row.hex()


def msix(vm):
    at = vm.config.capability(MSIX)
    bars = {number: address for number, is_ports, address, _ in placed(vm) if not is_ports}
    if not at:
        return
    count = (vm.config.read(at + 2, 2) & 0x7ff) + 1
    table, pending = vm.config.read(at + 4), vm.config.read(at + 8)
    if table & 7 not in bars or pending & 7 not in bars:
        yield "MSI-X: place", f"{table:08x} {pending:08x}"
        return
    base = bars[table & 7] + (table & ~7)
    for entry in sorted({0, count - 1}):
        for offset, size in ((0, 4), (4, 4), (8, 4), (12, 4), (0, 8), (8, 8), (0, 1), (5, 1),
                             (8, 2), (14, 2)):
            place = base + 16 * entry + offset
            vm.qtest(MEMORY[1][size], place, 0x1122334455667788 & (1 << 8 * size) - 1)
            row = vm.qtest("read", base + 16 * entry, 16)[0]
            yield f"MSI-X: entry {entry} after {size} at {offset}", row
    yield "MSI-X: pending", vm.qtest("read", bars[pending & 7] + (pending & ~7), 8)[0]
    for offset, value, size in ((3, 0x80, 1), (2, 0xff, 1), (3, 0xc0, 1), (2, 0, 2)):
        vm.config.write(at + offset, value, size)
        yield f"MSI-X: control after {value:x} in {size}", f"{vm.config.read(at):08x}"


def power(vm):
    at = vm.config.capability(PM)
    if not at:
        return
    vm.config.write(LINE, 0x5a, 1)
    vm.config.write(at + 4, 3, 1)
    yield from config(vm, "in D3hot")
    yield from contents(vm, "in D3hot")
    vm.config.write(at + 4, 0, 1)
    yield from config(vm, "back in D0")
    yield from contents(vm, "back in D0")


def function_reset(vm):
    at = vm.config.capability(EXPRESS)
    if not at or not vm.config.read(at + 4) & 1 << 28:
        return
    vm.config.write(LINE, 0x5a, 1)
    placed(vm)
    vm.config.write(at + 9, vm.config.read(at + 9, 1) | 0x80, 1)
    yield from config(vm, "after FLR")
    yield from contents(vm, "after FLR")


def writable(vm):
    """Which bits of the config space can be set and cleared; the last thing that is done."""
    for value in (0xff, 0):
        for at in range(0x40, WRITABLE):
            vm.config.write(at, value, 1)
        yield from config(vm, f"after {value:02x} everywhere")


def on_root(vm):
    yield from config(vm, "at start")
    vm.config.write(COMMAND, 0, 2)
    yield from sizing(vm, "decoding off")
    yield from contents(vm, "at start")
    yield from sizing(vm, "decoding on")
    yield from interrupts(vm)
    for look in (power, function_reset):
        vm.reset()
        yield from look(vm)
    vm.config.write(LINE, 0x5a, 1)
    vm.reset()
    yield from config(vm, "after reset")
    yield from contents(vm, "after reset")
    yield from writable(vm)
    vm.reset()
    yield from config(vm, "after another reset")


def bus_reset(vm):
    vm.config.write(LINE, 0x5a, 1)
    placed(vm)
    control = vm.above.read(BRIDGE_CONTROL, 2)
    vm.above.write(BRIDGE_CONTROL, control | BUS_RESET, 2)
    vm.above.write(BRIDGE_CONTROL, control, 2)
    yield from config(vm, "after a bus reset")
    yield from contents(vm, "after a bus reset")


def plug(vm):
    try:
        yield "unplug: gone", vm.delete()
    except Exception as error:  # the words of QMP
        yield "unplug: refused", str(error)
        return
    yield "unplug: config 000", vm.config.whole()[:ROW].hex()
    try:
        vm.add()
    except Exception as error:
        yield "plug: refused", str(error)
        return
    yield from config(vm, "plugged")
    yield from contents(vm, "plugged")


def on_port(vm):
    yield from config(vm, "at start")
    yield from bus_reset(vm)
    yield from plug(vm)


def on_bridge(vm):
    yield from config(vm, "at start")
    yield from bus_reset(vm)


def on_pc(vm):
    yield from config(vm, "at start")
    yield from contents(vm, "at start")
    yield from plug(vm)


LOOKS = {"pcie.0": on_root, "pcie-root-port": on_port, "pcie-pci-bridge": on_bridge,
         "pci.0": on_pc}
