# SPDX-License-Identifier: GPL-2.0
"""What the plot of README.md shows: operations in each way, against in-process."""

import tables

WAYS = ("in-process", "user-device", "socket", "vhost-user", "vfio-user")
# The words under the bars, the table, and what chooses its rows.
OPERATIONS = (
    ("lsi53c895a\\nregister, load", "registers.tsv",
     {"device": "lsi53c895a", "operation": "load"}),
    ("lsi53c895a\\nregister, store", "registers.tsv", {"device": "lsi53c895a", "operation": "store"}),
    ("nvme\\n4 KiB read", "whole-guest.tsv",
     {"device": "nvme", "operation": "read", "depth": "1"}),
    ("virtio-blk\\n4 KiB read", "whole-guest.tsv",
     {"device": "virtio-blk", "operation": "read", "depth": "1"}),
    ("virtio-blk\\n16 at a time", "whole-guest.tsv",
     {"device": "virtio-blk", "operation": "read", "depth": "16"}),
    ("e1000e\\nping", "whole-guest.tsv", {"device": "e1000e", "operation": "ping"}),
)
DISK = {"size": "4096", "backend": "null-co"}


def wanted(chosen):
    return chosen | (DISK if chosen["operation"] == "read" else {})


def by_way(table, chosen):
    return {row["path"]: float(row["instructions"]) for row in table
            if all(row[name] == value for name, value in chosen.items())}


def lines(folder):
    """A line for each operation: its name, and each way's ratio, "-" for what is not measured."""
    for words, name, chosen in OPERATIONS:
        found = by_way(tables.read(folder / name, tables.GUEST), wanted(chosen))
        if "in-process" not in found:
            raise LookupError(f"{name} has nothing in-process for {chosen}")
        cells = (f"{found[way] / found['in-process']:.3f}" if way in found else "-" for way in WAYS)
        yield "\t".join([f'"{words}"', *cells]) + "\n"
