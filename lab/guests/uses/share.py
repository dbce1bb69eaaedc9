# SPDX-License-Identifier: GPL-2.0
"""A folder is shared with the guest."""

import os
import pathlib

from outside import Wrong, checksum

from .base import Use, expect

SEED = 1 << 20
MADE = ("hard", "pipe", "short", "soft", "written")


class Share(Use):
    programs = ("attribute",)
    words = ("9p: reads, writes, renames, links and removes files, changes modes, times and"
             " attributes; the folder from outside")

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.share = pathlib.Path(folder) / "share"
        self.share.mkdir()
        self.seed = os.urandom(SEED)
        (self.share / "seed").write_bytes(self.seed)
        (self.share / "unwanted").write_bytes(b"")

    def values(self):
        return {"share": self.share}

    def check_links(self):
        folder = self.share / "folder"
        expect("the symbolic link", os.readlink(folder / "soft"), "written")
        expect("the link", (folder / "hard").samefile(folder / "written"), True)
        expect("whether the pipe is one", (folder / "pipe").is_fifo(), True)

    @staticmethod
    def check_status(path):
        found = path.stat()
        expect("size, mode and time", (found.st_size, oct(found.st_mode & 0o777), found.st_mtime),
               (5, "0o640", 1000000000))
        expect("the attributes", {name: os.getxattr(path, name) for name in os.listxattr(path)},
               {"user.kept": b"value"})

    def check(self, results):
        expect("what the guest read", results.get("read"), checksum(self.seed))
        found = self.share.rglob("*")
        files = sorted(str(path.relative_to(self.share)) for path in found)
        expect("the folder", files, ["folder", *(f"folder/{name}" for name in MADE), "seed"])
        self.check_links()
        self.check_status(self.share / "folder/short")
        data = (self.share / "folder/written").read_bytes()
        if not data:
            raise Wrong("the guest wrote nothing")
        expect("what the guest wrote", checksum(data), results.get("written"))
        return (f"{SEED >> 10} KiB read, {len(data) >> 10} KiB written, a file renamed and one"
                " removed; links, mode, time and attributes as the guest set them")
