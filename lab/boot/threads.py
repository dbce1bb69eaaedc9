# SPDX-License-Identifier: GPL-2.0
"""Whose thread it was, though it has ended."""

import contextlib
import pathlib

CLONE_THREAD = 0x10000


def of_process(pid, births):
    """The threads, from the histogram of task_newtask: (parent, child, clone_flags)."""
    found, grown = {pid}, True
    while grown:
        more = {child for parent, child, flags in births
                if parent in found and flags & CLONE_THREAD}
        grown = not more <= found
        found |= more
    return found


def names(pid):
    """Of those that live."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(task.name)] = (task / "comm").read_text().strip()
    found[pid] = "main"
    return found
