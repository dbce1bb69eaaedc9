# SPDX-License-Identifier: GPL-2.0
"""A process that sleeps where QEMU waits for it, for each of the places."""

import threading
import time

import pci
import plan
from target import PATIENCE, Target, Watch, Wrong
from qmp import QMPError

TIMEOUT_MS = 5000
# In seconds: what is slow on a busy machine that emulates its processor
BUSY = 5
OPTIONS = (f"timeout-ms={TIMEOUT_MS},drain-timeout-ms={TIMEOUT_MS},"
           f"start-timeout-ms={PATIENCE * 1000},restarts=1")


def config(target):
    target.device.write(pci.COMMAND, pci.COMMAND_ON, 2)


def load(target):
    target.bar.read(plan.COUNT)


def store(target):
    target.bar.write(plan.COUNT, 0)


def reset(target):
    target.qmp("system_reset")


def stop(target):
    target.qmp("stop")


def save(target):
    target.qmp("migrate", uri=f"file:{plan.FOLDER}/state")


class Watched:
    """One place: what is done there, beside a look at QEMU's answers."""

    def __init__(self, target):
        self.watch = Watch(target)

    def lost(self):
        """QEMU waits for it once."""
        data, seconds = self.watch.until("REMOTE_LOST", TIMEOUT_MS / 1000 + BUSY)
        if not data["dead"]:
            raise Wrong("the process is not dead")
        return {"reason": data["reason"], "after": seconds, "answers": self.watch.worst}


def run_one(options, place, action):
    with Target(str(options.qemu), options.hand, "other", OPTIONS) as target:
        target.bar.write(plan.HANG, plan.HANGS[place])
        watched = Watched(target)
        seen = started(target, action, watched)
        target.monitor.event("REMOTE_RESTARTED", PATIENCE)
        target.qmp("cont")
        if target.device.read(0) != 0x11e81234:
            raise Wrong("the device is not there again")
        return seen


def started(target, action, watched):
    """The action ends when the process is lost, and QEMU answers meanwhile."""
    errors = []

    def act():
        try:
            action(target)
        except QMPError as error:
            errors.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    seen = watched.lost()
    thread.join(PATIENCE)
    return {**seen, "error": str(errors[0]) if errors else ""}


def wrapper(options, place):
    """A program that hangs: the name of the place is in its environment."""
    path = plan.FOLDER / f"hang-{place}"
    path.write_text(f'#!/bin/sh\nATTEMPTS_HANG={place} exec {options.qemu} "$@"\n')
    path.chmod(0o755)
    return str(path)


def refused(target):
    """The command fails in time; a process that is late is not lost for that."""
    start = time.monotonic()
    try:
        target.qmp("device_add", driver="edu", id="more", rid="more")
    except QMPError as error:
        seconds = time.monotonic() - start
        if seconds < TIMEOUT_MS / 1000 + BUSY:
            return {"reason": f"none: {error}", "after": seconds, "answers": seconds}
    raise Wrong("device_add does not fail in time")


def run_start(options, place):
    """Another process, which hangs before it has a device."""
    timeouts = {"timeout-ms": TIMEOUT_MS, "start-timeout-ms": TIMEOUT_MS}
    if place == "realize":
        timeouts["start-timeout-ms"] = PATIENCE * 1000
    with Target(str(options.qemu), options.hand, "other", OPTIONS) as target:
        watched = Watched(target)
        target.qmp("remote-add", rid="more", command="", program=wrapper(options, place),
                   **timeouts)
        if place == "realize":
            target.monitor.event("REMOTE_STARTED", PATIENCE)
            seen = refused(target)
        else:
            seen = watched.lost()
        if target.device.read(0) != 0x11e81234 or target.remote()["state"] != "running":
            raise Wrong("the other device does not go on")
        return seen


PLACES = {"config": config, "load": load, "store": store, "reset": reset, "stop": stop,
          "save": save}


def run(options, bystander, say):
    results = {}
    for place in ("start", "realize", *PLACES):
        seen = (run_one(options, place, PLACES[place]) if place in PLACES
                else run_start(options, place))
        say("hang in", place, seen)
        bystander.check()
        results[place] = seen
    return {"timeout": TIMEOUT_MS, "places": results}
