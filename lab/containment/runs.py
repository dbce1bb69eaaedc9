# SPDX-License-Identifier: GPL-2.0
"""One run of a reproducer: with the device in QEMU, or in a process of its own."""

import pathlib
import re
import signal
import time

import guest as guests
import neighbours
from guest import Gone, Guest, Hung
from neighbours import Neighbours

# So long, in seconds, another process may take to start.
RESTART = 120
# A process that computes is found to be runnable so often, of a number of times, however
# little of the CPU it gets.
SAMPLES, RUNNABLE = 20, 18

RECORD = re.compile(r"AddressSanitizer: (allocator is out of memory|[\w-]+)|"
                    r"(Assertion .* failed)|(assertion failed.*)|"
                    r"(failed to allocate \d+ bytes)|(stack smashing detected)")
# Of a stack, as AddressSanitizer prints it: a function of a device model
FRAME = re.compile(r"#\d+ 0x[0-9a-f]+ in (\w+) \S*/hw/")


class Wrong(Exception):
    """It is not as it should be."""


def settle(guest):
    """Lets the machine do what it has put off, and the driver look what has come of it."""
    for _ in range(5):
        guest.wait(0.02)
        probe(guest)


class Limits:
    """The deadlines of a process, as they are documented: "timeout-ms", and a second in
    which it dies.  What a busy machine adds, in seconds, is in no document."""

    DEATH = 1

    def __init__(self, timeout, busy):
        self.timeout, self.busy = timeout, busy
        self.loss = timeout + self.DEATH + busy
        self.options = f"timeout-ms={timeout * 1000},restarts=1"


# Of a process whose accesses come through QEMU, on this machine
HERE = Limits(2, 2)


def words_of(log):
    """What a dying QEMU says of the reason."""
    found = RECORD.search(log)
    if not found:
        return ""
    words = next(group for group in found.groups() if group)
    frame = FRAME.search(log, found.end())
    return f"{words} in {frame[1]}()" if frame else words


def addresses_in(leak, pid):
    """How many words of what a guest got are addresses of something in the process."""
    with open(f"/proc/{pid}/maps") as file:
        spans = [[int(end, 16) for end in line.split()[0].split("-")] for line in file]
    words = {int.from_bytes(leak[at:at + 8], "little") for start in range(8)
             for at in range(start, len(leak) - 7, 8)}
    return sum(any(start <= word < end for start, end in spans) for word in words)


def name_of(status):
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def inside(qemu, folder, model, function):
    """What comes of a reproducer if the device is in QEMU, as (outcome, words)."""
    with Guest(qemu, folder, model) as guest:
        try:
            leak = function(guest)
            settle(guest)
            guest.qmp("query-status")
        except Exception as error:  # QEMU's end is seen in many ways
            outcome, words = end_of(guest, error)
        else:
            return lives(guest, leak)
    said = outcome == "dies" and words_of(guest.log)
    return outcome, f"{words}: {said}" if said else words


def lives(guest, leak):
    if not guest.untouched():
        return "corrupts", "RAM that the device was not given"
    if leak:
        return "leaks", "its memory" + (addresses_in(leak, guest.pid) and
                                        ", addresses in it among that" or "")
    return "lives", ""


def computes(pid):
    """Whether a thread of the process is in a loop, and waits for nothing."""
    count = 0
    for _ in range(SAMPLES):
        stats = [file.read_text() for file in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
        count += any(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)
        time.sleep(0.1)
    return count >= RUNNABLE


def end_of(guest, error):
    if isinstance(error, (Hung, TimeoutError)) and guest.vm.is_running():
        if not computes(guest.pid):
            raise Wrong("QEMU neither answers nor computes") from error
        return "hangs", f"no answer in {guests.HANG} s, and computes"
    status = guest.status_of_end()
    if status is None:
        raise error
    return "dies", name_of(status)


# --- the device in a process ---------------------------------------------------------------

def process(guest, rid=guests.NAME):
    return next(one for one in guest.qmp("query-remotes") if one["rid"] == rid)


def check_confined(pid):
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.split(":\t", 1) for line in file.read().splitlines())
    if lines["Seccomp"] != "2" or lines["NoNewPrivs"] != "1" or int(lines["CapEff"], 16):
        raise Wrong("the process is not confined")


