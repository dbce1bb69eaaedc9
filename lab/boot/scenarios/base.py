# SPDX-License-Identifier: GPL-2.0
"""What a scenario is asked for."""

import mainloop
from l2 import MACHINE, L2Error, Managed

PATIENCE = 120


class Scenario:
    """Nothing else happens."""

    # What it is about, and what L2 needs for it besides the drivers of the device
    needs_disk = needs_recovery = needs_fio = False
    modules = ()
    # What it runs, if not what is for all disks or networks
    test = None
    # Those without which L2 has not even the port that it talks by
    early_modules = ()
    # Whether the device is there before L2 asks for it
    plugged_later = False
    # L2's machine, and what is on its kernel's command line besides
    machine = MACHINE
    append = ()
    # How the VMM gets its processes
    remote = Managed
    restarts = 0
    # For how long QEMU may wait for a process that does not answer
    pause = 0
    # More seconds that L2 may take, and how many everything may
    patience = 0
    timeout = 600
    # Modules of L1's, what its kernel is told, and whether it is to have guest/attempt
    l1_modules = ()
    l1_append = ()
    attempts = False
    # Who asks QEMU all the time
    watch = mainloop.Watch

    def __init__(self, run):
        self.run = run

    @property
    def monitor(self):
        return self.run.guest.monitor

    def start(self):
        """Before L2 is there"""

    def first_arguments(self):
        """Of the VMM, before all devices"""
        return []

    def arguments(self):
        """Of the VMM, besides those of the device"""
        return []

    def requests(self):
        """What L2 asks for, and what is done then"""
        return {}

    def check_running(self):
        """When L2 has done its test, and is still there"""

    def started_anew(self):
        """L2 says that it is ready, and not for the first time."""
        raise L2Error("L2 has started anew")

    def check(self):
        """Once L2 has gone"""

    def report(self):
        """What was seen of it: pairs of words"""
        return []

    def check_stopped(self, expected):
        self.monitor.event("STOP", PATIENCE)
        status = self.monitor.command("query-status")["status"]
        if status != expected:
            raise L2Error(f"QEMU says that L2 is in the state {status}, and not {expected}")
