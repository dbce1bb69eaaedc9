# SPDX-License-Identifier: GPL-2.0
"""Documentation/devuser/guests.md, from runs of all models."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Documentation/devuser/guests.md"

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make guests` from its runs: do not edit. -->

# What a guest does with remote devices

Debian's stock 6.12 kernel uses each of these device models with its own driver. The device
is in a process of its own, confined as it is by default (`rid=` on the device, and
`-remote`). What the guest did is checked from outside of it. {passed} models passed,
{failed} did not; {refused} more are refused when QEMU starts.

Of each model that passed the following was seen as well:

* QEMU lists it among its remote devices, and the process has a seccomp filter, no
  capabilities, and namespaces and a root directory of its own;
* the driver is the one named here;
* accesses reached the process by the path named here, as many as are given, and
  interrupts of the device reached the guest, but for those uses that need none: {silent}.

{paths}

## What was done

| use | what the guest does, and what is looked at |
|---|---|
"""
PATHS = {"user-device": "straight from KVM", "socket": "over the socket, by way of QEMU"}
WHERE = {"user-device": "in L1, where KVM runs the guest",
         "socket": "on an emulated processor, without KVM"}

def row(model, result):
    told = result["outcome"] if result["outcome"] == "pass" else f"**{result['outcome']}**"
    return (f"| {model.name} | {result['driver'] or ''} | {model.use} |"
            f" {result['accesses'] or ''} | {result['interrupts'] or ''} |"
            f" {told}: {result['detail']} |")

def write(models, results, path):
    used = [model for model in models if not model.refused]
    refused = [model for model in models if model.refused]
    passed = sum(results[model.name]["outcome"] == "pass" for model in used)
    kinds = {model.use: model.kind for model in used}
    silent = ", ".join(sorted(name for name, kind in kinds.items() if not kind.interrupts))
    lines = [HEAD.format(passed=passed, failed=len(used) - passed, refused=len(refused),
                         silent=silent,
                         paths=f"The path is {PATHS[path]}, {WHERE[path]}.").rstrip("\n"),
             *(f"| {name} | {kind.words} |" for name, kind in sorted(kinds.items())), "",
             "## Used", "", "| model | driver | use | accesses | interrupts | what was seen |",
             "|---|---|---|---:|---:|---|",
             *(row(model, results[model.name]) for model in used), "",
             "## Refused", "", "| model | what QEMU says |", "|---|---|",
             *(f"| {model.name} | {results[model.name]['detail']} |" for model in refused)]
    PAGE.write_text("\n".join(lines) + "\n")
