# SPDX-License-Identifier: GPL-2.0
"""The device's AES encrypts what has a known result."""

from .base import Use, expect

# NIST SP 800-38A, F.2.1, the first block
KNOWN = "7649abac8119b246cee98e9b12e9197d"


class Crypto(Use):
    programs = ("cipher",)
    words = "encrypts by AES-CBC; the known answer of NIST SP 800-38A"

    def check(self, results):
        expect("the cipher text", results.get("encrypted"), KNOWN)
        return "AES-CBC gives the known answer"
