# SPDX-License-Identifier: GPL-2.0
"""What is measured of a whole guest: L2 with each device, in each of several ways."""

from dataclasses import dataclass, field

import peers

PATHS = ("in-process", "socket", "user-device")
DEVICES = {"nvme": "disk", "lsi53c895a": "disk", "virtio-blk": "disk", "e1000e": "network"}


@dataclass(frozen=True)
class Operation:
    name: str
    size: str = ""		# of a disk's request, in bytes
    depth: str = ""		# how many are under way at a time
    count: int = 1


# At depth 16 the device takes several requests at a time, so it takes more of
# them for an average.
DISK = [Operation(name, size, depth, count) for name in ("read", "write")
        for size in ("512", "4096") for depth, count in (("1", 32), ("16", 128))]
# What is sent and received is counted in MiB.  The pings of a window take two seconds
# or a multiple, as that is how often the driver looks after its card.
NETWORK = [Operation("ping", depth="1", count=100), Operation("receive", count=2),
           Operation("send", count=2)]


# A register that has no side effects, but that nobody knows of; in bytes.
REGISTER = [Operation(name, "1", "1", 200) for name in ("load", "store")]


@dataclass(frozen=True)
class Register:
    """One byte of a device that holds what is stored there; no driver uses the device."""
    pci_id: str		# vendor:device
    bar: int
    offset: int
    initcall: str	# of the driver


# The last of those that are a SCRIPT's to use.
REGISTERS = {"lsi53c895a": Register("0x1000:0x0012", 1, 0x9f, "sym2_init")}

# Moves of four bytes that this device makes, of each of which the write finds its
# address in the cache of translations; and so does the read, or it does not.
DMA = [Operation(name, "4", "1", 200) for name in ("hit", "miss")]


@dataclass(frozen=True)
class Plan:
    """Operations that an L2 makes, and beside what."""
    name: str
    table: str		# the file that its rows go to
    backends: dict	# by kind of device
    operations: dict	# the same
    # Each operation is made in windows, with so many times its count: one to warm up,
    # then pairs of one and its double.
    windows: tuple
    busy: bool = False	# each CPU has a task that never sleeps, each operation is timed
    scenario: str = ""	# of make run, for the machine
    kinds: dict = field(default_factory=lambda: DEVICES)

    def kind(self, device):
        """What its L2 does with the device; "" for nothing."""
        return self.kinds.get(device, "")

    def boots(self, device):
        """(backend, path) of each L2 that is run with it."""
        return [(backend, path) for backend in self.backends.get(self.kind(device), ())
                for path in (*PATHS, *peers.paths(device, self.kind(device)))]

    def counted(self, kind):
        """(window, operation, count of operations) of each window, in order."""
        return [(self.window(operation, i), operation, operation.count * times)
                for operation in self.operations[kind] for i, times in enumerate(self.windows)]

    @staticmethod
    def window(operation, index):
        return "-".join(filter(None, (operation.name, operation.size, operation.depth, str(index))))

    def pairs(self, operation):
        """The windows whose difference is what so many operations cost."""
        for i in range(1, len(self.windows), 2):
            yield self.window(operation, i), self.window(operation, i + 1)

    def last(self, operation):
        """(window, count of operations)"""
        return self.window(operation, len(self.windows) - 1), operation.count * self.windows[-1]


PAIRS = (1, 1, 2, 1, 2, 1, 2)
# The median of what three pairs differ by is what is told: now and then a window has in
# it what some timer does.
QUIET = Plan("quiet", "whole-guest.tsv", {"disk": ("null-co", "file"), "network": ("user",)},
             {"disk": DISK, "network": NETWORK}, PAIRS)
BUSY = Plan("busy", "busy-guest.tsv", {"disk": ("null-co",), "network": ("user",)},
            {"disk": [Operation(name, "4096", "1", 100) for name in ("read", "write")],
             "network": [Operation("ping", depth="1", count=100)]}, (1, 1, 2), busy=True)
OF_REGISTERS = Plan("registers", "registers.tsv", {"registers": ("null-co",)},
                    {"registers": REGISTER}, PAIRS, kinds=dict.fromkeys(REGISTERS, "registers"))
# An intel-iommu, and a kernel that unmaps in batches, which is the default.
VIOMMU = Plan("viommu", "viommu.tsv", {"disk": ("null-co",)},
              {"disk": [one for one in DISK if one.depth == "1"]}, PAIRS,
              scenario="viommu-lazy", kinds={"nvme": "disk"})
OF_DMA = Plan("dma", "dma.tsv", {"dma": ("null-co",)}, {"dma": DMA}, PAIRS,
              scenario="viommu-lazy", kinds={"lsi53c895a": "dma"})
PLANS = (QUIET, BUSY, OF_REGISTERS, VIOMMU, OF_DMA)
