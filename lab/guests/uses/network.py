# SPDX-License-Identifier: GPL-2.0
"""Pings, and a connection in each direction, to a peer outside."""

import outside
from places import BOOT

from .base import Use


class Network(Use):
    script = BOOT / "guest/network"
    words = "pings, fetches a file and sends one over TCP; checksums at both ends"

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.side = outside.Network(folder)

    @classmethod
    def variables(cls, model):
        return {"LAB_PORT_FETCH": outside.PORT_FETCH, "LAB_PORT_SEND": outside.PORT_SEND}

    def check(self, results):
        return self.side.check(results)
