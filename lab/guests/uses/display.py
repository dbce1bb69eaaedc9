# SPDX-License-Identifier: GPL-2.0
"""A picture is in the memory that the process shows it from.

QEMU is built without what draws pictures, so that there are no screendumps.
"""

import pathlib
import re
import time

from outside import Wrong

from .base import PATIENCE, Use

MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r\S+) \S+ \S+ \S+\s*(.*)")
# The guest's RAM has the picture too, and is mapped as a whole.
RAM = 256 << 20


class Display(Use):
    # No console on it: that would draw for long, as each word goes to the process.
    append = ("fbcon=map:9",)
    words = "draws on the framebuffer; the picture is in the process's video memory"
    interrupts = False

    def requests(self):
        return {"look": self.look}

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.found = None

    def picture(self):
        size, stride, depth = self.run.results["mode"].split()
        height = int(size.split(",")[1])
        pattern = bytes.fromhex(self.run.results["pattern"])
        length = int(stride) * height
        picture = (pattern * (length // len(pattern) + 1))[:length]
        return picture, f"{size.replace(',', 'x')}x{depth}"

    def look(self):
        """The guest's kernel draws after it has taken the picture."""
        picture, mode = self.picture()
        deadline = time.monotonic() + 2 * PATIENCE
        while not self.found and time.monotonic() < deadline:
            time.sleep(1)
            if self.is_shown(picture):
                self.found = mode

    def is_shown(self, picture):
        """In the process's memory that is not the guest's RAM"""
        pid = self.run.emulator()
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            return any(self.has(memory, line, picture) for line in maps)

    @staticmethod
    def has(memory, line, picture):
        mapping = MAPPING.match(line)
        start, end = (int(mapping[i], 16) for i in (1, 2)) if mapping else (0, 0)
        if not len(picture) <= end - start < RAM or mapping[4].startswith("["):
            return False
        memory.seek(start)
        data = b""
        try:
            while len(data) < end - start and (piece := memory.read(end - start - len(data))):
                data += piece
        except OSError:
            pass
        return picture in data

    def check(self, results):
        if not self.found:
            raise Wrong("the picture is nowhere in the process's own memory")
        return f"the picture, {self.found}, is in the process's memory"
