# SPDX-License-Identifier: GPL-2.0
"""What is measured: the boots of L1, and the runs of devuser_bench in each."""

from dataclasses import dataclass

LOADS = ("mmio-load", "port-load")
STORES = ("mmio-store", "port-store")
STRINGS = ("port-string",)

# Who can serve what, in the order of the table.
SERVERS = (
    ("exit", LOADS + STORES + STRINGS),
    ("exit+socket", LOADS + STORES),
    ("ioeventfd", STORES),
    ("coalesced", STORES),
    ("in-kernel", LOADS + STORES),
    ("user-device", LOADS + STORES + STRINGS),
    ("user-device-read", LOADS + STORES),
    ("user-device-spin", LOADS + STRINGS),
    ("user-device-polling", LOADS),
    ("user-device-nonposted", STORES),
    ("user-device-doorbell", STORES),
    ("user-device-shadow", LOADS),
)
# Nobody can poll on the one CPU that the guest needs.
TWO_CPUS = ("user-device-polling",)

VCPUS = (1, 2, 4, 8)
DEVICES = (1, 8, 64)
BATCHES = (1, 4, 16, 64, 256)
IDLE = (1, 64)	# devices of six ranges that nobody accesses
OTHERS = (1, 100, 1000)	# VMs that have a device
COUNT = 1000	# accesses of a run, by all vCPUs together
STRING_COUNT = 50	# strings of a run

# What is measured together, and the CPUs of L1.  Where there are two, the
# emulator has one for itself; any number of vCPUs share the other.
BOOTS = {"one-cpu": 1, "two-cpus": 2, "scaling": 2}


@dataclass(frozen=True)
class Run:
    """One run of devuser_bench; axis says which of the scaling plots it is for."""
    access: str
    served_by: str
    axis: str = ""
    vcpus: int = 1
    devices: int = 1
    pages: int = 1	# which the guest accesses in turn, and the devices share
    batch: int = 64
    idle: int = 0
    others: int = 0

    def command(self):
        count = STRING_COUNT if self.access in STRINGS else COUNT // self.vcpus
        bystanders = "".join(f" -{name[0]} {number}" for name, number in
                             (("idle", self.idle), ("others", self.others)) if number)
        return (f"./devuser_bench -v {self.vcpus} -d {self.devices} -p {self.pages}"
                f" -b {self.batch} -n {count}{bystanders} {self.access} {self.served_by}")

    @property
    def value(self):
        return getattr(self, self.axis)


def accesses(cpus):
    return [Run(access, server) for server, served in SERVERS for access in served
            if cpus > 1 or server not in TWO_CPUS]


def scaling():
    three = (("mmio-store", "user-device"), ("mmio-load", "user-device"),
             ("mmio-load", "user-device-shadow"))
    runs = [Run(*one, axis="vcpus", vcpus=n) for one in three for n in VCPUS]
    three = (("mmio-store", "user-device-epoll"), ("mmio-load", "user-device-epoll"),
             ("mmio-load", "user-device-shadow"))
    runs += [Run(*one, axis="devices", devices=n, pages=max(DEVICES)) for one in three
             for n in DEVICES]
    runs += [Run("mmio-store", "user-device", axis="batch", batch=n) for n in BATCHES]
    runs += [Run("mmio-load", "exit", axis="idle", idle=n) for n in IDLE]
    return runs + [Run(*one, axis="others", others=n) for one in
                   (("mmio-store", "user-device"), ("mmio-load", "exit")) for n in OTHERS]


# Whose instructions are told by function: the accesses that cost most, by CPUs of L1.
PROFILED = (
    (1, Run("mmio-load", "user-device")),
    (2, Run("mmio-load", "user-device")),
    (2, Run("mmio-store", "user-device-epoll", axis="devices", devices=max(DEVICES),
            pages=max(DEVICES))),
)

# L1 has just started and is still busy with that: the first run is not used.
WARM_UP = Run("mmio-load", "exit+socket")


def runs(boot):
    return scaling() if boot == "scaling" else accesses(BOOTS[boot])
