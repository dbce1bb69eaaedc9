# SPDX-License-Identifier: GPL-2.0
"""Text in both directions on serial lines, whose other ends are sockets."""

import os
import socket

from outside import Wrong, checksum

from .base import PATIENCE, Use, expect

# A line is not faster than 115200 bits in a second.
SIZE = 2000


def lines_of(model):
    return model.template.count("-chardev")


class Serial(Use):
    words = "text in both directions on each line; compared with what was at the other end"

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.servers = []
        for number in range(lines_of(run.model)):
            server = socket.socket(socket.AF_UNIX)
            server.bind(f"{folder}/line{number + 1}")
            server.listen(1)
            server.settimeout(PATIENCE)
            self.servers.append(server)
        self.talks = []

    @classmethod
    def variables(cls, model):
        return {"LAB_LINES": lines_of(model)}

    def values(self):
        names = [f"line{number + 1}" for number in range(len(self.servers))]
        return {name: f"socket,id={name},path={self.folder}/{name}" for name in names}

    def requests(self):
        return {"talk": self.talk, "heard": self.hear}

    def talk(self):
        """The guest has the next line open."""
        if len(self.talks) == len(self.servers):
            raise Wrong("the guest has more lines than the device")
        peer = self.servers[len(self.talks)].accept()[0]
        peer.settimeout(PATIENCE)
        sent = os.urandom(SIZE // 2).hex().encode()
        self.talks.append((peer, sent))
        peer.sendall(sent)

    def hear(self):
        peer, sent = self.talks[-1]
        received = b""
        while len(received) < SIZE:
            try:
                data = peer.recv(SIZE)
            except TimeoutError:
                data = b""
            if not data:
                raise Wrong(f"{len(received)} of {SIZE} bytes arrived")
            received += data
        self.talks[-1] = (peer, sent, received)

    def check(self, results):
        lines = [name.removeprefix("sent:") for name in results if name.startswith("sent:")]
        expect("the number of lines", len(lines), len(self.servers))
        for line, (_, sent, received) in zip(lines, self.talks):
            expect(f"what {line} received", results[f"received:{line}"], checksum(sent))
            expect(f"what {line} sent", checksum(received), results[f"sent:{line}"])
        return f"{SIZE} bytes in each direction on {len(lines)} line(s) arrived as they were sent"
