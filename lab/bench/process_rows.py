# SPDX-License-Identifier: GPL-2.0
"""What is measured of a process: its start, its memory, many of them, pauses."""

from dataclasses import dataclass

DEVICES = ("lsi53c895a", "nvme", "e1000e", "virtio-blk")
START_PATHS = ("in-process", "unconfined", "confined")
# The guest's last device is in slot 31, so that one VM has 30 processes.
FIRST_SLOT = SLOT = 2
PROCESSES = 30
MANY = ((1, 1), (1, PROCESSES), (10, PROCESSES))	# VMs, processes of each
PAUSED = ("lsi53c895a", "e1000e", "virtio-blk")
PAUSES = ("migrated-in-process", "migrated", "upgraded")
IDLE_SECONDS = 20	# in which nothing happens
SETTLED_SECONDS = 2	# in which a process gives back what it does not use


@dataclass(frozen=True)
class Register:
    """One that the process answers for, not the shadow image."""
    bar: int
    offset: int


REGISTERS = {"lsi53c895a": Register(1, 0x14), "nvme": Register(0, 0x14),
             "e1000e": Register(0, 0), "virtio-blk": Register(4, 0)}

# What a page costs depends on where the allocator has it from: the median is told.
TIMES = 3
STARTS = [(name, path) for name in DEVICES for path in START_PATHS] * TIMES
ALL_PAUSES = [(name, how) for name in PAUSED for how in PAUSES]
