# SPDX-License-Identifier: GPL-2.0
"""What the user device should reach, as ratios of rows of one run."""

import tables


class Finder:
    """Sums of the sides' instructions, by what a row says about itself."""

    def __init__(self, table, scaling):
        self.table, self.scaling = table, scaling

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

    @staticmethod
    def sum(row):
        return float(row["vcpu_instructions"]) + float(row["emulator_instructions"])


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
    for cpus, words in ((1, "one CPU"), (2, "two CPUs")):
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
        epoll = user + "-epoll"
        yield (f"{what}, 64 devices / one",
               find.scaled(access, epoll, "devices", 64)
               / find.scaled(access, epoll, "devices", 1), 1.05)
    yield ("posted store, 1000 other VMs with a device / one",
           find.scaled(store, user, "others", 1000) / find.scaled(store, user, "others", 1), 1.01)
    yield ("exit to the VMM, 1000 other VMs with a device / one",
           find.scaled(load, "exit", "others", 1000) / find.scaled(load, "exit", "others", 1), 1.01)
    yield ("exit to the VMM, 64 idle devices of 6 ranges / one",
           find.scaled(load, "exit", "idle", 64) / find.scaled(load, "exit", "idle", 1), 1.05)


def guest_ratios(table):
    """The same for a whole guest: of each device the operation that does worst."""
    of = {tuple(row[name] for name in ("device", "backend", "operation", "size", "depth", "path")):
          row for row in table}
    for device in sorted({key[0] for key in of}):
        def worst(figure, against, one_at_a_time):
            return max(float(row[figure]) / float(of[(*key[:-1], against)][figure])
                       for key, row in of.items() if key[0] == device and key[-1] == "user-device"
                       and (key[4] == "1" or not one_at_a_time))
        name = f"whole guest, {device}"
        yield (f"{name}, depth 1, in total / in-process", worst("instructions", "in-process", True), 1.10)
        yield (f"{name}, depth 1, on the vCPU's CPU / in-process",
               worst("vcpu_cpu_instructions", "in-process", True), 1.00)
        yield (f"{name}, in total / socket proxy", worst("instructions", "socket", False), 0.60)


def write(folder):
    """bounds.tsv, from the tables beside it."""
    find = Finder(*(tables.read(folder / name, tables.FILES[name])
                    for name in ("accesses.tsv", "scaling.tsv")))
    guest = tables.read(folder / "whole-guest.tsv", tables.GUEST)
    tables.write(folder / "bounds.tsv", tables.BOUNDS,
                 [{"name": name, "ratio": ratio, "bound": bound}
                  for name, ratio, bound in (*ratios(find), *guest_ratios(guest))])
