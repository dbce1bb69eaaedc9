# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor: commands, with descriptors if need be, and events."""

import json
import socket
import time


class QMPError(Exception):
    pass


class Monitor:
    """QEMU's end of the connection is `theirs`, until it has been passed on."""

    def __init__(self, name="qmp"):
        self.name = name
        self.socket, self.theirs = socket.socketpair()
        self.rest = b""
        self.events = []

    def arguments(self):
        return ["-chardev", f"socket,id={self.name},fd={self.theirs.fileno()}",
                "-mon", f"chardev={self.name},mode=control"]

    def greet(self):
        """Once QEMU has been started."""
        self.theirs.close()
        self.command("qmp_capabilities")

    def command(self, name, *, fds=(), patience=120, **arguments):
        request = json.dumps({"execute": name, "arguments": arguments}).encode()
        socket.send_fds(self.socket, [request], list(fds))
        deadline = time.monotonic() + patience
        while True:
            message = self.read(deadline)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise QMPError(f"{name}: {message['error']['desc']}")

    def event(self, name, patience=120):
        """The data of the oldest event of this name not yet asked for."""
        deadline = time.monotonic() + patience
        while not (found := next((e for e in self.events if e["event"] == name), None)):
            self.read(deadline)
        self.events.remove(found)
        return found.get("data", {})

    def read(self, deadline):
        while b"\n" not in self.rest:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                raise QMPError("QEMU's monitor said nothing more in time") from None
            if not data:
                raise QMPError("QEMU's monitor has ended")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message
