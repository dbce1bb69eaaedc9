# SPDX-License-Identifier: GPL-2.0
"""Write Documentation/devuser/containment.md, from the results of all bugs."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Documentation/devuser/containment.md"

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make containment` from its runs: do not edit. -->

# Bugs that happened, contained

Each of these {bugs} published bugs of {models} of QEMU's device models is put back into
QEMU 10.0 by `make containment`, in the source, those of different models at once. A
reproducer, which makes the accesses that a guest would, triggers the fault and does no
more. It is run seven times:

* without the bugs, with the device in QEMU, the same with AddressSanitizer, and with the
  device in a process of its own: no harm is done, so that what is seen below comes of the
  bug;
* with the bug and the device in QEMU: the column *in QEMU* says what becomes of the VM,
  and *with ASan* what AddressSanitizer finds, and in which function. It checks the files
  that have the bugs, and what they allocate and copy;
* with the bug and the device in a process of its own, confined as it is by default
  (`-remote rid=...,timeout-ms={timeout},restarts=1`): the first table;
* the same in L1, a host with Debian's stock kernel and the user device, where the guest is
  on KVM, and its accesses go straight from KVM to the process: the second table.

In the last run the following was seen for each of them, or the bug is not listed:

* the process was confined before the driver's first access: a seccomp filter, no
  capabilities, no new privileges;
* QEMU answers on QMP, and the VM runs;
* an IDE disk in QEMU writes and reads back, and its image has what was written; a device
  in a second process does DMA in both directions; both before the fault, after it, and
  after the device is there again;
* the {rest} MiB of RAM that the driver has given to nobody are as they were;
* where the process is lost: it is dead, the event is in time, another process takes its
  place, is confined, and the device has the same IDs, and the same value in a register,
  as after a reset.

"""

BETWEEN = """
"in time": within timeout-ms, one second in which the process dies, and {busy} s for what
is slow on a busy machine.

## Straight from KVM

All of the above was looked at, with `timeout-ms={l1_timeout}` and {l1_busy} s for what is
slow. L1's kernel, which would have panicked at a warning, has nothing in its log that it
should not have.

| CVE | model | in a process | REMOTE_LOST | given back |
|---|---|---|---|---|
"""

TAIL = """

## What this does not prove

* A device has its guest's RAM, by DMA. A device model that writes where it was not told
  to can harm its guest, and only its guest. The reproducers of bugs that would do so make
  them do it where there is no memory.
* A guest learns what the process knows, where memory leaks: its own images and its own
  network, not QEMU's memory, nor another process's.
* These are faults, and not attacks that go on from them. What a process can do that
  somebody has taken over is in [attempts.md](attempts.md).
* The kernel's log names a process that a signal has ended, and where it was. That is no
  complaint.
"""


def cells(*words):
    return "| " + " | ".join(word.replace("|", "\\|") or "-" for word in words) + " |\n"


def in_process(bug, seen):
    outcome = seen["outcome"]
    return f"{outcome}: {bug.remote}" if bug.remote else outcome, seen["event"], seen["back"]


def inside(seen):
    return f"{seen['inside']}: {seen['words']}" if seen["words"] else seen["inside"]


def text(results, stages, figures):
    plain, asan, kvm = stages
    yield HEAD.format(bugs=len(results), **figures,
                      models=len({bug.model.DEVICES[0].split(",")[0] for bug in results}))
    yield "| CVE | model | kind | in QEMU | with ASan | in a process | REMOTE_LOST | given back |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for bug, seen in results.items():
        yield cells(bug.cve, bug.entry["model"], bug.kind, inside(seen[plain]),
                    inside(seen[asan]), *in_process(bug, seen[plain]))
    yield BETWEEN.format(**figures)
    for bug, seen in results.items():
        yield cells(bug.cve, bug.entry["model"], *in_process(bug, seen[kvm]))
    yield TAIL


def write(results, stages, **figures):
    PAGE.write_text("".join(text(results, stages, figures)))
