# SPDX-License-Identifier: GPL-2.0
"""The section of the page on a whole guest."""

import guest_rows
import peers
import tables

HEAD = """
## A whole guest

A Linux guest, L2, whose device is in QEMU's own process (**in-process**), in a
process of its own that the proxy talks to over the socket (**socket**), or in that
process with the user device (**user-device**), where a vCPU polls for a reply for as
long as the proxy's `poll-max-ns` has it do so by default. virtio-blk has an iothread,
in whichever process it is, which does not poll, and remotely rings doorbells.
**vhost-user** is the same
disk as vhost-user-blk, served by an iothread of qemu-storage-daemon, both of the
newest QEMU that Debian has. **vfio-user** is the same device in the vfio-user server
that is in QEMU's source, with that newest QEMU as the client. Only a register is
measured so: behind it, the driver of lsi53c895a aborts and resets for ever, and the
first read of nvme does not end. Instructions, in thousands,
that one operation costs in all: guest, kernel, QEMU, the device's process. Of them, **on
the vCPU's CPU** are those of the CPU of L1 that has L2's vCPU for itself; all other
threads are on a second CPU. Sizes are in bytes, depth is how many requests are
under way at a time; `receive` and `send` are of 1 MiB over TCP, and have in them
what the other side costs, a process in L1 behind QEMU's user-mode network.
**Accesses** are those that the guest makes to the device per operation: the
requests that the user device carries.

![a whole guest](guest.svg)
"""

METHOD = """
### How a whole guest is measured

L1 is the one of the accesses, under `-icount`. L2 is the kernel of `make kernel`,
smaller than Debian's, which takes too long to start there, with one CPU and busybox.
The operations are fio's, by io_uring with direct I/O and no merging of requests,
busybox's ping, and nc's. Each is made in seven windows: one to warm up, then three
times a number and its double. The median of the three differences, divided by that
number, is the figure: without what fio, L2 and L1 do once. KVM's polling for a halted
vCPU is switched off, as time spent waiting would be counted as instructions, and so is
khugepaged.

What the three pairs of windows differ by: at depth 1 {one[1]:.1%} at most, in the
median {one[0]:.1%}; otherwise {other[1]:.1%} at most, in the median {other[0]:.1%}.
How many of 16 requests the device takes up, and completes, at a time is not the same
in each window, and neither is what each of them costs. Two runs of the same programs
repeat all of that; with other programs, such figures move by as much.

Raw data: [whole-guest.tsv](whole-guest.tsv).
"""


def thousands(row, figure):
    return f"{float(row[figure]) / 1000:.1f}"


def by_operation(table, device):
    """{(backend, operation, size, depth): {path: row}}"""
    found = {}
    for row in table:
        if row["device"] == device:
            key = tuple(row[name] for name in ("backend", "operation", "size", "depth"))
            found.setdefault(key, {})[row["path"]] = row
    return found


def titles(paths):
    """Of the columns of one device's table, measured in these ways."""
    others = [path for path in paths if path != OURS]
    return (*KEY, *paths, *(f"/ {path}" for path in others),
            *(f"{path}, vCPU's CPU" for path in paths if path != "socket"),
            *(f"/ {path}" for path in others if path != "socket"), "accesses")


def line(key, ways):
    """What titles() names, of one operation."""
    def ratios(figure, others):
        return (f"{float(ways[OURS][figure]) / float(ways[path][figure]):.2f}" for path in others)
    others = [path for path in ways if path != OURS]
    apart = [path for path in ways if path != "socket"]
    return (*key, *(thousands(row, "instructions") for row in ways.values()),
            *ratios("instructions", others),
            *(thousands(ways[path], "vcpu_cpu_instructions") for path in apart),
            *ratios("vcpu_cpu_instructions", [path for path in apart if path != OURS]),
            ways[OURS]["accesses"])


def device_table(table, device):
    operations = by_operation(table, device)
    if not operations:
        yield "Not measured."
        return
    yield from formatted(titles(next(iter(operations.values()))),
                         (line(*operation) for operation in operations.items()), WORDS)


def formatted(head, lines, words):
    """A table whose first columns are words."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * words + "---:|" * (len(head) - words)
    for cells in lines:
        yield "| " + " | ".join(cells) + " |"


def spread(table):
    """(median, maximum)"""
    found = sorted(float(row["spread"]) for row in table)
    return found[len(found) // 2], found[-1]


OURS = "user-device"
KEY = ("backend", "operation", "size", "depth")
WORDS = 2


def missing(table):
    """What the page says of ways that could not be measured."""
    there = {(row["device"], row["path"]) for row in table}
    for device, ways in (*peers.WAYS.items(), *peers.REGISTER_WAYS.items()):
        for way in ways:
            if (device, way) not in there:
                yield (f"\n{device} by {way} is not measured: its programs could not be had when"
                       " this page was made.")


def section(folder):
    table = tables.read(folder / "whole-guest.tsv", tables.GUEST)
    yield HEAD.rstrip("\n")
    for device in guest_rows.DEVICES:
        yield f"\n### {device}\n"
        yield from device_table(table, device)
    yield from registers(folder)
    yield from viommu(folder)
    yield from missing(table + tables.read(folder / "registers.tsv", tables.GUEST))
    spreads = {name: spread([row for row in table if (row["depth"] == "1") == (name == "one")])
               for name in ("one", "other")}
    yield METHOD.format(**spreads).rstrip("\n")


REGISTERS = """
### One register

What one load, and one store, of a register of that device costs in a whole guest: a
byte that a program in L2 maps. A store to vfio-user is posted, but for
**vfio-user-nonposted** (`x-no-posted-writes`). Nobody serves the load but the device
model, and no shadow image has it. No driver uses the device.
"""


def registers(folder):
    table = tables.read(folder / "registers.tsv", tables.GUEST)
    yield REGISTERS
    for device in guest_rows.REGISTERS:
        yield f"{device}:\n"
        yield from device_table(table, device)


VIOMMU = """
### Behind a vIOMMU

The same with nvme behind an intel-iommu, in a guest whose kernel unmaps in batches, as
it does by default. The kernel gives each mapping an address of its own, so a request's
page may be new to the process's cache, which asks QEMU for it (a **miss**, below).
"""

DMA = """
### DMA behind a vIOMMU

What one move of four bytes costs that lsi53c895a makes by itself: a read and a write.
Their translations are all in the cache (**hit**), QEMU's or that of the device's
process; or that for the read is not (**miss**), as its page was unmapped before and
mapped again. A program in L2 drives the device, by VFIO: it has the device make many
moves, one after another, and sleeps. Remotely, a miss is a message to QEMU and a reply.

![DMA behind a vIOMMU](dma.svg)
"""


def viommu(folder):
    for text, name, device in ((VIOMMU, "viommu.tsv", "nvme"), (DMA, "dma.tsv", "lsi53c895a")):
        yield text
        yield from device_table(tables.read(folder / name, tables.GUEST), device)
    yield "\nRaw data: [viommu.tsv](viommu.tsv), [dma.tsv](dma.tsv)."


def busy(folder):
    """The table of the same beside tasks that never sleep."""
    table = tables.read(folder / "busy-guest.tsv", tables.BUSY_GUEST)
    yield from formatted(tables.BUSY_GUEST, ([row[name] for name in tables.BUSY_GUEST]
                                             for row in table), 3)
