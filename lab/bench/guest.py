# SPDX-License-Identifier: GPL-2.0
"""Measure what the I/O of a whole guest, L2, costs: all instructions that L1 executes."""

import shlex
import statistics
import sys
import sysconfig

import guest_rows
import measure
import peers

sys.path.insert(0, str(measure.places.BOOT))

import device as devices
import l2image
import outside

HERE = measure.BENCH / "guest"
QEMU = measure.places.BUILD / "qemu/qemu-system-x86_64"
KERNEL = measure.places.BUILD / "kernel/arch/x86/boot/bzImage"
FIO = measure.places.BUILD / "fio/fio"
TIMEOUT = 3600
CPUS = 2	# of L1

# One job a line would do; stonewall makes each wait for the one before.
FIO_GLOBAL = """[global]
filename={node}
direct=1
ioengine=io_uring
thread=1
zero_buffers=1
stonewall
"""
FIO_UNTIMED = "gtod_reduce=1\n"
FIO_JOB = """[{name}]
rw={operation.name}
bs={operation.size}
iodepth={operation.depth}
size={bytes}
exec_prerun=/lab/at begin {name}
exec_postrun=/lab/at end {name}
"""
# The time of each request, in a file.
FIO_TIMED_JOB = FIO_JOB + "write_lat_log={name}\n"


def fio_jobs(plan, node):
    job = FIO_TIMED_JOB if plan.busy else FIO_JOB
    return FIO_GLOBAL.format(node=node) + ("" if plan.busy else FIO_UNTIMED) + "".join(
        job.format(name=name, operation=operation, bytes=int(operation.size) * count)
        for name, operation, count in plan.counted("disk"))


def lines_of(kind):
    """For a test that reads its windows line by line."""
    return lambda plan, _node: "".join(f"{name} {operation.name} {count}\n"
                                       for name, operation, count in plan.counted(kind))


WINDOWS = {"disk": fio_jobs,
           **{kind: lines_of(kind) for kind in ("network", "registers", "dma")}}

# The program of a test that needs one, made from PROGRAM.c
OWN = {"registers": "access", "dma": "moves"}
# The test in which the device, given to VFIO, works by itself: none of it is the vCPU's.
ALONE = "dma"


def programs(kind):
    """What the test of this kind runs, by name."""
    found = {"mark": measure.assemble("mark")}
    if kind == "disk":
        found["fio"] = FIO
    if kind in OWN:
        name = OWN[kind]
        found[name] = l2image.compile_static(HERE / f"{name}.c", measure.WORK / name)
    return found


def variables_of(kind, name):
    """For a test of a device that no driver of L2's uses."""
    if kind not in OWN:
        return {}
    register = guest_rows.REGISTERS[name]
    return {"LAB_PCI_ID": register.pci_id, "LAB_BAR": register.bar, "LAB_OFFSET": register.offset,
            "LAB_MOVES": max(guest_rows.PAIRS) * max(one.count for one in guest_rows.DMA)}


def write_initramfs(name, plan):
    """That of make run's L2, with a test that measures."""
    chosen, kind = devices.Device(name), plan.kind(name)
    base = measure.WORK / f"guest-{name}-{plan.name}"
    variables = {"LAB_NODE": chosen.node, "LAB_INTERRUPTS": chosen.interrupts,
                 "LAB_TIMED": "1" if plan.busy else "",
                 "LAB_PORT_FETCH": outside.PORT_FETCH, "LAB_PORT_SEND": outside.PORT_SEND}
    variables |= variables_of(kind, name)
    windows = base.with_suffix(".windows")
    windows.write_text(WINDOWS[kind](plan, chosen.node))
    files = {"windows": windows, "test": HERE / kind, "at": HERE / "at", **programs(kind)}
    return l2image.write(base, variables, files)


def runs_of(name, plan, initramfs):
    """The lines that run each L2 of a plan, one after the other."""
    arguments = [f"--qemu={QEMU}", f"--kernel={KERNEL}", f"--initramfs={initramfs}",
                 f"--scenario={plan.scenario}"]
    if plan.kind(name) in OWN:
        arguments.append(f"--append=initcall_blacklist={guest_rows.REGISTERS[name].initcall}")
    if plan.kind(name) == ALONE:
        # The kernel is built without what remaps interrupts, and VFIO wants that.
        arguments.append("--append=vfio_iommu_type1.allow_unsafe_interrupts=1")
    if peers.carried(name):
        arguments += [f"--peers={peers.PLACE}", f"--server={peers.SERVER}"]
    command = [str(HERE / "in-l1"), *arguments, name]
    lines = [shlex.join([*command, *boot]) for boot in plan.boots(name)]
    return [f'{line} --hogs "$(jobs -p)"' for line in lines] if plan.busy else lines


