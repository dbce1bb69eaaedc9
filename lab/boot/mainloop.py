# SPDX-License-Identifier: GPL-2.0
"""How long QEMU's main loop keeps a question waiting while L2 uses its device."""

import statistics
import threading
import time

INTERVAL = 0.1


class Watch(threading.Thread):
    """Asks over a monitor of its own, until it is told to stop or QEMU ends."""

    def __init__(self, monitor):
        super().__init__(daemon=True)
        self.monitor = monitor
        self.seconds = []
        self.ended = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.ended.wait(INTERVAL):
                asked = time.monotonic()
                self.monitor.command("query-status")
                self.seconds.append(time.monotonic() - asked)
        except Exception as error:    # for whoever waits for the figures
            self.failure = error

    def stop(self):
        """The number of answers, and how long the median and the worst one took."""
        self.ended.set()
        self.join()
        if self.failure:
            raise self.failure
        return len(self.seconds), statistics.median(self.seconds), max(self.seconds)


class NoWatch:
    """For one who counts what QEMU does unasked."""

    def __init__(self, monitor):
        pass

    def start(self):
        pass

    def stop(self):
        return 0, 0, 0


def total(answers):
    """Of several watches, one after the other."""
    return (sum(number for number, _, _ in answers),
            statistics.median(median for _, median, _ in answers),
            max(worst for _, _, worst in answers))
