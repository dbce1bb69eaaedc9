# SPDX-License-Identifier: GPL-2.0
"""What else happens while L2 uses its device: L2 says when, here is done what."""

import os
import signal
import time

from l2 import L2Error, check_confined

PATIENCE = 120
PAUSE = 5
BETWEEN = 1
NAMES = ("killed", "restarted", "stopped", "plugged", "migrated", "upgraded")
# Those after which L2 must not have noticed anything but a pause
UNNOTICED = ("migrated", "upgraded")


def kill(run):
    """SIGKILL, and what QEMU reports of it."""
    pid = run.remote.pid()
    run.remote.kill()
    lost = run.guest.monitor.event("REMOTE_DEVICE_LOST", PATIENCE)
    if (lost.get("device"), lost.get("pid")) != ("device", pid):
        raise L2Error(f"QEMU says that another process than {pid} was lost: {lost}")


def replace(run):
    """As one does who manages the processes."""
    monitor = run.guest.monitor
    run.remote.socket.close()
    run.remote.start()
    monitor.command("getfd", fds=run.remote.fds(), fdname="link")
    monitor.command("x-remote-device-reconnect", id="device", fd="link")


def wait_for_restart(run):
    """QEMU does it by itself."""
    deadline = time.monotonic() + PATIENCE
    while run.guest.monitor.command("qom-get", path="device",
                                    property="user-device-state") == "failed":
        if time.monotonic() > deadline:
            raise L2Error(f"QEMU did not replace the process within {PATIENCE} s")
        time.sleep(1)
    run.remote.watch(run.guest.monitor)


def stop(run):
    """For less than the time-out: nobody but those who wait for the device notices."""
    os.kill(run.remote.pid(), signal.SIGSTOP)
    time.sleep(PAUSE)
    os.kill(run.remote.pid(), signal.SIGCONT)


def upgrade(run):
    """Another process, under the running L2; returns how long that stood still."""
    monitor = run.guest.monitor
    monitor.command("remote-replace", rid=run.remote.RID)
    replaced = monitor.event("REMOTE_REPLACED", PATIENCE)
    if replaced["old-pid"] != run.remote.pid():
        raise L2Error(f"QEMU has replaced another process than {run.remote.pid()}: {replaced}")
    run.remote.end(PATIENCE)
    run.remote.watch(monitor)
    return replaced["pause-us"] / 1e6


def migrate(run):
    """To another QEMU in L1, which has a process of its own."""
    source, process = run.guest, run.remote
    run.start_guest(incoming=True)
    uri = f"unix:{run.logs}/migration"
    run.guest.monitor.command("migrate-incoming", uri=uri)
    source.monitor.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
    source.monitor.command("migrate", uri=uri)
    deadline = time.monotonic() + PATIENCE
    while (state := source.monitor.command("query-migrate"))["status"] != "completed":
        if state["status"] in ("failed", "cancelled") or time.monotonic() > deadline:
            raise L2Error(f"the migration does not end: {state}")
        time.sleep(0.1)
    while run.guest.monitor.command("query-status")["status"] != "running":
        if time.monotonic() > deadline:
            raise L2Error("L2 does not run at the destination")
        time.sleep(0.1)
    run.follow(run.guest)
    source.monitor.command("quit")
    source.end(PATIENCE)
    process.end(PATIENCE)
    return state["downtime"] / 1e3


def move(run):
    """From hop to hop, with time for L2 to do something in each place."""
    hop = upgrade if run.options.scenario == "upgraded" else migrate
    for _ in range(run.options.hops):
        run.pauses.append(hop(run))
        check_confined(run.remote.pid())
        time.sleep(BETWEEN)


def busy(run):
    if run.options.scenario in UNNOTICED:
        move(run)
        return
    if run.options.scenario == "stopped":
        stop(run)
        return
    kill(run)
    if run.options.scenario == "restarted":
        wait_for_restart(run)
    else:
        replace(run)


def plug(run):
    monitor = run.guest.monitor
    run.start_remote()
    monitor.command("getfd", fds=run.remote.fds(), fdname="link")
    monitor.command("device_add", **{**run.proxy(), "fd": "link"})


def unplug(run):
    """The process ends by itself, and is not missed."""
    monitor = run.guest.monitor
    run.count()
    monitor.command("device_del", id="device")
    while monitor.event("DEVICE_DELETED", PATIENCE).get("device") != "device":
        pass
    run.remote.end(PATIENCE)
    if any(event["event"] == "REMOTE_DEVICE_LOST" for event in monitor.events):
        raise L2Error("QEMU reports the unplugged device as lost")
    run.remote = None


REQUESTS = {"busy": busy, "plug": plug, "unplug": unplug}
