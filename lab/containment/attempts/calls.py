# SPDX-License-Identifier: GPL-2.0
"""All system calls, with a process's own filter, against the lists that it was made of."""

import pathlib
import re
import subprocess

import plan
from target import Target, Wrong

NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
ALWAYS = ("common", "user-device", "socket", "other")
X32 = 0x40000000


def numbers():
    found = re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())
    return {name: int(number) for name, number in found}


def listed(folder, names):
    """What the lists allow, by how: with any arguments, with some, not but with an error."""
    free, some, errors = set(), set(), set()
    for name in names:
        for line in (folder / f"{name}.list").read_text().splitlines():
            words = line.split("#")[0].split(None, 1)
            if words:
                rest = words[1] if len(words) > 1 else ""
                kind = errors if rest.startswith("error") else some if rest else free
                kind.add(words[0])
    return free, some - free, errors - some - free


def tried(options, filter_of):
    """What became of each number, as calls.c prints it."""
    lines = subprocess.run([options.calls, str(filter_of)], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    return {int(number): rest for number, rest in (line.split(" ", 1) for line in lines)}


def living(seen):
    return {number for number, rest in seen.items() if rest != "killed"}


def check(kind, options, seen, always):
    """Killed are all but those that the lists have for any arguments."""
    known = numbers()
    free, some, errors = listed(options.lists, {*ALWAYS, kind})
    expected = {known[name] for name in free | errors if name in known}
    if others := living(seen) - expected - always:
        raise Wrong(f"{kind}: system calls that are on no list: {sorted(others)}")
    if missing := expected - living(seen):
        raise Wrong(f"{kind}: system calls that are on a list, and kill: {sorted(missing)}")
    low = [number for number in seen if number < X32]
    return {"tried": len(low), "x32": len(seen) - len(low), "free": len(free),
            "errors": len(errors), "some": len(some),
            "killed": sum(seen[number] == "killed" for number in low)}


def run(options, remote_options):
    names = {number: name for name, number in numbers().items()}
    always = living(tried(options, "none")) - {numbers()["exit_group"]}
    results = {"always": sorted(names.get(number, str(number)) for number in always)}
    for kind in plan.CLASSES:
        with Target(str(options.qemu), options.hand, kind, remote_options) as target:
            seen = tried(options, target.remote()["pid"])
        results[kind] = check(kind, options, seen, always)
    return results
