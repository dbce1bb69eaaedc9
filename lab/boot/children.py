# SPDX-License-Identifier: GPL-2.0
"""Processes that do not outlive the one that started them, or stand still; and their logs."""

import contextlib
import ctypes
import os
import pathlib
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For preexec_fn: also when the parent is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def stopped(pid):
    """It does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def read_log(path):
    path = pathlib.Path(path)
    return path.read_text(errors="replace").replace("\r", "") if path.exists() else ""


def show_end(path, count=40, to=None):
    lines = read_log(path).splitlines()[-count:]
    if lines:
        print(f"last lines of {path}:", file=to or sys.stdout)
    for line in lines:
        print("  | " + "".join(c for c in line if c.isprintable()), file=to or sys.stdout)
