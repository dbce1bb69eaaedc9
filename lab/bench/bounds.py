# SPDX-License-Identifier: GPL-2.0
"""What the user device should reach, as ratios of rows of one run."""

import pathlib

import tables

# What the start of a process cost with the patches of before, to be halved.
BEFORE = pathlib.Path(__file__).resolve().parent / "process/before.tsv"
PRIVATE_KIB = 5 * 1024


class Finder:
    """Sums of the sides' instructions, by what a row says about itself."""

    def __init__(self, table, scaling, beside_hogs):
        self.table, self.scaling, self.beside_hogs = table, scaling, beside_hogs

    def row(self, table, **wanted):
        found = [row for row in table if all(row[name] == value for name, value in wanted.items())]
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows for {wanted}")
        return found[0]

    def vcpu(self, access, server, cpus):
        row = self.row(self.table, access=access, served_by=server, cpus=str(cpus))
        return float(row["vcpu_instructions"])

    def both(self, access, server, cpus):
        return self.sum(self.row(self.table, access=access, served_by=server, cpus=str(cpus)))

    def scaled(self, access, server, axis, value):
        return self.sum(self.row(self.scaling, access=access, served_by=server, axis=axis,
                                 value=str(value)))

    def busy(self, figure, server, cpus):
        row = self.row(self.beside_hogs, access="mmio-load", served_by=server, cpus=str(cpus))
        return float(row[figure])

    @staticmethod
    def sum(row):
        return float(row["vcpu_instructions"]) + float(row["emulator_instructions"])


CPUS = ((1, "one CPU"), (2, "two CPUs"))


def ratios(find):
    """(name, ratio, bound) of each bound that single accesses can show."""
    store, load = "mmio-store", "mmio-load"
    user, eventfd = "user-device", "ioeventfd"
    yield ("posted MMIO store / ioeventfd, vCPU's side, two CPUs",
           find.vcpu(store, user, 2) / find.vcpu(store, eventfd, 2), 1.03)
    yield ("doorbell / ioeventfd, vCPU's side, two CPUs",
           find.vcpu(store, user + "-doorbell", 2) / find.vcpu(store, eventfd, 2), 1.02)
    yield ("posted MMIO store / ioeventfd, both sides, two CPUs",
           find.both(store, user, 2) / find.both(store, eventfd, 2), 1.10)
    yield ("posted MMIO store / ioeventfd, both sides, one CPU",
           find.both(store, user, 1) / find.both(store, eventfd, 1), 1.35)
    yield ("shadow MMIO load / in-kernel device, two CPUs",
           find.both(load, "user-device-shadow", 2) / find.both(load, "in-kernel", 2), 1.02)
    for cpus, words in CPUS:
        yield (f"side-effect load, both asleep / in-kernel load and eventfd ping-pong, {words}",
               find.both(load, user, cpus) / find.both(load, "in-kernel+ping-pong", cpus), 1.10)
        socket = find.both(load, "exit+socket", cpus)
        yield (f"side-effect load, both asleep / exit and socket, {words}",
               find.both(load, user, cpus) / socket, 0.50)
        yield (f"side-effect load, emulator asleep, vCPU spins / exit and socket, {words}",
               find.both(load, user + "-spin", cpus) / socket, 0.50)
    yield ("side-effect load, emulator polling / exit, two CPUs",
           find.both(load, "user-device-polling", 2) / find.both(load, "exit", 2), 1.50)
    for access, what in ((store, "posted store"), (load, "side-effect load")):
        yield (f"{what}, 8 vCPUs / one",
               find.scaled(access, user, "vcpus", 8) / find.scaled(access, user, "vcpus", 1), 1.05)
    yield ("posted store, 1000 other VMs with a device / one",
           find.scaled(store, user, "others", 1000) / find.scaled(store, user, "others", 1), 1.01)
    yield ("exit to the VMM, 1000 other VMs with a device / one",
           find.scaled(load, "exit", "others", 1000) / find.scaled(load, "exit", "others", 1), 1.01)
    yield ("exit to the VMM, 64 idle devices of 6 ranges / one",
           find.scaled(load, "exit", "idle", 64) / find.scaled(load, "exit", "idle", 1), 1.05)


def busy_ratios(find):
    """The same in time, while each CPU has a task that never sleeps."""
    for cpus, words in CPUS:
        for server, what in (("user-device", "both asleep"), ("user-device-spin", "vCPU spins")):
            name = f"busy machine, load, {what}"
            for figure, which in (("median_ns", "median"), ("p99_ns", "99th percentile")):
                socket = find.busy(figure, "exit+socket", cpus)
                yield (f"{name} / exit and socket, {which} of the time, {words}",
                       find.busy(figure, server, cpus) / socket, 0.50)
            here = find.busy("median_ns", "exit", cpus)
            yield (f"{name} / exit, median of the time, {words}",
                   find.busy("median_ns", server, cpus) / here, 2.00)


# In total, and on the vCPU's CPU at depth 1.
IN_PROCESS = {"nvme": (1.00, 1.00), "lsi53c895a": (1.05, 1.00), "e1000e": (1.05, 1.00),
              "virtio-blk": (1.05, 1.05)}
DEPTHS = {"1": "depth 1", "16": "depth 16", "": "a stream"}


