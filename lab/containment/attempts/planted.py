# SPDX-License-Identifier: GPL-2.0
"""Makes "edu" a device model that somebody has taken over, in a build for tests."""

import contextlib

import plan
import plant

EDU = "hw/misc/edu.c"
CHANGES = [(EDU, old, new) for old, new in (
    ("static bool edu_msi_enabled(EduState *edu)\n",
     '#include "edu.c.inc"\n\nstatic bool edu_msi_enabled(EduState *edu)\n'),
    ("    switch (addr) {\n    case 0x00:\n",
     "    switch (addr) {\n    case ATTEMPTS_FIRST ... 0x7f:\n        val = attempts_load(addr);\n"
     "        break;\n    case 0x00:\n"),
    ("    switch (addr) {\n    case 0x04:\n        edu->addr4 = ~val;\n",
     "    switch (addr) {\n    case ATTEMPTS_FIRST ... 0x7f:\n        attempts_store(addr, val);\n"
     "        break;\n    case 0x04:\n        edu->addr4 = ~val;\n"),
    ("    pci_config_set_interrupt_pin(pci_conf, 1);\n",
     "    attempts_realize(pdev);\n    pci_config_set_interrupt_pin(pci_conf, 1);\n"),
    ("    k->realize = pci_edu_realize;\n",
     "    k->realize = pci_edu_realize;\n    attempts_class_init(dc, k);\n"),
    ("    type_register_static(&edu_info);\n",
     "    attempts_register();\n    type_register_static(&edu_info);\n"),
)]


def files():
    """What is new, by its name beside edu.c."""
    return {**{name: (plan.HERE / name).read_text() for name in ("attempts.c.inc", "edu.c.inc")},
            **plan.headers()}


@contextlib.contextmanager
def taken_over(tree):
    folder = (tree / EDU).parent
    try:
        for name, text in files().items():
            (folder / name).write_text(text)
        with plant.planted(tree, CHANGES):
            yield
    finally:
        for name in files():
            (folder / name).unlink(missing_ok=True)
