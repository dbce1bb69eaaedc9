#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Print Documentation/devuser/sanitizers.md: what kernels look for that check
themselves, as lab/build/configs says.  A comment there, which follows an empty line,
says what the options below it find."""

import pathlib
import re

LAB = pathlib.Path(__file__).resolve().parent.parent
KERNELS = {
    "`DEBUG=1`": ("debug", "6.12 and 7.3"),
    "`DEBUG=kcsan`": ("kcsan", "6.12"),
}
OPTION = re.compile(r"(?:# )?(CONFIG_\w+)(?:=(\S+)| is not set)")


def groups(name):
    """(what it finds, its options) for each group of a fragment."""
    for part in (LAB / "build/configs" / name).read_text().split("\n\n")[1:]:
        words, options = [], []
        for line in part.splitlines():
            if option := OPTION.fullmatch(line):
                options.append(f"`{option[1]}={option[2] or 'n'}`")
            else:
                words.append(line.removeprefix("# "))
        yield " ".join(words), options


def table(title, name, series):
    yield f"## {title}"
    yield ""
    yield f"lab/build/configs/{name}, on {series}."
    yield ""
    yield "| looks for | options |"
    yield "|---|---|"
    for text, options in groups(name):
        yield f"| {text} | {', '.join(options)} |"
    yield ""


def page():
    yield "<!-- SPDX-License-Identifier: GPL-2.0 -->"
    yield "<!-- Made by lab/check/sanitizers.py from lab/build/configs: do not edit. -->"
    yield ""
    yield "# Kernels that check themselves"
    yield ""
    yield "`make kernel` with these options builds one; `make check-deep` runs all selftests and"
    yield "three devices on each. L1 boots with `panic_on_warn=1`; after the tests its log is"
    yield "searched for what lab/boot/bad-lines lists, and only then is the verdict written. What"
    yield "matches there is a failure."
    yield ""
    for title, (name, series) in KERNELS.items():
        yield from table(title, name, series)


if __name__ == "__main__":
    print("\n".join(page()).rstrip())
