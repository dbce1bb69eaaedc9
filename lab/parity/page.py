# SPDX-License-Identifier: GPL-2.0
"""Documentation/devuser/parity.md: what was compared, and what differs."""

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make parity`: do not edit. -->

# A device in a process, and the same in QEMU

Each PCI device model of the QEMU built here is in a machine once as ever and once in a
process of its own, confined as it is by default. A guest, played by qtest, does the same
to both, in four places: on q35's PCI Express root bus, behind a root port, behind a bridge
to conventional PCI, and on pc's bus. It looks at

- the config space as a whole, 4 KiB of it where there is PCI Express, at start, after a reset
  of the machine, after a function-level reset, in D3hot and back, after a reset of the
  secondary bus, and after the device was taken out and plugged in again, by PCI Express' own
  hot-plug and by ACPI's; at what can be written of it, byte by byte; and so at the
  capabilities that a device has in each place;
- the size of each BAR, with decoding off and on, by a store of four bytes and by four of one;
  the first 64 bytes of each, at start and after each of the resets;
- the pin, the status and the disable bit of INTx; the registers of MSI, and the table, the
  pending bits and the control of MSI-X, by stores of every size.

{same} models are the same in all of it, {looks} looks in total; {other} differ, or are refused, as is
listed here with the reason. {none} cannot be had in QEMU here either.
"""


def counted(results, known):
    for entry in known:
        for name, number in sorted(entry.used.items()):
            yield f"| {name} | {number} | {entry.reason.strip()} |"


def write(path, results, reasons, known):
    differing = {name for entry in known for name in entry.used}
    nowhere = [(result.name, result.nowhere.removeprefix("in QEMU: ")) for result in results
               if result.nowhere and result.name not in differing]
    same = [result for result in results
            if result.name not in differing and not result.nowhere]
    lines = [HEAD.format(same=len(same), looks=sum(result.looks for result in results),
                         other=len(differing), none=len(nowhere) + len(reasons)),
             "## What differs", "", "| model | looks | why |", "|---|---:|---|",
             *counted(results, known), "",
             "## What was not compared", "", "| model | what QEMU says |", "|---|---|",
             *(f"| {name} | {reason} |" for name, reason in sorted(nowhere + reasons)), "",
             "## The same everywhere", "", ", ".join(result.name for result in same) + "."]
    path.write_text("\n".join(lines) + "\n")
