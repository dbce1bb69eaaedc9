#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Write the figures that README.md opens with, from the committed bounds.tsv."""

import pathlib
import sys

import tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BOUNDS = ROOT / "Documentation/devuser/bounds.tsv"
BEGIN, END = "<!-- made by lab/bench/readme.py -->\n", "<!-- end of what is made -->\n"
FIGURES = {
    "posted MMIO store / ioeventfd, vCPU's side, two CPUs":
        "a posted store, for the vCPU / ioeventfd",
    "doorbell / ioeventfd, vCPU's side, two CPUs": "a doorbell, for the vCPU / ioeventfd",
    "shadow MMIO load / in-kernel device, two CPUs":
        "a load from the shadow image / a device in KVM",
    "side-effect load, emulator asleep, vCPU spins / exit and socket, two CPUs":
        "a load with a side effect, the vCPU spins / by way of QEMU and a socket",
    "whole guest, nvme, depth 1, in total / in-process":
        "a whole guest on nvme, depth 1 / the device in QEMU",
}


def lines():
    ratios = {row["name"]: row["ratio"] for row in tables.read(BOUNDS, tables.BOUNDS)}
    yield "| | |\n|---|---:|\n"
    for name, words in FIGURES.items():
        yield f"| {words} | {float(ratios[name]):.2f} |\n"


def main():
    before, rest = README.read_text().split(BEGIN)
    text = before + BEGIN + "".join(lines()) + END + rest.split(END)[1]
    if sys.argv[1:] == ["--check"]:
        return int(text != README.read_text())
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
