# SPDX-License-Identifier: GPL-2.0
"""What L1's kernel counts for itself: histograms of trace events, and names for their keys."""

import collections
import pathlib
import re

from l2 import L2Error

TRACING = pathlib.Path("/sys/kernel/tracing")
SIZE = 16384
ENTRY = re.compile(r"^\{(.*)\} hitcount:\s*(\d+)", re.MULTILINE)
# "name: value", or "name: text [ value ]"
FIELD = re.compile(r"(\w+):\s*(?:([^,\[]*?)\s*\[\s*(-?\d+)\]|(-?\w+))\s*(?:,|$)")
DROPPED = re.compile(r"Dropped: (\d+)")


class Histogram:
    """How often an event had each combination of the keys, in a trace of its own."""

    def __init__(self, instance, event, keys):
        self.folder = instance / "events" / event
        self.event, self.names = event, {}
        (self.folder / "trigger").write_text(f"hist:keys={','.join(keys)}:size={SIZE}")

    def read(self):
        """A Counter of tuples of numbers; what the kernel calls them is kept in names."""
        text = (self.folder / "hist").read_text()
        if int(DROPPED.search(text)[1]):
            raise L2Error(f"{self.event} had more kinds than {SIZE}")
        counts = collections.Counter()
        for entry, hits in ENTRY.findall(text):
            numbers = []
            for place, (_, name, named, plain) in enumerate(FIELD.findall(entry.strip())):
                number = signed(int(named or plain, 0))
                numbers.append(number)
                if name:
                    self.names[place, number] = name
            counts[tuple(numbers)] += int(hits)
        return counts


def signed(number):
    """The kernel prints a negative number as one of 64 bits."""
    return number - (1 << 64) if number >> 63 else number


def instance(name):
    """A trace of one's own, which has its own triggers."""
    folder = TRACING / "instances" / name
    folder.mkdir()
    return folder


def symbols(event):
    """The tables of names in an event's format, in their order."""
    text = (TRACING / "events" / event / "format").read_text()
    return [{int(number, 0): name for number, name in
             re.findall(r'\{\s*(0x[0-9a-f]+|\d+)\w*,\s*"([^"]+)"\s*\}', table)}
            for table in text.split("__print_symbolic(")[1:]]
