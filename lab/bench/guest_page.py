# SPDX-License-Identifier: GPL-2.0
"""The section of the page on a whole guest."""

import guest_rows
import tables

HEAD = """
## A whole guest

A Linux guest, L2, whose device is in QEMU's own process (**in-process**), in a
process of its own that the proxy talks to over the socket (**socket**), or in that
process with the user device (**user device**), where a vCPU polls for a reply for as
long as the proxy's `poll-max-ns` has it do so by default. Instructions, in thousands,
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


def lines(table, device):
    """One of each operation: its three rows, side by side."""
    rows = {}
    for row in table:
        if row["device"] == device:
            key = tuple(row[name] for name in ("backend", "operation", "size", "depth"))
            rows.setdefault(key, {})[row["path"]] = row
    for key, paths in rows.items():
        inside, socket, user = (paths[path] for path in guest_rows.PATHS)
        ratios = (float(user[figure]) / float(other[figure]) for figure, other in
                  (("instructions", inside), ("instructions", socket),
                   ("vcpu_cpu_instructions", inside)))
        yield [*key, *(thousands(row, "instructions") for row in (inside, socket, user)),
               *(f"{next(ratios):.2f}" for _ in range(2)),
               *(thousands(row, "vcpu_cpu_instructions") for row in (inside, user)),
               f"{next(ratios):.2f}", user["accesses"]]


def spread(table):
    """(median, maximum)"""
    found = sorted(float(row["spread"]) for row in table)
    return found[len(found) // 2], found[-1]


COLUMNS = ("backend", "operation", "size", "depth", "in-process", "socket", "user device",
           "/ in-process", "/ socket", "in-process, vCPU's CPU", "user device, vCPU's CPU",
           "ratio", "accesses")
WORDS = 2


def section(folder):
    table = tables.read(folder / "whole-guest.tsv", tables.GUEST)
    yield HEAD.rstrip("\n")
    for device in guest_rows.DEVICES:
        yield f"\n### {device}\n"
        if device not in {row["device"] for row in table}:
            yield "Not measured."
            continue
        yield "| " + " | ".join(COLUMNS) + " |"
        yield "|" + "---|" * WORDS + "---:|" * (len(COLUMNS) - WORDS)
        for line in lines(table, device):
            yield "| " + " | ".join(line) + " |"
    spreads = {name: spread([row for row in table if (row["depth"] == "1") == (name == "one")])
               for name in ("one", "other")}
    yield METHOD.format(**spreads).rstrip("\n")
