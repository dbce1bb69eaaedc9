# SPDX-License-Identifier: GPL-2.0
"""What else happens while L2 uses its device: L2 says when, here is done what."""

import os
import signal
import subprocess
import threading
import time

import bootdisk
from l2 import CONFINEMENT, L2Error, Managed, check_confined, value_of

PATIENCE = 120
PAUSE = 5
BETWEEN = 1
NAMES = ("killed", "restarted", "stopped", "plugged", "migrated", "upgraded", "full", "watchdog",
         "several", "boot")
# Those after which L2 must not have noticed anything but a pause
UNNOTICED = ("migrated", "upgraded")

# Those that are about a disk, and what L2 needs besides the drivers of the device
DISK_ONLY = ("full", "watchdog", "several", "boot")
MODULES = {"watchdog": ("i6300esb",), "several": ("nvme", "virtio-rng")}

# Left for what L2 writes, before there is no room any more
ROOM = 1 << 20
SECOND = "9"


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


def second_process(backends):
    """The option for it; the device is in the first one."""
    return ["-remote", f"rid={SECOND},command={value_of(' '.join((*CONFINEMENT, *backends)))}"]


def boot_from_disk(run):
    options = run.options
    image = bootdisk.make(run.outside.folder, options.kernel, options.initramfs)
    options.kernel = None
    return [*bootdisk.firmware(options.firmware),
            *second_process(["-drive", f"if=none,id=boot,file={image},format=raw,readonly=on"]),
            "-device", f"virtio-blk-pci,drive=boot,bootindex=0,rid={SECOND}"]


def several_devices(run):
    """Another one in the device's process, and a process for one that comes later"""
    run.second_image = f"{run.outside.folder}/second"
    with open(run.second_image, "wb") as file:
        file.truncate(16 << 20)
    return ["-device", f"virtio-rng-pci,rid={Managed.RID}",
            *second_process(["-drive", f"if=none,id=second,file={run.second_image},format=raw,"
                             "auto-read-only=off"])]


def watchdog_device(run):
    return ["-action", "watchdog=pause", "-device", f"i6300esb,rid={Managed.RID}"]


MORE = {"boot": boot_from_disk, "several": several_devices, "watchdog": watchdog_device}


def more_arguments(run):
    """Of the VMM, for the scenario"""
    more = MORE.get(run.options.scenario)
    return more(run) if more else []


def check_stopped(monitor, expected):
    monitor.event("STOP", PATIENCE)
    status = monitor.command("query-status")["status"]
    if status != expected:
        raise L2Error(f"QEMU says that L2 is in the state {status}, and not {expected}")


def resize(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def make_room(run):
    """L2 does not run until there is some."""
    monitor = run.guest.monitor
    error = monitor.event("BLOCK_IO_ERROR", PATIENCE)
    if not error.get("nospace"):
        raise L2Error(f"the disk has another error than to be full: {error}")
    check_stopped(monitor, "io-error")
    resize(run.outside.folder, "256M")
    monitor.command("cont")
    run.mended = True


def fill(run):
    """There is room again as soon as QEMU has noticed."""
    folder = run.outside.folder
    used = os.statvfs(folder)
    resize(folder, (used.f_blocks - used.f_bfree) * used.f_frsize + ROOM)
    run.mender = threading.Thread(target=make_room, args=[run], daemon=True)
    run.mender.start()


def check_room(run):
    run.mender.join(PATIENCE)
    if not getattr(run, "mended", False):
        raise L2Error("the disk was never full")


def wait_for_watchdog(run):
    """It stops L2, which goes on, and finds it expired."""
    monitor = run.guest.monitor
    action = monitor.event("WATCHDOG", PATIENCE)["action"]
    if action != "pause":
        raise L2Error(f"the watchdog's action is {action}")
    check_stopped(monitor, "watchdog")
    monitor.command("cont")


def plug_second(run):
    run.guest.monitor.command("device_add", driver="nvme", id="second", drive="second",
                              serial="second", rid=SECOND)
    remotes = {remote["rid"]: remote for remote in run.guest.monitor.command("query-remotes")}
    if [len(remotes[rid]["devices"]) for rid in (Managed.RID, SECOND)] != [3, 1]:
        raise L2Error(f"QEMU has other devices than three in two processes: {remotes}")


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
    for device in run.remote.device_options():
        run.guest.monitor.command("device_add", **device)


def devices_left(monitor):
    remote, = monitor.command("query-remotes")
    return remote["devices"]


def unplug(run):
    """Then the process has nothing to do, is ended, and is not missed."""
    monitor = run.guest.monitor
    run.count()
    monitor.command("device_del", id="device")
    while devices_left(monitor):
        monitor.event("DEVICE_DELETED", PATIENCE)
    monitor.command("remote-del", rid=run.remote.RID)
    run.remote.end(PATIENCE)
    if any(event["event"] in ("REMOTE_DEVICE_LOST", "REMOTE_LOST") for event in monitor.events):
        raise L2Error("QEMU reports the unplugged device as lost")
    run.remote = None


REQUESTS = {"busy": busy, "plug": plug, "unplug": unplug, "fill": fill, "room": check_room,
            "watchdog": wait_for_watchdog, "plug-second": plug_second}
