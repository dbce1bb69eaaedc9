# SPDX-License-Identifier: GPL-2.0
"""What is measured of a whole guest: L2 with each device, in each of three ways."""

from dataclasses import dataclass

PATHS = ("in-process", "socket", "user-device")
BACKENDS = {"disk": ("null-co", "file"), "network": ("user",)}
DEVICES = {"nvme": "disk", "lsi53c895a": "disk", "e1000e": "network"}

# Each operation is made in seven windows, with so many times its count: one to
# warm up, then three times one and its double.  The median of what they differ by is
# what is told: now and then a window has in it what some timer does.
WINDOWS = (1, 1, 2, 1, 2, 1, 2)


@dataclass(frozen=True)
class Operation:
    name: str
    size: str = ""		# of a disk's request, in bytes
    depth: str = ""		# how many are under way at a time
    count: int = 1

    def window(self, index):
        return "-".join(filter(None, (self.name, self.size, self.depth, str(index))))


# At depth 16 the device takes several requests at a time, so it takes more of
# them for an average.
DISK = [Operation(name, size, depth, count) for name in ("read", "write")
        for size in ("512", "4096") for depth, count in (("1", 32), ("16", 128))]
# What is sent and received is counted in MiB.  The pings of a window take two seconds
# or a multiple, as that is how often the driver looks after its card.
NETWORK = [Operation("ping", depth="1", count=100), Operation("receive", count=2),
           Operation("send", count=2)]
OPERATIONS = {"disk": DISK, "network": NETWORK}


def windows(kind):
    """(name, operation, count of operations) of each, in order."""
    return [(operation.window(i), operation, operation.count * times)
            for operation in OPERATIONS[kind] for i, times in enumerate(WINDOWS)]


def boots(device):
    """(backend, path) of each L2 that is run with it."""
    return [(backend, path) for backend in BACKENDS[DEVICES[device]] for path in PATHS]
