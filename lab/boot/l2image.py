# SPDX-License-Identifier: GPL-2.0
"""L2's initramfs: l2-init, what it reads, and the modules of the stock kernel."""

import shlex
import subprocess

from places import BOOT, LabError


def compile_static(source, program):
    """A C program, for L2 or for a domain that has no libraries"""
    if subprocess.run(["gcc", "-static", "-O2", "-Wall", "-Werror", "-o", program, source]).returncode:
        raise LabError(f"cannot compile {source}")
    return program


def write(stem, variables, files, kernel_modules=None, names=()):
    """STEM.initramfs, with `files` by their names in lab/, and STEM.env for l2-init."""
    modules = [f"--modules={kernel_modules}"] if kernel_modules else []
    env, initramfs = stem.with_suffix(".env"), stem.with_suffix(".initramfs")
    env.write_text("".join(f"{k}={shlex.quote(str(v))}\n" for k, v in variables.items()))
    done = subprocess.run([
        BOOT / "initramfs", f"--output={initramfs}", f"--init={BOOT}/l2-init",
        f"--file=lab/env={env}", *modules,
        *(f"--file=lab/{name}={source}" for name, source in files.items()),
        *(f"--module={name}" for name in names)])
    if done.returncode:
        raise LabError("cannot make L2's initramfs")
    return initramfs
