# SPDX-License-Identifier: GPL-2.0
"""Where things are: what was built, and the options that name another place."""

import os
import pathlib

BOOT = pathlib.Path(__file__).resolve().parent
BUILD = BOOT.parent.parent / "build"
LOGS = BUILD / "logs"
# Runs what starts processes under strace, and says which of their calls are in which list
SECCOMP_USED = BUILD / "trees/qemu-10.0/tests/qtest/remote/seccomp-used"
FIRMWARE = ("/usr/share/seabios", "/usr/share/qemu", "/usr/lib/ipxe/qemu")


class LabError(Exception):
    """The lab failed, as opposed to what it was asked to run."""


def add_options(parser):
    parser.add_argument("--qemu", default=str(BUILD / "qemu/qemu-system-x86_64"),
                        help="QEMU for L1, and in L1 (build/qemu/qemu-system-x86_64)")
    parser.add_argument("--stock", default=BUILD / "stock", type=pathlib.Path,
                        help="unpacked stock kernel (build/stock)")
    parser.add_argument("--modules", default=str(BUILD / "modules"),
                        help="folder of rebuilt KVM modules (build/modules), or 'stock' for Debian's")
    parser.add_argument("--kernel", type=os.path.abspath,
                        help="for L1, a kernel with everything built in, instead of the stock one")


def as_arguments(options):
    """The same options for a program started from here."""
    kernel = [f"--kernel={options.kernel}"] if options.kernel else []
    return [f"--qemu={options.qemu}", f"--stock={options.stock}", f"--modules={options.modules}", *kernel]


def path_from_environment():
    """How accesses are to reach a device, by `make ... USER_DEVICE=...`"""
    value = os.environ.get("USER_DEVICE") or "on"
    if value not in ("on", "off"):
        raise LabError(f"USER_DEVICE is on or off, not '{value}'")
    return "user-device" if value == "on" else "socket"


def stock_kernel(stock):
    """(vmlinuz, modules folder) of the one kernel unpacked below `stock`."""
    kernels = sorted(stock.glob("boot/vmlinuz-*"))
    if len(kernels) != 1:
        raise LabError(f"{stock}/boot has {len(kernels)} kernels, not one: run 'make modules'")
    version = kernels[0].name.removeprefix("vmlinuz-")
    return kernels[0], stock / "lib/modules" / version


def firmware():
    return [word for place in FIRMWARE for word in ("-L", place)]
