# SPDX-License-Identifier: GPL-2.0
"""Has L1, a host, trigger bugs in processes, with accesses straight from KVM."""

import json
import subprocess

import hand
import places
from runs import Limits

# It may be an emulated processor, on a busy machine.
LIMITS = Limits(5, 10)
ROOM = places.BOOT.parent / "containment"
LOGS = places.LOGS / "containment"
TIMEOUT = 1800


def run(qemu, tree, folder, bugs):
    """What was seen, by the CVE; its kernel's log is clean, or nothing was seen."""
    image, results = hand.build(ROOM / "attempts/hand.S", folder), LOGS / "results.json"
    subprocess.run([places.BOOT / "l1", f"--out={LOGS}", f"--timeout={TIMEOUT}", "--",
                    ROOM / "in-l1", qemu, image, tree, results, *(bug.cve for bug in bugs)],
                   check=True)
    return json.loads(results.read_text())
