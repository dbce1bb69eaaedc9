# SPDX-License-Identifier: GPL-2.0
"""A disk from which firmware, SeaBIOS or OVMF, boots L2."""

import subprocess

from l2 import kernel_arguments

SYSLINUX = "/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi"
LOADER = "/usr/lib/syslinux/modules/efi64/ldlinux.e64"
OVMF = "/usr/share/ovmf/OVMF.fd"
SIZE_MB = 48


def firmware(name):
    return ["-bios", OVMF] if name == "ovmf" else []


def run(*command):
    subprocess.run(command, check=True)


def make(folder, kernel, initramfs):
    """One file system, no partitions: both kinds of firmware take that."""
    image, config = f"{folder}/boot", f"{folder}/syslinux.cfg"
    with open(config, "w", encoding="ascii") as file:
        file.write("default l2\nlabel l2\nkernel vmlinuz\ninitrd initramfs\n"
                   f"append {kernel_arguments(())}\n")
    run("mformat", "-C", "-F", "-T", str(SIZE_MB * 2048), "-h", "64", "-s", "32", "-i", image, "::")
    run("syslinux", "--install", image)
    run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT")
    for source, target in ((kernel, "vmlinuz"), (initramfs, "initramfs"), (config, "syslinux.cfg"),
                           (SYSLINUX, "EFI/BOOT/BOOTX64.EFI"), (LOADER, "EFI/BOOT/ldlinux.e64")):
        run("mcopy", "-i", image, source, f"::/{target}")
    return image
