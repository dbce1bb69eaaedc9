# SPDX-License-Identifier: GPL-2.0
"""The process stands still."""

import time

import children

from .base import Scenario

PAUSE = 5


class Stopped(Scenario):
    """the process is stopped for a while, which nobody but those who wait for it notices"""

    pause = PAUSE

    def requests(self):
        return {"busy": self.busy}

    def busy(self):
        with children.stopped(self.run.remote.pid()):
            time.sleep(PAUSE)
