# SPDX-License-Identifier: GPL-2.0
"""The section on what a process costs, from its tables."""

import bounds
import process_rows as rows
import tables

HEAD = """
## What a process costs

The process is a QEMU like any other, and the same program as the one with the guest:
what of it is only read is there once, however many there are. What a process has for
itself is what it has written to: pointers in the program that hold where this was
loaded, and its heap.

### Its start

From QEMU's start to a guest's first load of a register, in thousands of instructions.
The guest is nothing but this load, of a register that is not in the shadow image. **In
all** is what L1 executes, QEMU's own start included; **adds** is that without what the
same costs with the device in QEMU. **The process** is what its threads execute
themselves, in user mode and in the kernel, from `fork()` on; **before** is that of the
patches before this was measured. Confined is the default; the root directory is made by a child
of the process, which is not in its own figure. Nothing happens for {seconds} s
afterwards: **idle** is what the process executes in these. Each is
the median of {times}, but for that, which is the most.
"""

START_REMARKS = """
About half of what the process executes is the kernel's: pages that it writes to for the first
time. The rest are the dynamic linker, all types that register, and what QEMU asks of each
device, above all its configuration space, four bytes at a time. Confinement adds the
namespaces, a copy of the process that makes the root directory, a mount for each image
and ROM in it, and the filter of system calls.
"""

MEMORY = """
### Its memory

Of a Linux guest with 512 MiB, two seconds after the end of its boot, with the device's
driver, and two seconds after it has read and written 4 MiB, or sent 20 pings. **Private** is
what no other process has, **share** counts what is mapped by n processes as an n-th; in KiB.
"""

MEMORY_REMARKS = """
More than half of what is private are pages of the program's data with pointers, which the
dynamic linker has changed to where the program is loaded. Processes that are forked from one that
has done so share them, and would save most of that; but then each knows where everything is in
all others, and in QEMU. The rest is the heap, which gives back what it does not use a second after
the guest's memory has changed for the last time, and the dirty bitmaps of the guest's RAM, of
which there are two bits for each page.
"""

MANY = """
### Many of them

Of {devices} in turn, one process each; in MiB, and of all together.
"""

PAUSE = """
### Pauses of the guest

The most that L1 executes, in thousands of instructions, between two marks of a guest that
makes one after the other: while it is migrated to another QEMU of the same L1, with the
device in QEMU and in a process, and while another process takes the device's place
(`remote-replace`). The guest has 16 MiB, of which it uses nothing.
"""


def table(head, lines, texts=1):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * texts + "---:|" * (len(head) - texts)
    for line in lines:
        yield "| " + " | ".join(line) + " |"


def thousands(value):
    return f"{float(value) / 1000:.0f}"


def starts(folder):
    found = {(row["device"], row["path"]): row for row in
             tables.read(folder / "process-start.tsv", tables.START)}
    before = {(row["device"], row["path"]): thousands(row["process_instructions"])
              for row in tables.read(bounds.BEFORE, tables.START)}
    for (device, path), row in found.items():
        if path == "in-process":
            continue
        adds = float(row["instructions"]) - float(found[device, "in-process"]["instructions"])
        yield (device, path, thousands(row["instructions"]), thousands(adds),
               thousands(row["process_instructions"]),
               before.get((device, path), ""), row["idle_instructions"])


def memories(folder):
    for row in tables.read(folder / "process-memory.tsv", tables.MEMORY):
        yield tuple(row[name] for name in tables.MEMORY)


def many(folder):
    for row in tables.read(folder / "process-many.tsv", tables.MANY):
        sizes = [f"{float(row[name]) / 1024:.1f}" for name in tables.HELD[:2]]
        yield (row["vms"], row["processes"], row["who"], *sizes, row["descriptors"], row["threads"])


def pauses(folder):
    found = {(row["device"], row["how"]): row["instructions"] for row in
             tables.read(folder / "process-pause.tsv", tables.PAUSE)}
    for device in dict.fromkeys(device for device, _ in found):
        figures = [float(found[device, how]) for how in rows.PAUSES]
        adds = figures[1] - figures[0]
        yield (device, *map(thousands, (*figures[:2], adds, figures[2])))


TABLES = ("process-start.tsv", "process-memory.tsv", "process-many.tsv", "process-pause.tsv")


def section(folder):
    yield HEAD.format(seconds=rows.IDLE_SECONDS, times=rows.TIMES)
    yield from table(("device", "", "in all", "adds", "the process", "before", "idle"),
                     starts(folder), 2)
    yield START_REMARKS
    yield MEMORY
    yield from table(("device", "when", "private", "share", "descriptors", "threads"),
                     memories(folder), 2)
    yield MEMORY_REMARKS
    yield MANY.format(devices=", ".join(rows.DEVICES))
    yield from table(("VMs", "processes of each", "of whom", "private", "share", "descriptors",
                      "threads"), many(folder), 3)
    yield PAUSE
    yield from table(("device", "migrated, in-process", "migrated, process", "adds", "upgraded"),
                     pauses(folder))
    yield "\nRaw data: " + ", ".join(f"[{name}]({name})" for name in TABLES) + "."
