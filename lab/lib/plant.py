# SPDX-License-Identifier: GPL-2.0
"""Put known bugs into a tree, build it, and put the tree back."""

import contextlib
import subprocess


class Unplantable(Exception):
    """The text to be changed is not where it should be."""


def build(out, log, *targets):
    return subprocess.run(["ninja", "-C", out, *(targets or ("qemu-system-x86_64",))],
                          stdout=log, stderr=log, check=False).returncode == 0


def changed(text, file, old, new):
    if text.count(old) != 1:
        raise Unplantable(f"{file} has its line {text.count(old)} times")
    return text.replace(old, new)


def obstacle(changes, read):
    """Why they cannot be made in the files whose text @read returns, or None"""
    texts = {}
    try:
        for file, old, new in changes:
            texts[file] = changed(texts.get(file) or read(file), file, old, new)
    except Unplantable as error:
        return str(error)
    return None


@contextlib.contextmanager
def planted(tree, changes):
    """@changes: (file, old, new) each; each old is in its file once."""
    before, after = {}, {}
    for file, old, new in changes:
        before.setdefault(file, (tree / file).read_text())
        after[file] = changed(after.get(file, before[file]), file, old, new)
    try:
        for file, text in after.items():
            (tree / file).write_text(text)
        yield
    finally:
        for file, text in before.items():
            (tree / file).write_text(text)