def script_of(name, plans, initramfs):
    # Time spent waiting, as instructions, would be the vCPU's; and what khugepaged
    # does every ten seconds would be that of whatever is under way.
    lines = ["set -e", "echo 0 >/sys/module/kvm/parameters/halt_poll_ns",
             "echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs"]
    if peers.carried(name):
        lines += [f"mkdir {peers.PLACE}", f"tar -xf {peers.ARCHIVE} -C {peers.PLACE}"]
    # They live to the end, as the plugin takes what has the CR3 of one for it.
    lines += [f"taskset -c {cpu} {measure.HOG} & kill -STOP $!" for cpu in range(CPUS)]
    for plan in plans:
        lines += runs_of(name, plan, initramfs[plan.name])
    lines.append("kill -KILL $(jobs -p)")
    return "\n".join(lines) + "\n"


def carried(name, initramfs):
    """What L1 needs to run L2."""
    return [measure.BENCH, sys.executable, sysconfig.get_path("stdlib"), "/etc/passwd", QEMU,
            *measure.places.FIRMWARE, KERNEL, *initramfs.values(), measure.assemble("hog"),
            *peers.carried(name)]


def expected(name, plans):
    """(plan, what a mark says but for what was counted) of each, in order."""
    return [(plan, [name, *boot, which, window]) for plan in plans
            for boot in plan.boots(name) for window, _, _ in plan.counted(plan.kind(name))
            for which in ("begin", "end")]


def said(output, word):
    """The rest of L1's lines that begin with the word."""
    return [line.split()[1:] for line in output.splitlines() if line.startswith(f"{word} ")]


def read_marks(name, plans, output, log):
    """{(plan, backend, path, window): (CPU 0's instructions, all CPUs', accesses)} of each."""
    marks, wanted = said(output, "mark"), expected(name, plans)
    totals = [[int(word) for word in line.split()] for line in log.read_text().splitlines()]
    if [mark[:-1] for mark in marks] != [mark for _, mark in wanted] or len(totals) != len(marks):
        raise measure.Disturbed(f"{name}: {len(wanted)} marks should be there, L1 tells"
                                f" {len(marks)} and the plugin {len(totals)}")
    between = {}
    for i in range(0, len(marks), 2):
        vcpu, both = (after - before for before, after in
                      zip(split(totals[i]), split(totals[i + 1])))
        _, backend, path, _, window, begun = marks[i]
        between[wanted[i][0].name, backend, path, window] = (
            vcpu, both, int(marks[i + 1][-1]) - int(begun))
    return between


def read_times(output):
    """{(backend, path, window): the nanoseconds of each operation, sorted}"""
    return {(backend, path, window): sorted(int(word) for word in times)
            for _, backend, path, window, *times in said(output, "times")}


def split(total):
    return total[0], sum(total)


def costs(between, plan, boot, operation):
    """For each pair of windows: what one operation costs, figure by figure."""
    for pair in plan.pairs(operation):
        one, two = (between[(plan.name, *boot, window)] for window in pair)
        yield [(b - a) / operation.count for a, b in zip(one, two)]


def rows_of(name, between, plan):
    for boot in plan.boots(name):
        for operation in plan.operations[plan.kind(name)]:
            pairs = list(costs(between, plan, boot, operation))
            vcpu, both, accesses = (statistics.median(pair[i] for pair in pairs) for i in range(3))
            if both <= 0 or vcpu <= 0 and plan.kind(name) != ALONE:
                raise measure.Disturbed(f"{name} {boot} {operation.name}: {both} instructions")
            yield {"device": name, "backend": boot[0], "path": boot[1], "operation": operation.name,
                   "size": operation.size, "depth": operation.depth, "instructions": both,
                   "vcpu_cpu_instructions": vcpu, "accesses": accesses,
                   "spread": (max(p[1] for p in pairs) - min(p[1] for p in pairs)) / both,
                   "last": plan.last(operation)}


def add_times(rows, times):
    """Those of the last window of each operation."""
    for row in rows:
        window, count = row["last"]
        found = times.get((row["backend"], row["path"], window), ())
        if len(found) != count:
            raise measure.Disturbed(f"{row['device']} {row['path']}: {len(found)} times instead of"
                                    f" {count} of {window}")
        row["mean_ns"] = sum(found) / count
        for name, percent in (("median_ns", 50), ("p99_ns", 99)):
            row[name] = found[(count - 1) * percent // 100]


def counted(name, plans, modules):
    """{file name: rows} of one device, by those plans that have something for it."""
    plans = [plan for plan in plans if plan.boots(name)]
    log = measure.WORK / f"guest-{name}.totals"
    log.unlink(missing_ok=True)
    initramfs = {plan.name: write_initramfs(name, plan) for plan in plans}
    output = measure.boot(f"guest-{name}", CPUS, script_of(name, plans, initramfs),
                          measure.icount_arguments(modules, log), TIMEOUT,
                          carried(name, initramfs))
    between, times = read_marks(name, plans, output, log), read_times(output)
    found = {}
    for plan in plans:
        table = found[plan.table] = list(rows_of(name, between, plan))
        if plan.busy:
            add_times(table, times)
    return found
