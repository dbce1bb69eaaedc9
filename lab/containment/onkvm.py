# SPDX-License-Identifier: GPL-2.0
"""A virtual machine on KVM, in L1, whose processor makes a driver's accesses as it is told."""

import time

import guest as guests
import neighbours
from guest import Driver, Gone, Hung
from hand import Silent
from qmp import QMPError
from target import Machine


class KvmGuest(Driver):
    """Its accesses reach a process straight from KVM."""

    def __init__(self, qemu, image, folder, model, remote):
        super().__init__(folder, model, remote)
        self.machine = Machine(qemu, image, self.arguments())

    def launch(self):
        self.machine.__enter__()
        self.pid = self.machine.process.pid

    def end(self):
        self.machine.__exit__()

    def qtest(self, *words):
        try:
            return self.machine.hand.qtest(*words)
        except (Silent, OSError) as error:
            raise (Gone if self.has_ended() else Hung) from error

    def wait(self, seconds):
        time.sleep(seconds)

    def qmp(self, command, **arguments):
        try:
            return self.machine.qmp(command, **arguments)
        except (QMPError, OSError) as error:
            if self.has_ended():
                raise Gone from error
            raise

    def events(self):
        """Those that have come since they were last asked for"""
        monitor = self.machine.monitor
        events, monitor.events = monitor.events, []
        return events

    def has_ended(self):
        return self.machine.process.poll() is not None

    def status_of_end(self):
        return self.machine.process.poll()

    def uses_user_device(self):
        return all(self.qmp("qom-get", path=f"/machine/peripheral/{name}",
                            property="user-device-state") == "kvm"
                   for name in (guests.NAME, neighbours.NAME))
