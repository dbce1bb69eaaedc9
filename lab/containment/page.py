# SPDX-License-Identifier: GPL-2.0
"""Write Documentation/devuser/containment.md, from the results of all bugs."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Documentation/devuser/containment.md"

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make containment` from its runs: do not edit. -->

# Bugs that happened, contained

Each of these {bugs} published bugs of {models} of QEMU's device models is put back into
QEMU 10.0 by `make containment`, in the source. A reproducer, which makes the accesses
that a guest would, triggers the fault and does no more. It is run four times:

* without the bug, with the device in QEMU and with the device in a process of its own:
  no harm is done, so that what is seen below comes of the bug;
* with the bug and the device in QEMU: the column *in QEMU* says what becomes of the VM;
* with the bug and the device in a process of its own, confined as it is by default
  (`-remote rid=...,timeout-ms={timeout},restarts=1`): the columns *in a process* and after.

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

TAIL = """
"in time": within timeout-ms, one second in which the process dies, and {busy} s for what
is slow on a busy machine.

## What this does not prove

* A device has its guest's RAM, by DMA. A device model that writes where it was not told
  to can harm its guest, and only its guest. The reproducers of bugs that would do so make
  them do it where there is no memory.
* A guest learns what the process knows, where memory leaks: its own images and its own
  network, not QEMU's memory, nor another process's.
* These are faults, and not attacks that go on from them. What a process can do that
  somebody has taken over is in [attempts.md](attempts.md).
* The table is of QEMU without sanitizers. Bugs that corrupt a few bytes, and do no visible
  harm, are not in it.
* The accesses go through QEMU here, and not straight from KVM.
"""


def row(bug, result):
    inside = f"{result['inside']}: {result['words']}"
    remote = bug.remote and f"{result['remote']}: {bug.remote}" or result["remote"]
    return "| " + " | ".join((bug.cve, bug.entry["model"], bug.kind, inside, remote,
                              result["event"] or "-", result["back"] or "-")
                             ).replace("||", "\\|\\|") + " |"


def text(results, figures):
    yield HEAD.format(bugs=len(results), **figures,
                      models=len({bug.model.DEVICES[0].split(",")[0] for bug, _ in results}))
    yield "| CVE | model | kind | in QEMU | in a process | REMOTE_LOST | given back |\n"
    yield "|---|---|---|---|---|---|---|\n"
    for bug, result in results:
        yield row(bug, result) + "\n"
    yield TAIL.format(**figures)


def write(results, **figures):
    PAGE.write_text("".join(text(results, figures)))
