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
    "side-effect load, emulator asleep, vCPU spins / exit and socket, two CPUs":
        "a load with a side effect, the vCPU spins / by way of QEMU and a socket",
    "lsi53c895a's register, load, vCPU polls / vfio-user, both sides":
        "a load from a register of lsi53c895a, the vCPU spins / vfio-user",
    "whole guest, nvme, depth 1, in total / in-process":
        "a whole guest on nvme, depth 1 / the device in QEMU",
    "whole guest, virtio-blk, depth 1, in total / vhost-user-blk":
        "a whole guest on virtio-blk, depth 1 / vhost-user-blk",
}


def lines():
    ratios = {row["name"]: row["ratio"] for row in tables.read(BOUNDS, tables.BOUNDS)}
    yield "| | |\n|---|---:|\n"
    for name, words in FIGURES.items():
        # What others offer cannot be had everywhere.
        figure = f"{float(ratios[name]):.2f}" if name in ratios else "not measured"
        yield f"| {words} | {figure} |\n"


def main():
    before, rest = README.read_text().split(BEGIN)
    text = before + BEGIN + "".join(lines()) + END + rest.split(END)[1]
    if sys.argv[1:] == ["--check"]:
        return int(text != README.read_text())
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
