# SPDX-License-Identifier: GPL-2.0
"""Measure what a remote process costs: its start, its memory, and pauses of the guest."""

import shlex
import statistics
import subprocess
import sys
import sysconfig

import measure
import process_rows as rows
from tables import HELD

sys.path.insert(0, str(measure.places.BOOT))

import device as devices
import l2image

HERE = measure.BENCH / "process"
# What the package has; the initramfs has it stripped as well.
QEMU = measure.places.BUILD / "qemu/qemu-system-x86_64"
KERNEL = measure.places.BUILD / "kernel/arch/x86/boot/bzImage"
FOLDER = measure.WORK / "process"
TIMEOUT = 2400
KHUGEPAGED = "/sys/kernel/mm/transparent_hugepage/khugepaged"
UINT_MAX = (1 << 32) - 1

# The boots of L1, by name: its CPUs, its memory, and what is done in it.  Where nothing is
# counted there is no -icount, so that 300 processes start in minutes.
BOOTS = {
    "process-start": (1, "2G", "start", rows.STARTS),
    "process-memory": (1, "2G", "memory", [(name,) for name in rows.DEVICES]),
    "process-many": (2, "8G", "many", rows.MANY),
    "process-pause": (2, "2G", "pause", rows.ALL_PAUSES),
}


def assemble_firmware(name, spin):
    """For the guest that loads one register of the device."""
    register = rows.REGISTERS[name]
    output = FOLDER / f"{name}{'-spin' if spin else ''}.bin"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-Wl,-Ttext=0xffff0000",
                    "-Wl,--oformat=binary", "-Wl,--build-id=none", f"-DSLOT={rows.SLOT}",
                    f"-DBAR={0x10 + 4 * register.bar}", f"-DOFFSET={register.offset}",
                    *(["-DSPIN"] if spin else []), "-o", output, HERE / "first.S"], check=True)


def write_initramfs(name):
    """That of make run's L2, with a test that uses the device."""
    chosen = devices.Device(name)
    variables = {"LAB_NODE": chosen.node, "LAB_INTERRUPTS": chosen.interrupts,
                 "LAB_KIND": chosen.test}
    return l2image.write(FOLDER / f"memory-{name}", variables, {"test": HERE / "use"})


def prepare():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in rows.DEVICES:
        for spin in (False, True):
            assemble_firmware(name, spin)
        write_initramfs(name)
    for mark in ("mark", "total"):
        measure.assemble(mark)


def command(what, words):
    arguments = [str(HERE / "in-l1"), f"--qemu={QEMU}", f"--firmware={FOLDER}",
                 f"--marks={measure.WORK}"]
    if what == "memory":
        arguments += [f"--kernel={KERNEL}", f"--initramfs={FOLDER}/memory-{words[0]}.initramfs"]
    return shlex.join([*arguments, what, *map(str, words)])


def carried(what):
    return [measure.BENCH, sys.executable, sysconfig.get_path("stdlib"), "/etc/passwd", QEMU,
            *measure.places.FIRMWARE, FOLDER, *(measure.WORK / mark for mark in ("mark", "total")),
            *([KERNEL] if what == "memory" else [])]


def run(boot, modules):
    """(lines of L1's that begin with what was done, those of the plugin), each split."""
    cpus, size, what, plan = BOOTS[boot]
    log = measure.WORK / f"{boot}.totals"
    log.unlink(missing_ok=True)
    # The first time, what everybody has later is read, and L1 is still busy with its start.
    # khugepaged wakes up each 10 s, and what it copies would be a part of any one row.
    script = "\n".join(["set -e", "echo 0 >/sys/module/kvm/parameters/halt_poll_ns",
                        f"echo {UINT_MAX} >{KHUGEPAGED}/scan_sleep_millisecs",
                        *(command(what, words) for words in [plan[0], *plan])]) + "\n"
    arguments = [f"--modules={modules}"] if what == "many" \
        else measure.icount_arguments(modules, log)
    output = measure.boot(boot, cpus, script, arguments, TIMEOUT, carried(what), size)
    told = [line.split()[1:] for line in output.splitlines() if line.startswith(f"{what} ")]
    counted = [[int(word) for word in line.split()] for line in log.read_text().splitlines()] \
        if log.exists() else []
    return told, counted


def without_first(boot, told, size):
    """Those of the plan, one by one or so many of each."""
    plan = [list(map(str, words)) for words in BOOTS[boot][3] for _ in range(size)]
    rest = told[size:]
    if [line[:len(words)] for line, words in zip(rest, plan)] != plan or len(rest) != len(plan):
        raise measure.Disturbed(f"{boot}: L1 tells {len(told)} rows, not one for each of {plan}")
    return rest


def starts(modules):
    told, totals = run("process-start", modules)
    if len(totals) != 2 * len(told):
        raise measure.Disturbed(f"{len(totals)} totals of {len(told)} starts")
    between = [sum(after) - sum(before) for before, after in zip(totals[::2], totals[1::2])]
    found = {}
    for (*what, own, idle), whole in zip(without_first("process-start", told, 1), between[1:]):
        found.setdefault(tuple(what), []).append((whole, int(own), int(idle)))
    for (name, path), times in found.items():
        whole, own, idle = zip(*times)
        yield {"device": name, "path": path, "instructions": statistics.median(whole),
               "process_instructions": statistics.median(own), "idle_instructions": max(idle)}


def memories(modules):
    for name, when, *held in without_first("process-memory", run("process-memory", modules)[0], 2):
        yield {"device": name, "when": when, **dict(zip(HELD, map(int, held)))}


def many(modules):
    for vms, processes, *held in without_first("process-many", run("process-many", modules)[0], 1):
        for who, figures in (("processes", held[:len(HELD)]), ("QEMU", held[len(HELD):])):
            yield {"vms": vms, "processes": processes, "who": who,
                   **dict(zip(HELD, map(int, figures)))}


def longest(totals):
    """The most that was executed between two marks of the guest's, less what always is."""
    between = sorted(sum(after) - sum(before) for before, after in zip(totals, totals[1:]))
    return between[-1] - between[len(between) // 2]


def windows(totals):
    """Those between the marks for totals, which have no instructions of an emulator's."""
    found, inside = [], False
    for line in totals:
        if line[1]:
            if inside:
                found[-1].append(line)
            continue
        inside = not inside
        if inside:
            found.append([])
    return found


def pauses(modules):
    told, totals = run("process-pause", modules)
    found = windows(totals)
    if len(found) != len(told):
        raise measure.Disturbed(f"{len(found)} windows of {len(told)} pauses")
    for (name, how), window in zip(without_first("process-pause", told, 1), found[1:]):
        yield {"device": name, "how": how, "instructions": longest(window)}


# What is measured by itself, and the table that it makes
TABLES = {"process-start.tsv": starts, "process-memory.tsv": memories,
          "process-many.tsv": many, "process-pause.tsv": pauses}


def counted(name, modules):
    """{file name: rows} of one table."""
    return {name: list(TABLES[name](modules))}
