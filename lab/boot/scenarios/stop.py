# SPDX-License-Identifier: GPL-2.0
"""The process stands still."""

import os
import signal
import time

from .base import Scenario

PAUSE = 5


class Stopped(Scenario):
    """the process is stopped for a while, which nobody but those who wait for it notices"""

    pause = PAUSE

    def requests(self):
        return {"busy": self.busy}

    def busy(self):
        os.kill(self.run.remote.pid(), signal.SIGSTOP)
        time.sleep(PAUSE)
        os.kill(self.run.remote.pid(), signal.SIGCONT)
