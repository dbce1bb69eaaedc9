# SPDX-License-Identifier: GPL-2.0
"""Files are read and written on a disk; its image is looked at from outside."""

import outside
from places import BOOT

from .base import Use


class Disk(Use):
    modules = ("ext4", "crc32c_generic")
    script = BOOT / "guest/disk"
    words = ("ext4: reads a file, writes three and reads them back; e2fsck, and checksums in the"
             " image")

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.side = outside.Disk(folder, folder)

    def values(self):
        return {"image": self.side.image}

    def check(self, results):
        return self.side.check(results)
