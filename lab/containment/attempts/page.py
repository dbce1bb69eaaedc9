# SPDX-License-Identifier: GPL-2.0
"""Write Documentation/devuser/attempts.md, from what was seen in L1."""

import pathlib

import plan

PAGE = pathlib.Path(__file__).resolve().parents[3] / "Documentation/devuser/attempts.md"

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make attempts` from its runs: do not edit. -->

# What a process that is taken over can attempt

A device process exists so that whoever takes it over has nothing but that. `make attempts`
plays one: a build of QEMU for tests has a device model, "edu", that makes an attempt when
its guest stores to a register. An attempt is a system call or a few, written down in
[attempts.c.inc](../../lab/containment/attempts/attempts.c.inc); there is no exploit. All of
them are made in L1 only.

* The guest is a small one, on KVM in L1; its accesses come straight from KVM, so that the
  process has a slave descriptor.
* The process is confined as it is by default, but for the memory of its own,
  `confine-memory={memory}M`. QEMU is root's, which leaves a process most, but where the table
  says otherwise.
* Each attempt is made again with `confine=off`: the column on the right shows that it would
  succeed, and that it is the confinement that refuses it. Where it does not, the reason is
  there.
* After each attempt the VM runs, QEMU answers, the device is there, if need be by another
  process, which is confined, and another VM beside it has its RAM as it was. After all, the
  images that are not the process's to write are as they were.

*other*, *disk* and *network* are what the process has: nothing, images, a user-mode network.
What is refused in all of them by the same rule was made in *disk* only, and its rule was
looked at in all: see below.

SIGSYS is the death of the process: the event REMOTE_LOST follows.

"""

CALLS = """
## Every system call

In L1 the kernel gives out the filter that it has for such a process. A child for each
number from 0 to {last} has this filter, and makes the call, with arguments that are all ones.
So do as many numbers of the x32 ABI.

| class | with any arguments | with some | only refused with an errno | killed, of {tried} |
|---|---|---|---|---|
{rows}
What was not killed is exactly what the lists in hw/remote/seccomp allow with any arguments,
or refuse with an errno, and {always}, which this kernel lets through every filter: they were
made with a filter that allows nothing as well. Of the x32 ABI all were killed.

"""

HANGS = """\
## A process that does not answer

The device model sleeps where QEMU waits for it. With `timeout-ms={timeout}` (and as much for
"drain-timeout-ms") the process is lost, dead, and where it had begun another one takes its
place. The longest time in which QEMU's monitor gave no answer:

| it sleeps in | REMOTE_LOST | after | QEMU's monitor |
|---|---|---|---|
{rows}
The times are of an emulated processor on a busy machine. A monitor that is silent for
"timeout-ms" is one that had to wait for the process under the big lock, as for any device.
"""

MAY = """
## What it may do

That is what is left to an attacker, with his guest's own means but for the slave's:
his guest's RAM, his images, his network.

"""

TAIL = """
## What this does not prove

* A table is as good as its attempts. What nobody has thought of is not in it; the filter
  was tried with one set of arguments for each call.
* A kernel bug that can be reached by the calls that are left is not held by them.
* The threads of root's processes are not limited by the kernel: run QEMU as a user.
* How large its own image may become is up to its file system, or its quota.
* A process of class *network* reaches what the machine reaches, the machine itself included,
  as its guest does by the user-mode network: it is in QEMU's network namespace, but
  with `confine-network=on`.
"""

PLACES = {
    "start": "its start, before a word to QEMU", "realize": "`device_add`",
    "config": "a store to config space", "load": "a load from a BAR", "store": "a store to a BAR",
    "reset": "a reset", "stop": "`stop`", "save": "`migrate`: the device's state",
}


def seen_of(attempt, kind, results):
    """(what came of it, what stopped it), as text"""
    outcome, much, _ = results["confined"][kind][attempt.name]
    expected, stopped = attempt.confined(kind)
    if much.isdigit() and attempt.group == "Filling":
        outcome += f", after {much}"
    elif much and not much.isdigit():
        outcome += f": {much}"
    if outcome.split(",")[0].split(":")[0] != expected:
        return f"**{outcome}**", "**nothing**" if outcome.startswith("success") else "-"
    return outcome, stopped or "-"


def by_outcome(attempt, results):
    """The same, of all classes"""
    seen = {}
    for kind in attempt.kinds:
        seen.setdefault(seen_of(attempt, kind, results), []).append(kind)
    if len(seen) == 1:
        return next(iter(seen))
    return (", ".join(f"{text} ({', '.join(kinds)})" for (text, _), kinds in seen.items()),
            ", ".join(dict.fromkeys(stopped for _, stopped in seen if stopped != "-")))


def control(attempt, results):
    outcome = results["control"][attempt.name][0]
    return f"{outcome}: {attempt.why}" if attempt.why else outcome


def table(attempts, results):
    yield "| attempt | what comes of it | stopped by | with confine=off |\n|---|---|---|---|\n"
    for one in attempts:
        outcome, stopped = by_outcome(one, results)
        text = one.text + (", QEMU being a user's" if one.user else "")
        yield f"| {text} | {outcome} | {stopped} | {control(one, results)} |\n"


def groups(attempts, results):
    for name in dict.fromkeys(one.group for one in attempts if not one.may):
        yield f"## {name}\n\n"
        yield from table([one for one in attempts if one.group == name], results)
        yield "\n"


def may(attempts, results):
    yield "| what | what comes of it |\n|---|---|\n"
    for one in attempts:
        outcome, _ = by_outcome(one, results)
        yield f"| {one.text} | {outcome} |\n"


def calls(results):
    seen = {kind: results["calls"][kind] for kind in plan.CLASSES}
    tried = next(iter(seen.values()))["tried"]
    rows = "".join(f"| {kind} | {one['free']} | {one['some']} | {one['errors']} |"
                   f" {one['killed']} |\n" for kind, one in seen.items())
    return CALLS.format(rows=rows, tried=tried, last=tried - 1,
                        always=" and ".join(results["calls"]["always"]) or "nothing")


def hangs(results):
    seen = results["hangs"]
    rows = "".join(f"| {PLACES[place]} | {one['reason']} | {one['after']:.1f} s |"
                   f" {one['answers']:.1f} s |\n" for place, one in seen["places"].items())
    return HANGS.format(rows=rows, timeout=seen["timeout"])


def findings(wrong):
    """What should not have been so"""
    found = [(name, words) for name, words in wrong.items() if words]
    if found:
        yield "## Findings\n\n"
        yield from (f"* {name}: {'; '.join(words)}\n" for name, words in found)
        yield "\n"


def text(attempts, results, wrong):
    yield HEAD.format(memory=plan.MEMORY)
    yield from findings(wrong)
    yield from groups(attempts, results)
    yield MAY.lstrip("\n")
    yield from may([one for one in attempts if one.may], results)
    yield calls(results)
    yield hangs(results)
    yield TAIL


def write(attempts, results, wrong):
    PAGE.write_text("".join(text(attempts, results, wrong)))
