# SPDX-License-Identifier: GPL-2.0
"""The guest's driver asks the BMC who it is."""

import secrets

from .base import Use, expect


class Ipmi(Use):
    interrupts = False
    words = "asks the BMC who made it, and what it is"

    def __init__(self, run, folder):
        super().__init__(run, folder)
        self.maker, self.product = secrets.randbelow(1 << 16), secrets.randbelow(1 << 16)

    def values(self):
        return {"maker": self.maker, "product": self.product}

    def check(self, results):
        for name, wanted in (("manufacturer_id", self.maker), ("product_id", self.product)):
            expect(name, int(results.get(name) or "0", 16), wanted)
        return f"maker {self.maker:#06x}, product {self.product:#06x}, as the BMC was told"