class Guest:
    """A whole guest with one device."""

    def __init__(self, table, device):
        names = ("path", "backend", "operation", "size", "depth")
        self.of = {tuple(row[name] for name in names): row for row in table
                   if row["device"] == device}

    def has(self, path):
        return any(key[0] == path for key in self.of)

    def depths(self):
        return [depth for depth in DEPTHS if any(key[-1] == depth for key in self.of)]

    def worst(self, figure, against, depths):
        """Of the operations that one at which the user device does worst."""
        return max(float(row[figure]) / float(self.of[against, *key[1:]][figure])
                   for key, row in self.of.items()
                   if key[0] == "user-device" and key[-1] in depths)


def guest_ratios(table):
    """The same for a whole guest."""
    for device, (bound, vcpu_bound) in IN_PROCESS.items():
        guest, name = Guest(table, device), f"whole guest, {device}"
        for depth in guest.depths():
            yield (f"{name}, {DEPTHS[depth]}, in total / in-process",
                   guest.worst("instructions", "in-process", [depth]), bound)
        yield (f"{name}, depth 1, on the vCPU's CPU / in-process",
               guest.worst("vcpu_cpu_instructions", "in-process", ["1"]), vcpu_bound)
        yield (f"{name}, in total / socket proxy",
               guest.worst("instructions", "socket", guest.depths()), 0.60)
        if guest.has("vhost-user"):
            yield from vhost_user_ratios(guest, name)


def vhost_user_ratios(guest, name):
    for depth in guest.depths():
        for figure, where in (("instructions", "in total"),
                              ("vcpu_cpu_instructions", "on the vCPU's CPU")):
            yield (f"{name}, {DEPTHS[depth]}, {where} / vhost-user-blk",
                   guest.worst(figure, "vhost-user", [depth]), 1.00)


VFIO_USER = {"load": ("load, vCPU polls", 0.40), "store": ("posted store", 0.35)}


def register_ratios(table):
    """Of one access, both sides and the guest."""
    of = {(row["device"], row["path"], row["operation"]): float(row["instructions"])
          for row in table}
    for device, path, operation in of:
        if path == "vfio-user":
            what, bound = VFIO_USER[operation]
            yield (f"{device}'s register, {what} / vfio-user, both sides",
                   of[device, "user-device", operation] / of[device, path, operation], bound)


VIOMMU = ("whole guest, nvme behind intel-iommu, lazy, depth 1, in total / in-process", 1.05)
DMA = {"hit": 1.05}


def viommu_ratios(folder):
    """Behind a vIOMMU; of a device's DMA, of both sides."""
    table, moves = (tables.read(folder / name, tables.GUEST)
                    for name in ("viommu.tsv", "dma.tsv"))
    name, bound = VIOMMU
    yield name, Guest(table, "nvme").worst("instructions", "in-process", ["1"]), bound
    cost = {(row["operation"], row["path"]): float(row["instructions"]) for row in moves}
    for operation, bound in DMA.items():
        yield (f"DMA behind intel-iommu, a {operation} / in-process",
               cost[operation, "user-device"] / cost[operation, "in-process"], bound)


def started(table, figure):
    """{(device, path): figure}"""
    return {(row["device"], row["path"]): float(row[figure]) for row in table}


def start_ratios(table):
    """Of a process's start; what it costs is what is executed more than in QEMU."""
    now, whole = started(table, "process_instructions"), started(table, "instructions")
    before = started(tables.read(BEFORE, tables.START), "process_instructions")
    for device in dict.fromkeys(row["device"] for row in table):
        yield (f"start of a process, {device}, to the first load / before",
               now[device, "confined"] / before[device, "confined"], 0.50)
        alone = whole[device, "in-process"]
        yield (f"start of a process, {device}, confined / unconfined, with all that QEMU does",
               (whole[device, "confined"] - alone) / (whole[device, "unconfined"] - alone), 1.20)
    for row in table:
        if row["path"] == "confined":
            yield (f"instructions in which nothing happens, {row['device']}",
                   float(row["idle_instructions"]), 0.00)


def memory_ratios(table):
    for row in table:
        if row["when"] == "booted":
            yield (f"private memory of a process, {row['device']}, after the guest's boot / 5 MiB",
                   float(row["private_kib"]) / PRIVATE_KIB, 1.00)


def process_ratios(folder):
    start, memory = (tables.read(folder / name, tables.FILES[name])
                     for name in ("process-start.tsv", "process-memory.tsv"))
    yield from start_ratios(start)
    yield from memory_ratios(memory)


def write(folder):
    """bounds.tsv, from the tables beside it."""
    find = Finder(*(tables.read(folder / name, tables.FILES[name])
                    for name in ("accesses.tsv", "scaling.tsv", "busy.tsv")))
    guest, registers = (tables.read(folder / name, tables.GUEST)
                        for name in ("whole-guest.tsv", "registers.tsv"))
    found = (*ratios(find), *busy_ratios(find), *guest_ratios(guest), *register_ratios(registers),
             *viommu_ratios(folder), *process_ratios(folder))
    tables.write(folder / "bounds.tsv", tables.BOUNDS,
                 [{"name": name, "ratio": ratio, "bound": bound} for name, ratio, bound in found])
