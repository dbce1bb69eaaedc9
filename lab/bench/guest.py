# SPDX-License-Identifier: GPL-2.0
"""Measure what the I/O of a whole guest, L2, costs: all instructions that L1 executes."""

import shlex
import statistics
import subprocess
import sys
import sysconfig

import guest_rows
import measure

sys.path.insert(0, str(measure.places.BOOT))

import device as devices
import outside

HERE = measure.BENCH / "guest"
QEMU = measure.places.BUILD / "qemu/qemu-system-x86_64"
KERNEL = measure.places.BUILD / "kernel/arch/x86/boot/bzImage"
FIO = measure.places.BUILD / "fio/fio"
TIMEOUT = 3600

# One job a line would do; stonewall makes each wait for the one before.
FIO_GLOBAL = """[global]
filename={node}
direct=1
ioengine=io_uring
thread=1
gtod_reduce=1
zero_buffers=1
stonewall
"""
FIO_JOB = """[{name}]
rw={operation.name}
bs={operation.size}
iodepth={operation.depth}
size={bytes}
exec_prerun=/lab/at begin {name}
exec_postrun=/lab/at end {name}
"""


def fio_jobs(node):
    return FIO_GLOBAL.format(node=node) + "".join(
        FIO_JOB.format(name=name, operation=operation, bytes=int(operation.size) * count)
        for name, operation, count in guest_rows.windows("disk"))


def network_windows(_node):
    return "".join(f"{name} {operation.name} {count}\n"
                   for name, operation, count in guest_rows.windows("network"))


WINDOWS = {"disk": fio_jobs, "network": network_windows}


def build_mark():
    subprocess.run(["gcc", "-nostdlib", "-static", "-o", measure.WORK / "mark", HERE / "mark.S"],
                   check=True)


def write_initramfs(name):
    """That of make run's L2, with a test that measures."""
    chosen, kind = devices.Device(name), guest_rows.DEVICES[name]
    base = measure.WORK / f"guest-{name}"
    variables = {"LAB_NODE": chosen.node, "LAB_INTERRUPTS": chosen.interrupts,
                 "LAB_PORT_FETCH": outside.PORT_FETCH, "LAB_PORT_SEND": outside.PORT_SEND}
    env, windows = base.with_suffix(".env"), base.with_suffix(".windows")
    env.write_text("".join(f"{k}={shlex.quote(str(v))}\n" for k, v in variables.items()))
    windows.write_text(WINDOWS[kind](chosen.node))
    files = {"env": env, "windows": windows, "test": HERE / kind, "at": HERE / "at",
             "mark": measure.WORK / "mark"}
    if kind == "disk":
        files["fio"] = FIO
    initramfs = base.with_suffix(".initramfs")
    subprocess.run([measure.places.BOOT / "initramfs", f"--output={initramfs}",
                    f"--init={measure.places.BOOT}/l2-init",
                    *(f"--file=lab/{k}={v}" for k, v in files.items())], check=True)
    return initramfs


def script_of(name, initramfs):
    # Time spent waiting, as instructions, would be the vCPU's; and what khugepaged
    # does every ten seconds would be that of whatever is under way.
    lines = ["set -e", "echo 0 >/sys/module/kvm/parameters/halt_poll_ns",
             "echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs"]
    lines += [shlex.join([str(HERE / "in-l1"), f"--qemu={QEMU}", f"--kernel={KERNEL}",
                          f"--initramfs={initramfs}", name, *boot])
              for boot in guest_rows.boots(name)]
    return "\n".join(lines) + "\n"


def carried(initramfs):
    """What L1 needs to run L2."""
    return [measure.BENCH, sys.executable, sysconfig.get_path("stdlib"), "/etc/passwd", QEMU,
            *measure.places.FIRMWARE, KERNEL, initramfs]


def expected(name):
    """What the marks say, but for what was counted, in order."""
    return [(name, *boot, which, window) for boot in guest_rows.boots(name)
            for window, _, _ in guest_rows.windows(guest_rows.DEVICES[name])
            for which in ("begin", "end")]


def read_marks(name, output, log):
    """{(backend, path, window): (CPU 0's instructions, all CPUs', accesses)} between its marks."""
    marks = [line.split()[1:] for line in output.splitlines() if line.startswith("mark ")]
    totals = [[int(word) for word in line.split()] for line in log.read_text().splitlines()]
    if [tuple(mark[:-1]) for mark in marks] != expected(name) or len(totals) != len(marks):
        raise measure.Disturbed(f"{name}: {len(expected(name))} marks should be there, L1 tells"
                                f" {len(marks)} and the plugin {len(totals)}")
    between = {}
    for i in range(0, len(marks), 2):
        vcpu, both = (after - before for before, after in
                      zip(split(totals[i]), split(totals[i + 1])))
        between[tuple(marks[i][j] for j in (1, 2, 4))] = (
            vcpu, both, int(marks[i + 1][-1]) - int(marks[i][-1]))
    return between


def split(total):
    return total[0], sum(total)


def costs(between, boot, operation):
    """For each pair of windows: what one operation costs, figure by figure."""
    for i in range(1, len(guest_rows.WINDOWS), 2):
        one, two = (between[(*boot, operation.window(j))] for j in (i, i + 1))
        yield [(b - a) / operation.count for a, b in zip(one, two)]


def rows_of(name, between):
    for boot in guest_rows.boots(name):
        for operation in guest_rows.OPERATIONS[guest_rows.DEVICES[name]]:
            pairs = list(costs(between, boot, operation))
            vcpu, both, accesses = (statistics.median(pair[i] for pair in pairs) for i in range(3))
            if both <= 0 or vcpu <= 0:
                raise measure.Disturbed(f"{name} {boot} {operation.name}: {both} instructions")
            yield {"device": name, "backend": boot[0], "path": boot[1], "operation": operation.name,
                   "size": operation.size, "depth": operation.depth, "instructions": both,
                   "vcpu_cpu_instructions": vcpu, "accesses": accesses,
                   "spread": (max(p[1] for p in pairs) - min(p[1] for p in pairs)) / both}


def counted(name, modules):
    """The rows of one device."""
    log = measure.WORK / f"guest-{name}.totals"
    log.unlink(missing_ok=True)
    build_mark()
    initramfs = write_initramfs(name)
    output = measure.boot(f"guest-{name}", 2, script_of(name, initramfs),
                          measure.icount_arguments(modules, log), TIMEOUT, carried(initramfs))
    return list(rows_of(name, read_marks(name, output, log)))
