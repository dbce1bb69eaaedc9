# SPDX-License-Identifier: GPL-2.0
"""What is attempted, and the places in L1 that the attempts are about."""

import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = pathlib.Path("/run/attempts")

MIB = 1 << 20
# What is shared with attempts.c.inc.  In MiB: FILL is more than a process may have, and
# LOG than QEMU's log takes.
PLACES = {
    "FOLDER": FOLDER, "IMAGE": FOLDER / "own.img", "BASE": FOLDER / "base.img",
    "OTHER_IMAGE": FOLDER / "other.img", "NAME": "attempts", "PORT": 4321,
    "RAM": 64 * MIB, "PATTERN": 16 * MIB, "BYTE": 0x5a, "IMAGE_SIZE": 4 * MIB,
    "FILL": 512, "THREADS": 1100, "LOG": 4,
}
# Of what a process may have, in MiB
MEMORY = 256

# The command of a process, by what it has
CLASSES = {
    "other": "",
    "disk": f"-blockdev file,node-name=own,filename={PLACES['IMAGE']}"
            f" -blockdev file,node-name=base,read-only=on,filename={PLACES['BASE']}",
    "network": "-netdev user,id=net",
}

# Registers of attempts.c.inc
RUN, PID, LOW, HIGH, HANG, COUNT = range(0x68, 0x80, 4)
HANGS = {"config": 1, "load": 2, "store": 3, "reset": 4, "stop": 5, "save": 6}


class Attempt:
    def __init__(self, number, entry):
        self.number, self.entry, self.name = number, entry, entry["name"]
        self.text, self.group = entry["text"], entry["group"]
        self.control, self.why = entry.get("control", "success"), entry.get("why", "")
        self.may, self.user = entry.get("may", False), entry.get("user", False)
        several = isinstance(entry.get("confined"), dict)
        self.kinds = tuple(CLASSES) if several else ("other",) if self.user else ("disk",)

    def confined(self, kind):
        """(what is to come of it, what stops it)"""
        value = self.entry.get("confined", "SIGSYS: seccomp")
        outcome, _, stopped = (value[kind] if isinstance(value, dict) else value).partition(": ")
        return outcome, stopped


def attempts():
    entries = tomllib.loads((HERE / "list.toml").read_text())["attempt"]
    return [Attempt(number, entry) for number, entry in enumerate(entries)]


def c_value(value):
    return str(value) if isinstance(value, int) else f'"{value}"'


def headers():
    """What attempts.c.inc includes, by its name."""
    return {
        "attempts-places.h": "".join(f"#define ATTEMPTS_{name} {c_value(value)}\n"
                                     for name, value in PLACES.items()),
        "attempts-list.h": "".join(f"    attempt_{one.name},\n" for one in attempts()),
    }
