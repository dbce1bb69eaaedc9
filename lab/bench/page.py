# SPDX-License-Identifier: GPL-2.0
"""benchmarks.md and the plots, made from the tables beside them."""

import pathlib
import subprocess
import tempfile

import guest_page
import peers_plot
import process_page
import rows
import tables

HERE = pathlib.Path(__file__).resolve().parent
PLOTTED = ("vcpus", "devices", "batch")

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make bench` from the .tsv files beside it: do not edit. -->

# What an access costs

A guest accesses a device; this page shows what that costs the host, by who
serves the access. The unit is the instruction, all of it: guest, host kernel and
processes. It depends neither on the machine nor on its load: two runs of the same
programs give the same figures, and `make bench-compare` tells what a change moved.

Whoever is told of stores has the scheduling policy SCHED_BATCH: its wake-up does not
preempt a guest on the same CPU, so that it finds several stores when it runs. With
the default policy what ran before decides: either that, or two switches for each
store, for an eventfd's reader as for the user device's.

- **vCPU's side**: what the process with the guest executes, in user mode, in the
  kernel, and in the guest.
- **emulator's side**: the same of the process that emulates the device, and of the
  CPU on which it sleeps.
- **exits**: returns of KVM_RUN; **switches**: of tasks; **wake-ups**: of sleeping
  tasks; **system calls**: of both processes. All are per access.

A `port-string` is one INS instruction of 512 elements.

## The bounds

"""

REMARKS = """
Loads with both sides asleep: two switches of tasks, and with two CPUs two idle CPUs
that wake up, are what is left; almost all of it is the scheduler's and KVM's way out
to KVM_RUN and back (see the profiles below). Where the master lets vCPUs spin, even
for the shortest time, a load whose reply comes soon spares that way, and on a shared
CPU the vCPU gives it away without a sleep.

The same loads against the least that a hand-off costs: on one CPU the ping-pong's
wake-up nearly always preempts who rings, before it sleeps, and so the way back needs no
wake-up. A load's wake-up does that less often: see the column of wake-ups. The rest of
the difference is KVM's way out to KVM_RUN and back.

A busy machine: a task that is woken on a CPU where another one runs waits there for the
next tick, and longer if the other's slice has not ended. So do the two of exit and
socket, and the ping-pong's. KVM sees that others want the vCPU's CPU, and wakes the
emulator up there: it has the vCPU's turn. What is left beside an exit that the same
thread serves is what a hand-off costs without others, too: the switch to the emulator
and the one back.
Tried: to wake it up there in any case. With both asleep and nobody else it takes 30 %
fewer instructions than on two CPUs; but an emulator that the vCPU preempts before it
sleeps sees the guest's next store at the next tick, and not at once.
Tried, too: the shortest slice that the scheduler grants, 0.1 ms by sched_setattr(), for
the emulator, or for both. On one CPU no time moved by more than 6 %.

virtio-blk beside the same in QEMU: each system call of the process passes its filter, 0.4
thousand instructions of a request with null-co, 1.1 out of a file. The rest of the worst
rows is what windows differ by: they are other ones after each build of what is measured,
and half of the rows are at 1.02 or below. It would take a kernel that looks whether a call
is always allowed before it copies the arguments for the filter.
Tried, and kept: a filter that looks at the arguments of few calls, so that the kernel need
not run it for the others.

virtio-blk beside vhost-user-blk: on the vCPU's CPU they differ by less than one
window does from the next. On the other CPU the kernel's part is the same, 11 thousand
instructions at depth 1; the rest is virtio and the block layer in QEMU's iothread, 11
thousand, in-process as well, where qemu-storage-daemon needs 6 thousand for the same
request. It would take a way as short as that daemon's export through QEMU's virtio-blk.
Out of a file, and 16 at a time, the daemon is the slower one.
Tried, and kept: not to clear 24 KiB of stack for each element of a virtqueue, 4 thousand
fewer; and an iothread that does not poll, as neither does the daemon, 15 thousand fewer
for a request to a file.

e1000e's stream: the guest's CPU executes less than a third of what it does in-process,
where it sends itself. In the process each burst of packets is a round of its main loop,
with a poll of all the sockets of the user-mode network, and a switch of tasks. Tried: to
serve what the guest does next without such a round, where it has come soon before. That
is kept, as it makes nvme's requests a third cheaper and lsi53c895a's a fifth; of a stream
it takes 1 %.

lsi53c895a, 16 reads at a time: its SCRIPTs run on the second CPU, which spares the vCPU's
half of its instructions. But the process, which runs beside the guest and not instead of
it, finds fewer commands at a time (1.7 accesses per request, in-process 1.3): there are
more interrupts, each of which the guest loads from the device, and the kernel's part of
that is what it is behind. Writes are ahead.
Tried, and kept: the same, a check of the type less for each word of a SCRIPT, and no
buffer of 128 KiB for each request. Tried: no TCG in the process, so that DMA need not look
for translated code; it is too little.
"""

# Of the scaling by devices
DEVICES = """
Stores to 64 devices: each device has a descriptor of its own, and a round of the
guest over all of them leaves one or two requests in each. So each store costs most
of a system call, where one device's stores come by the dozen. It would take one
descriptor for many devices, or requests in memory that the process maps; and a
shorter search of KVM's I/O bus.
"""

SERVED = """
The start of a confined process: the kernel's part is the network namespace, whose sysctl
tables it makes, the fork of the process that makes the root directory, and the filter's
compilation. A start moves by 2 % with the state of L1's page allocator, so that one of the
four devices may be beyond the bound. It would take a process without a network namespace,
which then has only its filter between it and the host's network.
Tried, and kept: filters made when QEMU is built, and a tree instead of a list in them.

## By who serves the access

| served by | |
|---|---|
| `exit` | the thread that runs the vCPU, after an exit to userspace |
| `exit+socket` | another process, to which that thread sends a message; it awaits a reply to a load |
| `ioeventfd` | KVM signals an eventfd, which another process reads; the data is lost |
| `coalesced` | KVM keeps the store in its coalescing ring, for that thread to find |
| `in-kernel` | a device in KVM: the I/O APIC's index (memory), the PIC's ELCR (port) |
| `in-kernel+ping-pong` | the same, and after the accesses as many hand-offs between two processes and back, by two eventfds: what a load served elsewhere costs at least |
| `user-device` | the user device: another process, which answers and sleeps in KVM_DEV_USER_EXCHANGE |
| `user-device-read` | the same by write() and read() |
| `user-device-spin` | as `user-device`, and the vCPU spins before it sleeps |
| `user-device-polling` | as `user-device`, and both sides spin before they sleep |
| `user-device-nonposted` | as `user-device`, in a range whose stores are not posted |
| `user-device-doorbell` | the user device: a doorbell, KVM signals an eventfd, which the process reads |
| `user-device-shadow` | the user device: KVM, from the shadow image |

![MMIO loads](mmio-load.svg)
![MMIO stores](mmio-store.svg)

"""

BUSY = """
## On a busy machine

Each CPU of L1 has a task that never sleeps. Its own instructions do not count, nor
those of the kernel while it is the current task: neither the ticks that interrupt it
nor the switch away from it. The time of a load is that from before it to after it, by
the guest's TSC, which counts L1's instructions, all of them, as nanoseconds; that of
`in-kernel+ping-pong` is the sum of its two parts. The vCPU is bound to the first CPU; an
emulator begins on the other and runs where the scheduler has it. A slice ends at a tick,
every 4 ms: one of two tasks that share a CPU waits for as long now and then. The mean
shows that, the 99th percentile only if it is so at more than one access in a hundred.
"""

BUSY_GUEST = """
The same for a whole guest, one request at a time: the time is that of a request as the
guest's fio or ping tells it.
"""

METHOD = """
## How it is measured

L1, a virtual machine with the stock Debian kernel and the modules of this
repository, runs on QEMU's TCG with `-icount shift=0,sleep=off`: its clock counts
instructions, so that whatever depends on time happens at the same instruction in
each run. All that it uses is in its memory from the start: it waits for nothing of
the host's. L1's processor has AMD's virtualisation, emulated. In L1 the KVM selftest
`devuser_bench` runs a guest that makes no access, and then {count}; the difference,
divided, is the cost of one access, without all that happens once.

Instructions are counted by a TCG plugin (`lab/bench/count.c`) in QEMU. It counts
each one that is executed, and tells the emulator's address space from all others
by the writes to CR3. Events are counted by the kernel's tracepoints, in a second
pass, as counting them costs instructions.

What this does not show: how long an instruction takes. An exit from a guest costs
more time than its instructions suggest; so do cache misses between CPUs. CPUs of
L1 take turns on one CPU of the host, and one that spins, by PAUSE, lets the next
one run: what a spin costs in time is not in its instructions.

The run is thrown away when L1's kernel warns, when a row is missing, when an access
was lost, and when one went elsewhere than it should.

Raw data: [accesses.tsv](accesses.tsv), [scaling.tsv](scaling.tsv),
[busy.tsv](busy.tsv), [whole-guest.tsv](whole-guest.tsv),
[busy-guest.tsv](busy-guest.tsv), [bounds.tsv](bounds.tsv),
[profile.tsv](profile.tsv). `make bench-compare OLD=FOLDER NEW=FOLDER` compares two runs.
"""


def markdown(head, lines):
    """A table; all columns but the first two or so hold numbers."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("---:" if name not in tables.KEYS[:3] + ("name",) else "---"
                         for name in head) + "|"
    for line in lines:
        yield "| " + " | ".join(line) + " |"


def bounds(folder):
    yield from markdown(("name", "ratio", "bound", ""), (
        (row["name"], row["ratio"], row["bound"], verdict(float(row["ratio"]), float(row["bound"])))
        for row in tables.read(folder / "bounds.tsv", tables.BOUNDS)))


def verdict(ratio, bound):
    if not bound:
        return "missed" if ratio else "met"
    missed = ratio / bound - 1
    return "met" if missed <= 0 else f"missed by {missed:.{0 if missed > 0.01 else 1}%}"


def served(folder):
    table = tables.read(folder / "accesses.tsv", tables.ACCESSES)
    for access in rows.LOADS + rows.STORES + rows.STRINGS:
        yield f"\n### {access}\n"
        columns = tables.ACCESSES[1:]
        yield from markdown(columns, ([row[name] for name in columns]
                                      for row in table if row["access"] == access))


def scaling(folder):
    table = tables.read(folder / "scaling.tsv", tables.SCALING)
    columns = ("value", *tables.ACCESSES[:2], *tables.ACCESSES[3:])
    for axis, what in (("vcpus", "vCPUs on one device, which share a CPU"), ("devices", "devices of one process"),
                       ("batch", "requests taken by one read()"),
                       ("idle", "devices of six ranges that nobody accesses"),
                       ("others", "VMs that have a device and do nothing")):
        picture = f"![{axis}]({axis}.svg)\n" if axis in PLOTTED else ""
        yield f"\n## {what[0].upper()}{what[1:]}\n{DEVICES if axis == 'devices' else ''}\n{picture}"
        yield from markdown(columns, ([row[name] for name in columns]
                                      for row in table if row["axis"] == axis))


def busy(folder):
    yield BUSY
    columns = tables.BUSY
    yield from markdown(columns, ([row[name] for name in columns] for row in
                                  tables.read(folder / "busy.tsv", tables.BUSY)))
    yield BUSY_GUEST
    yield from guest_page.busy(folder)


def profiles(folder):
    yield "\n## Where the instructions go\n\nBy function of the host's kernel, both sides together:"
    table = tables.read(folder / tables.PROFILE_FILE, tables.PROFILE)
    wanted = [(str(cpus), str(run.devices), run.access, run.served_by) for cpus, run in rows.PROFILED]
    for cpus, devices, access, server in wanted:
        yield f"\n### {access}, {server}, CPUs: {cpus}, devices: {devices}\n"
        yield from markdown(("function", "instructions"), (
            (f"`{row['function']}`" if row["function"].isidentifier() else row["function"],
             row["instructions"]) for row in table
            if (row["cpus"], row["devices"], row["access"], row["served_by"]) ==
               (cpus, devices, access, server)))


def clock(folder):
    if not (folder / tables.CLOCK_FILE).exists():
        return
    yield "\n## By the clock\n\nNanoseconds per access on the machine that made this page:\n"
    yield from markdown(tables.CLOCK, ([row[name] for name in tables.CLOCK] for row in
                                       tables.read(folder / tables.CLOCK_FILE, tables.CLOCK)))


def plot(folder):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines(peers_plot.lines(folder))
        file.flush()
        subprocess.run(["gnuplot", "-e", f"folder='{folder}'; peers='{file.name}'",
                        HERE / "plots.gp"], check=True)


def write(folder):
    plot(folder)
    text = "\n".join([HEAD.rstrip("\n") + "\n", *bounds(folder), REMARKS.rstrip("\n"),
                      SERVED.rstrip("\n"),
                      *served(folder), *scaling(folder), *guest_page.section(folder),
                      *busy(folder), *process_page.section(folder), *profiles(folder), *clock(folder),
                      METHOD.format(count=rows.COUNT).rstrip("\n")])
    (folder / "benchmarks.md").write_text(text + "\n")
