# SPDX-License-Identifier: GPL-2.0
"""A folder is shared with the guest."""

import os
import pathlib

from outside import Wrong, checksum

from .base import Use, expect

SEED = 1 << 20


class Share(Use):
    words = "9p: reads, writes, renames and removes files; the folder from outside"

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.share = pathlib.Path(folder) / "share"
        self.share.mkdir()
        self.seed = os.urandom(SEED)
        (self.share / "seed").write_bytes(self.seed)
        (self.share / "unwanted").write_bytes(b"")

    def values(self):
        return {"share": self.share}

    def check(self, results):
        expect("what the guest read", results.get("read"), checksum(self.seed))
        found = self.share.rglob("*")
        files = sorted(str(path.relative_to(self.share)) for path in found)
        expect("the folder", files, ["folder", "folder/written", "seed"])
        data = (self.share / "folder/written").read_bytes()
        if not data:
            raise Wrong("the guest wrote nothing")
        expect("what the guest wrote", checksum(data), results.get("written"))
        return (f"{SEED >> 10} KiB read, {len(data) >> 10} KiB written, a file renamed and one"
                " removed")
