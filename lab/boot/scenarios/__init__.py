# SPDX-License-Identifier: GPL-2.0
"""What else happens while L2 uses its device: one file for each kind of it."""

from . import (apparmor, auto, boot, counted, full, inspection, loss, move, plug, selinux, several,
               slow, soak, stop, viommu, watchdog)
from .base import PATIENCE, Scenario

_ALL = {"killed": loss.Killed, "restarted": loss.Restarted, "stopped": stop.Stopped,
        "inspected": inspection.Inspected, "plugged": plug.Plugged,
        "migrated": move.Migrated, "upgraded": move.Upgraded,
        "full": full.Full, "slow": slow.Slow, "watchdog": watchdog.Watchdog,
        "several": several.Several,
        "boot": boot.Boot, "auto": auto.Auto, "soak": soak.Soak, "counted": counted.Counted,
        "selinux": selinux.Selinux, "apparmor": apparmor.AppArmor,
        "viommu-strict": viommu.Strict, "viommu-lazy": viommu.Lazy,
        "viommu-pt": viommu.PassThrough, "viommu-virtio": viommu.Virtio,
        "viommu-amd": viommu.Amd}
NAMES = tuple(_ALL)


def kind(name):
    """The class; nothing else happens if there is no name."""
    return _ALL.get(name, Scenario)


def usage():
    return "; ".join(f"{name}: {' '.join(one.__doc__.split())}" for name, one in _ALL.items())