class Events:
    """Of QMP, since the machine was started, with the times at which they were seen."""

    def __init__(self, guest):
        self.guest, self.seen = guest, []

    def take(self):
        now = time.monotonic()
        self.seen += [(now, event) for event in self.guest.events()]

    def of(self, name, rid=guests.NAME):
        self.take()
        return [(when, one) for when, one in self.seen
                if one["event"] == name and one["data"].get("rid") == rid]

    def wait(self, name, end):
        """Until then, and at least once"""
        while not (found := self.of(name)):
            if time.monotonic() > end:
                raise Wrong(f"no {name} in time")
            self.guest.qmp("query-status")
            time.sleep(0.05)
        return found[0]


def probe(guest):
    number, offset = guest.model.PROBE
    return guest.device.read(0), guest.device.bars[number].read(offset)


def check_machine(guest, near):
    """QEMU answers, its other devices work, and nobody's RAM is as it was."""
    if guest.qmp("query-status")["status"] != "running":
        raise Wrong("the VM does not run")
    if fault := near.fault():
        raise Wrong(fault)
    if not guest.untouched():
        raise Wrong("RAM that the device was not given has changed")


def check_given_back(guest, events, at_reset):
    _, event = events.wait("REMOTE_RESTARTED", time.monotonic() + RESTART)
    pid = process(guest)["pid"]
    if event["data"]["pid"] != pid:
        raise Wrong("REMOTE_RESTARTED names another process")
    check_confined(pid)
    if (found := probe(guest)) != at_reset:
        raise Wrong(f"the device reads {found[1]:#x}, and {at_reset[1]:#x} after a reset")


class Remote:
    """What is seen of a run with the device in a process."""

    def __init__(self):
        self.outcome, self.event, self.back = "lives", "", ""


def remote(machine, function, limits, lost):
    """@lost: the process is to be lost by it."""
    with machine as guest:
        try:
            return observe(guest, function, limits, lost)
        except Gone as error:
            raise Wrong(f"QEMU has ended: {guest.status_of_end()}") from error
        except (Hung, TimeoutError) as error:
            raise Wrong("QEMU does not answer") from error


def observe(guest, function, limits, lost):
    seen = Remote()
    near, events = Neighbours(guest), Events(guest)
    check_machine(guest, near)
    at_reset, pid = probe(guest), process(guest)["pid"]
    check_confined(pid)
    start = time.monotonic()
    leak = function(guest)
    settle(guest)
    if lost:
        observe_loss(guest, events, start + limits.loss, seen)
    elif gone := events.of("REMOTE_LOST"):
        raise Wrong(f"the process is lost: {gone[0][1]['data']['reason']}")
    elif leak:
        seen.outcome = leaks(guest, leak, pid)
    check_machine(guest, near)
    if lost:
        check_given_back(guest, events, at_reset)
        check_machine(guest, near)
        seen.back = "yes"
    return seen


def observe_loss(guest, events, end, seen):
    when, event = events.wait("REMOTE_LOST", end)
    if when > end:
        raise Wrong(f"the process is lost {when - end:.1f} s late")
    if not event["data"]["dead"]:
        raise Wrong("the process is not dead")
    if process(guest, neighbours.NAME)["state"] != "running":
        raise Wrong("the other process does not run")
    seen.outcome, seen.event = "lost", event["data"]["reason"]


def leaks(guest, leak, pid):
    """Memory of its own, and none of QEMU's, which its addresses would be in."""
    if addresses_in(leak, guest.pid):
        raise Wrong("addresses in QEMU have leaked")
    return "leaks its own memory" + (", addresses in it among that, none in QEMU"
                                     if addresses_in(leak, pid) else "")
