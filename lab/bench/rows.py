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
    ("in-kernel+ping-pong", LOADS),
    ("user-device", LOADS + STORES + STRINGS),
    ("user-device-read", LOADS + STORES),
    ("user-device-spin", LOADS + STRINGS),
    ("user-device-polling", LOADS),
    ("user-device-nonposted", STORES),
    ("user-device-doorbell", STORES),
    ("user-device-shadow", LOADS),
)
# Those that need no other process.
ALONE = ("exit", "in-kernel", "user-device-shadow")
# Nobody can poll on the one CPU that the guest needs.
TWO_CPUS = ("user-device-polling",)

VCPUS = (1, 2, 4, 8)
DEVICES = (1, 8, 64)
BATCHES = (1, 4, 16, 64, 256)
IDLE = (1, 64)	# devices of six ranges that nobody accesses
OTHERS = (1, 100, 1000)	# VMs that have a device
COUNT = 1000	# accesses of a run, by all vCPUs together
STRING_COUNT = 50	# strings of a run
BUSY_COUNT = 4000	# accesses of a run while other tasks want the CPUs
HANDED_OVER_COUNT = 400	# the same, if each waits for its turn on a second CPU

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
    busy: int = 0	# CPUs that each have a task that never sleeps; each access is timed then

    def count(self):
        if self.busy:
            alone = self.busy == 1 or self.served_by in ALONE
            return BUSY_COUNT if alone else HANDED_OVER_COUNT
        return STRING_COUNT if self.access in STRINGS else COUNT // self.vcpus

    def command(self):
        bystanders = "".join(f" -{name[0]} {number}" for name, number in
                             (("idle", self.idle), ("others", self.others)) if number)
        timed = " -t" if self.busy else ""
        return (f"./devuser_bench -v {self.vcpus} -d {self.devices} -p {self.pages} -b {self.batch}"
                f" -n {self.count()}{bystanders}{timed} {self.access} {self.served_by}")

    @property
    def table(self):
        """The file that its row goes to."""
        return "scaling.tsv" if self.axis else "busy.tsv" if self.busy else "accesses.tsv"

    @property
    def value(self):
        return getattr(self, self.axis)


def accesses(cpus):
    return [Run(access, server) for server, served in SERVERS for access in served
            if cpus > 1 or server not in TWO_CPUS]


def busy(cpus):
    """The loads among them, beside tasks that never sleep."""
    return [Run(run.access, run.served_by, busy=cpus) for run in accesses(cpus)
            if run.access in LOADS]


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
    cpus = BOOTS[boot]
    return scaling() if boot == "scaling" else accesses(cpus) + busy(cpus)
