# SPDX-License-Identifier: GPL-2.0
"""What else happens while L2 uses its device: L2 says when, here is done what."""

import os
import signal
import time

from l2 import L2Error

PATIENCE = 120
PAUSE = 5
NAMES = ("killed", "restarted", "stopped", "plugged")


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


def busy(run):
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
