# SPDX-License-Identifier: GPL-2.0
"""Boot L1, run the benchmark in it, and put together what it and the plugin counted."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))

import children
import places
import rows

BENCH = places.BOOT.parent / "bench"
WORK = places.BUILD / "bench"
QEMU = places.BUILD / "qemu-plugins/qemu-system-x86_64"
PROGRAM = places.BUILD / "selftests/kvm/devuser_bench"
HOG = WORK / "hog"

# What devuser_bench prints after "row", and what it is of.
PRINTED = ("access", "served_by", "cpus", "vcpus", "devices", "batch", "accesses", "ns",
           "exits", "switches", "wakeups", "syscalls", "median_ns", "p99_ns")
TEXT = ("access", "served_by")
EVENTS = ("exits", "switches", "wakeups", "syscalls")
MARKS = 3


class Disturbed(Exception):
    """The run cannot be used."""


def build_plugin(name):
    WORK.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], check=True,
                           capture_output=True, text=True).stdout.split()
    include = places.BUILD / "trees/qemu-10.0/include/qemu"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o",
                    WORK / f"{name}.so", BENCH / f"{name}.c", f"-I{include}", *flags], check=True)


def assemble(name):
    """A program of one file, and without a library, that runs in L1 or L2."""
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-nostdlib", "-static", "-o", WORK / name, BENCH / f"guest/{name}.S"],
                   check=True)
    return WORK / name


def boot(name, cpus, script, arguments, timeout, carry=(PROGRAM,), memory="2G"):
    """The output of a script that ran in an undisturbed L1.

    What it needs is carried there: so what is counted does not depend on when this
    machine answers.
    """
    out = places.LOGS / "bench" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{name}.sh"
    path.write_text(script)
    done = subprocess.run(
        [places.BOOT / "l1", f"--out={out}", f"--cpus={cpus}", f"--timeout={timeout}",
         f"--memory={memory}", *arguments, *(f"--carry={path}" for path in (path, *carry)), "--", "bash", path],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        preexec_fn=children.die_with_parent)
    (WORK / f"{name}.out").write_text(done.stdout)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-5:]
        raise Disturbed(f"L1 with {cpus} CPUs ended with status {done.returncode}:\n  "
                        + "\n  ".join(last) + f"\nlogs: {out}")
    return done.stdout


def beside_hogs(runs):
    """The lines that run them while each CPU has a task that never sleeps."""
    yield from (f"taskset -c {cpu} {HOG} &" for cpu in range(max(run.busy for run in runs)))
    yield from (run.command() for run in runs)
    yield "kill $(jobs -p)"


def script_of(runs):
    quiet = [run.command() for run in runs if not run.busy]
    busy = [run for run in runs if run.busy]
    return "\n".join(["set -e", f"cd {PROGRAM.parent}", *quiet,
                      *(beside_hogs(busy) if busy else ())]) + "\n"


def parse_rows(output, runs):
    """One dictionary for each run, in order; raises unless each row is its run's."""
    lines = [line.split("\t")[1:] for line in output.splitlines() if line.startswith("row\t")]
    if len(lines) != len(runs):
        raise Disturbed(f"{len(runs)} rows should be there, and {len(lines)} are")
    parsed = []
    for run, line in zip(runs, lines):
        if len(line) != len(PRINTED):
            raise Disturbed(f"the row of {run} is {line}")
        row = {name: text if name in TEXT else int(text) for name, text in zip(PRINTED, line)}
        asked = (run.access, run.served_by, run.vcpus, run.devices, run.batch)
        if tuple(row[name] for name in ("access", "served_by", "vcpus", "devices", "batch")) != asked:
            raise Disturbed(f"the row of {run} is {line}")
        parsed.append(row)
    return parsed


def differences(totals):
    """What the window with accesses cost more than the empty one, for each side."""
    first, second, third = totals
    return [(c - b) - (b - a) for a, b, c in zip(first, second, third)]


def add_instructions(parsed, log):
    """Instructions per access of both sides, from the plugin's totals."""
    totals = [[int(word) for word in line.split()] for line in log.read_text().splitlines()]
    if len(totals) != MARKS * len(parsed):
        raise Disturbed(f"{log} has {len(totals)} totals for {len(parsed)} rows")
    for i, row in enumerate(parsed):
        vcpu, emulator = differences(totals[MARKS * i:MARKS * (i + 1)])
        row["vcpu_instructions"] = vcpu / row["accesses"]
        row["emulator_instructions"] = emulator / row["accesses"]


def per_access(parsed):
    for row in parsed:
        for name in (*EVENTS, "ns"):
            row[name] /= row["accesses"]
        row["mean_ns"] = row["ns"]


def icount_arguments(modules, log):
    """For an L1 whose instructions the plugin counts."""
    return ["--icount", f"--modules={modules}", f"--qemu={QEMU}", "--qemu-arg=-plugin",
            f"--qemu-arg={WORK}/count.so,out={log}"]


def counted(name, modules):
    """{file name: rows} of one boot of L1, counted by the plugin."""
    log = WORK / f"{name}.totals"
    log.unlink(missing_ok=True)
    assemble(HOG.name)
    runs = [rows.WARM_UP, *rows.runs(name)]
    output = boot(name, rows.BOOTS[name], script_of(runs), icount_arguments(modules, log),
                  timeout=2400, carry=(PROGRAM, HOG))
    parsed = parse_rows(output, runs)
    add_instructions(parsed, log)
    per_access(parsed)
    found = {}
    for run, row in zip(runs[1:], parsed[1:]):
        row["axis"], row["value"] = run.axis, run.value if run.axis else ""
        found.setdefault(run.table, []).append(row)
    return found


def profiled(cpus, run, modules):
    """The functions in which an access spends the most instructions."""
    done = subprocess.run([BENCH / "profile", f"--cpus={cpus}", f"--devices={run.devices}",
                           f"--pages={run.pages}", f"--modules={modules}", "--lines=15",
                           run.access, run.served_by], capture_output=True, text=True)
    if done.returncode:
        raise Disturbed(done.stderr.strip())
    for line in done.stdout.splitlines():
        cost, function = line.split(None, 1)
        yield {"access": run.access, "served_by": run.served_by, "cpus": cpus,
               "devices": run.devices, "function": function, "instructions": int(cost)}


def can_nest():
    """Whether this machine runs L1 with KVM."""
    done = subprocess.run([places.BOOT / "l1", f"--out={places.LOGS}/bench/nest", "--accel=kvm",
                           "--", "true"], stdin=subprocess.DEVNULL, capture_output=True)
    return not done.returncode


def timed(cpus, modules):
    """The rows by the clock, where nested virtualisation is real."""
    runs = [rows.WARM_UP, *rows.accesses(cpus)]
    output = boot(f"clock-{cpus}", cpus, script_of(runs), ["--accel=kvm", f"--modules={modules}"], timeout=600)
    parsed = parse_rows(output, runs)
    per_access(parsed)
    return parsed[1:]
