# SPDX-License-Identifier: GPL-2.0
"""What is left for QEMU once all devices are remote: counted."""

import collections
import functools
import time

import histograms
import mainloop
import regions
import threads
import uapi
from l2 import L2Error

from .auto import Auto

# In this order; L2's test says when one ends.
PHASES = ("boot", "use", "idle", "busy")
COLUMNS = ("phase", "kind", "who", "name", "count")
INTERRUPTED = -4    # EINTR
VMX = 1
# Of kvm_mmio; a third one, for a load that KVM cannot answer, comes before the first
MMIO = {1: "read", 2: "write"}
PORT = ("read", "write")

# What KVM does for the guest by itself, or hands to a process without QEMU.
EVENTS = {"kvm/kvm_page_fault": ["error_code"],
          "kvm/kvm_apic": ["rw"],
          "kvm/kvm_fast_mmio": ["gpa"],
          "kvm/kvm_msr": ["write"],
          "kvm/kvm_set_irq": ["level"],
          "kvm/kvm_msi_set_irq": ["address"],
          "kvm_devuser/kvm_devuser_submit": ["type"],
          "kvm_devuser/kvm_devuser_shadow": ["type"],
          "kvm_devuser/kvm_devuser_doorbell": ["type"]}


class Counts:
    """The histograms, and what they have grown by in a phase."""

    def __init__(self):
        self.instance = histograms.instance("counted")
        # Of threads that were not there yet when the phase began, too.
        self.births = self.histogram("task/task_newtask", ["common_pid", "pid", "clone_flags"])
        self.exits = self.histogram("kvm/kvm_exit", ["exit_reason", "isa"])
        self.returns = self.histogram("kvm/kvm_userspace_exit", ["reason", "errno"])
        self.calls = self.histogram("raw_syscalls/sys_enter", ["common_pid.execname", "id.syscall"])
        self.ioctls = self.histogram("syscalls/sys_enter_ioctl", ["common_pid", "cmd"])
        self.events = {event.split("/")[1]: self.histogram(event, keys)
                       for event, keys in EVENTS.items()}
        self.ports = self.histogram("kvm/kvm_pio", ["port", "rw"])
        self.memory = self.histogram("kvm/kvm_mmio", ["gpa", "type"])
        self.ioctl_names = uapi.Ioctls()
        self.thread_names = {}
        self.past = collections.defaultdict(collections.Counter)
        self.began = time.monotonic()

    def histogram(self, event, keys):
        return histograms.Histogram(self.instance, event, keys)

    def grown(self, histogram):
        now = histogram.read()
        counts = now - self.past[histogram.event]
        self.past[histogram.event] = now
        return counts

    def begin(self):
        """What L1 asks QEMU between two phases is in none."""
        for histogram in (self.exits, self.returns, self.calls, self.ioctls, self.ports,
                          self.memory, *self.events.values()):
            self.grown(histogram)
        self.began = time.monotonic()

    def rows(self, pid, mtree):
        """(kind, who, name, count) since the phase began, of QEMU with this pid."""
        self.thread_names |= threads.names(pid)
        mine = threads.of_process(pid, self.births.read())
        yield "seconds", "", "", round(time.monotonic() - self.began)
        yield from self.exit_rows()
        yield from self.return_rows()
        for name, histogram in self.events.items():
            yield "event", "KVM", name, self.grown(histogram).total()
        for (tid, number), count in self.grown(self.calls).items():
            if tid in mine:
                yield "syscall", self.thread(tid), self.call(number), count
        for (tid, request), count in self.grown(self.ioctls).items():
            if tid in mine:
                yield "ioctl", self.thread(tid), self.ioctl_names.name(request), count
        yield from self.access_rows(mtree())

    def exit_rows(self):
        tables = histograms.symbols("kvm/kvm_exit")
        for (reason, isa), count in self.grown(self.exits).items():
            yield "exit", "guest", tables[isa != VMX].get(reason, hex(reason)), count

    def return_rows(self):
        table = uapi.exits()
        for (reason, errno), count in self.grown(self.returns).items():
            name = "interrupted" if errno == INTERRUPTED else table.get(reason, str(reason))
            yield "return", "KVM", name if errno in (0, INTERRUPTED) else f"error {-errno}", count

    def access_rows(self, mtree):
        """An access of several elements, as by `rep outs`, is one."""
        for space, histogram, names in (("I/O", self.ports, dict(enumerate(PORT))),
                                        ("memory", self.memory, MMIO)):
            view = regions.Regions(mtree, space)
            for (address, kind), count in self.grown(histogram).items():
                if kind in names:
                    name = view.name(address)
                    yield f"access {space}", regions.server(name), f"{name} {names[kind]}", count

    def thread(self, tid):
        """As it is called now, or was when it made its first system call."""
        return self.thread_names.get(tid) or self.calls.names.get((0, tid), "?")

    def call(self, number):
        return self.calls.names[1, number].removeprefix("sys_")


class Counted(Auto):
    """what is left for QEMU is counted while L2 boots, idles and is busy"""

    # Counting takes time, too.
    patience, needs_fio = 1200, True
    watch = mainloop.NoWatch

    def __init__(self, run):
        super().__init__(run)
        self.counts, self.table = None, []

    def start(self):
        self.counts = Counts()

    def requests(self):
        return {**super().requests(),
                **{f"counted-{phase}": functools.partial(self.note, phase) for phase in PHASES}}

    def note(self, phase):
        sums = collections.Counter()
        for *key, count in self.counts.rows(self.run.guest.process.pid, self.mtree):
            sums[phase, *key] += count
        self.table += [(*key, count) for key, count in sums.items() if count]
        self.write()
        self.counts.begin()

    def mtree(self):
        return self.monitor.command("human-monitor-command", **{"command-line": "info mtree -f"})

    def check(self):
        """That all phases were counted, and in each of them something."""
        super().check()
        if (seen := {row[0] for row in self.table}) != set(PHASES):
            raise L2Error(f"L2 has been counted in {sorted(seen)} only")

    def write(self):
        """What there is already: a run is long."""
        with open(f"{self.run.options.out}/counted.tsv", "w") as file:
            for row in (COLUMNS, *self.table):
                print(*row, sep="\t", file=file)
