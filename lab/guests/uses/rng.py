# SPDX-License-Identifier: GPL-2.0
"""Random bytes; which ones is known outside."""

import os

from outside import Wrong

from .base import Use

# More than the kernel takes for itself meanwhile; and what a request asks for at least
SIZE, PIECE = 8 << 20, 16


class Rng(Use):
    words = "reads /dev/hwrng; the bytes are those that the backend has"

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.noise = os.urandom(SIZE)
        with open(f"{folder}/noise", "wb") as file:
            file.write(self.noise)

    def values(self):
        return {"noise": f"{self.folder}/noise"}

    def check(self, results):
        got = bytes.fromhex(results.get("random", ""))
        pieces = [got[at:at + PIECE] for at in range(0, len(got), PIECE)]
        known = sum(piece in self.noise for piece in pieces)
        if not pieces or known != len(pieces):
            raise Wrong(f"{known} of {len(pieces)} pieces of what was read are the backend's")
        return f"{len(got)} bytes, all of them the backend's"
