# SPDX-License-Identifier: GPL-2.0
"""Where processes wait: what is to be known of a test that hangs, before it is killed."""

import os
import pathlib
import subprocess

PROC = pathlib.Path("/proc")
PATIENCE_S = 60


def read(path):
    """A process may end at any time."""
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        return f"({error.strerror})"


def state_and_parent(folder):
    """Of a process or a task; the name, which is before them, may have blanks and brackets."""
    return (read(folder / "stat").rpartition(")")[2].split() + ["?", "0"])[:2]


def family(pid):
    """A process and all that it started, but for what was left behind by others that ended."""
    children = {}
    for process in PROC.glob("[0-9]*"):
        children.setdefault(int(state_and_parent(process)[1]), []).append(int(process.name))
    members = [pid]
    for member in members:
        members += sorted(children.get(member, []))
    return members


def program(pid):
    return os.path.basename(read(PROC / str(pid) / "cmdline").partition("\0")[0])


def descriptors(process):
    try:
        return " ".join(f"{entry.name}={os.readlink(entry)}" for entry in
                        sorted((process / "fd").iterdir(), key=lambda entry: int(entry.name)))
    except OSError as error:
        return f"({error.strerror})"


def functions(pid):
    """The stack of each thread, as elfutils tells it."""
    try:
        return subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True,
                              errors="replace", timeout=PATIENCE_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({error})\n"


def describe(pid):
    """A text about a process and all that it started."""
    text = ""
    for member in family(pid):
        process = PROC / str(member)
        text += f"process {member}: {read(process / 'cmdline').replace(chr(0), ' ')}\n"
        text += f"descriptors: {descriptors(process)}\n"
        for task in sorted((process / "task").glob("*")):
            text += (f"task {task.name} {read(task / 'comm').strip()},"
                     f" state {state_and_parent(task)[0]}:"
                     f" system call {read(task / 'syscall').strip()}\n")
        text += functions(member) + "\n"
    return text
