# SPDX-License-Identifier: GPL-2.0
"""What the kernel of L1 counted: the user device's fdinfo, and exits to QEMU."""

import pathlib
import re

TRIGGER = pathlib.Path("/sys/kernel/tracing/events/kvm/kvm_userspace_exit")
HISTOGRAM = "hist:keys=reason if errno == 0"
KVM_EXIT_IO, KVM_EXIT_MMIO = 2, 6
LINE = re.compile(r"devuser-([a-z-]+):\s*(\d+)")


def fdinfo(pids):
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
            try:
                yield dict(LINE.findall(path.read_text()))
            except FileNotFoundError:
                pass


def devuser(*pids):
    """The sums over the user devices of which these processes hold a descriptor.

    A device's master and slave show the same: count it once, by its id.
    """
    devices = {info["id"]: info for info in fdinfo(pids) if "id" in info}
    return {name: sum(int(info.get(name, 0)) for info in devices.values())
            for name in ("stores", "loads", "shadow-loads", "doorbells")}


def start_counting_exits():
    """By reason; a KVM_RUN that a signal ended is no access."""
    (TRIGGER / "trigger").write_text(HISTOGRAM)


def stop_counting_exits():
    """Before KVM's modules, and the trace point, go."""
    (TRIGGER / "trigger").write_text(f"!{HISTOGRAM}")


def exits():
    """How often a vCPU went to QEMU with an access of the guest."""
    histogram = (TRIGGER / "hist").read_text()
    counts = {int(reason): int(hits) for reason, hits in
              re.findall(r"reason:\s*(\d+)\s*\}\s*hitcount:\s*(\d+)", histogram)}
    return counts.get(KVM_EXIT_IO, 0) + counts.get(KVM_EXIT_MMIO, 0)
