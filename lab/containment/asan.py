# SPDX-License-Identifier: GPL-2.0
"""A QEMU in which AddressSanitizer checks device models, beside one that it does not.

Some files are compiled for it, and linked with the other one's objects. The memory that
those allocate, and what they copy, is checked by its library.
"""

import json
import shlex
import subprocess

NAME = "qemu-system-x86_64"
PROGRAM = f"{NAME}-asan"
FLAGS = ["-fsanitize=address", "-fno-omit-frame-pointer"]


class NotBuilt(Exception):
    """What the log says."""


def commands(out):
    """What ninja would do, by the file that it makes"""
    text = subprocess.run(["ninja", "-C", out, "-t", "compdb", "-x"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return {entry["output"]: entry for entry in json.loads(text)}


def run(words, out, log):
    if subprocess.run(words, cwd=out, stdout=log, stderr=log, check=False).returncode:
        raise NotBuilt(f"QEMU with ASan does not build, see {log.name}")


def replaced(words, names):
    return [names.get(word, word) for word in words]


def build(tree, out, files, log):
    """@files of the tree are what is checked; the program's name is returned."""
    known, sources = commands(out), {tree / file for file in files}
    names = {name: f"{name}.asan.o" for name, entry in known.items() if name.endswith(".o")
             and (out / entry["file"]).resolve() in sources}
    for name, checked in names.items():
        words = shlex.split(known[name]["command"])
        run([*replaced(words, {name: checked, f"{name}.d": f"{checked}.d"}), *FLAGS], out, log)
    link = shlex.split(known[NAME]["command"])
    run([*replaced(link, {NAME: PROGRAM, **names}), *FLAGS], out, log)
    return str(out / PROGRAM)
