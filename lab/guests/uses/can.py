# SPDX-License-Identifier: GPL-2.0
"""Two adapters on a bus."""

from .base import Use, expect


class Can(Use):
    programs = ("frames",)
    words = "CAN frames from one adapter to another one on its bus, in both directions"

    def check(self, results):
        expect("the number of frames", results.get("frames"), "100")
        return "100 frames came as they were sent"
