# SPDX-License-Identifier: GPL-2.0
"""The tables of figures that a run leaves, and how they are read and written."""

import csv

ACCESSES = ("access", "served_by", "cpus", "vcpu_instructions", "emulator_instructions",
            "exits", "switches", "wakeups", "syscalls")
SCALING = ("axis", "value", *ACCESSES)
BUSY = (*ACCESSES[:5], "mean_ns", "median_ns", "p99_ns")
BOUNDS = ("name", "ratio", "bound")
GUEST = ("device", "backend", "operation", "size", "depth", "path", "instructions",
         "vcpu_cpu_instructions", "accesses", "spread")
BUSY_GUEST = (*GUEST[:8], "mean_ns", "median_ns", "p99_ns")
START = ("device", "path", "instructions", "process_instructions", "idle_instructions")
HELD = ("private_kib", "share_kib", "descriptors", "threads")
MEMORY = ("device", "when", *HELD)
MANY = ("vms", "processes", "who", *HELD)
PAUSE = ("device", "how", "instructions")
CLOCK = ("access", "served_by", "cpus", "ns")

PROFILE = ("access", "served_by", "cpus", "devices", "function", "instructions")

PROFILE_FILE = "profile.tsv"
FILES = {"accesses.tsv": ACCESSES, "scaling.tsv": SCALING, "bounds.tsv": BOUNDS,
         "whole-guest.tsv": GUEST, "busy.tsv": BUSY, "busy-guest.tsv": BUSY_GUEST,
         "registers.tsv": GUEST, "viommu.tsv": GUEST, "dma.tsv": GUEST,
         "process-start.tsv": START, "process-memory.tsv": MEMORY,
         "process-many.tsv": MANY, "process-pause.tsv": PAUSE}
CLOCK_FILE = "clock.tsv"

# Decimals of what is not a whole number of instructions.
DECIMALS = {"exits": 3, "switches": 3, "wakeups": 3, "syscalls": 3, "ratio": 3, "bound": 2,
            "accesses": 2, "spread": 4}
KEYS = ("access", "served_by", "function", "cpus", "axis", "value", "name", "bound", "device",
        "backend", "operation", "size", "depth", "path", "when", "vms", "processes", "who", "how")
# How far a figure is to be trusted is no figure.
TRUST = ("spread",)


class BadTable(Exception):
    """A table that is missing or not what it should be."""


def text_of(name, value):
    if isinstance(value, float):
        return f"{value:.{DECIMALS.get(name, 0)}f}"
    return str(value)


def write(path, columns, table):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        for row in table:
            writer.writerow([text_of(name, row[name]) for name in columns])


def read(path, columns):
    try:
        with open(path, newline="") as file:
            table = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise BadTable(f"{path}: {error.strerror}") from None
    for row in table:
        if tuple(row) != columns or None in row.values():
            raise BadTable(f"{path}: the columns should be {' '.join(columns)}")
    if not table:
        raise BadTable(f"{path}: no rows")
    return table


def key(row):
    return tuple(row[name] for name in KEYS if name in row)


def figures(columns):
    return [name for name in columns if name not in KEYS + TRUST]
