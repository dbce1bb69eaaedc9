# SPDX-License-Identifier: GPL-2.0
"""The devices that `make run` knows: one file each in devices/."""

import configparser
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "devices"


class UnknownDevice(Exception):
    pass


def names():
    return sorted(path.stem for path in FOLDER.glob("*.ini"))


class Device:
    """What is emulated, the drivers that L2 needs, and the test made of it."""

    def __init__(self, name):
        if name not in names():
            raise UnknownDevice(f"unknown DEVICE '{name}': give one of {', '.join(names())}")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(FOLDER / f"{name}.ini")
        section = parser["device"]
        self.name = name
        self.test = section["test"]
        self.modules = section["modules"].split()
        self.interrupts = section["interrupts"]
        self.node = section["node"]
        # What the driver's messages say when it resets a device that does not answer.
        self.recovery = section.get("recovery", "")
        # Whether loads are to be served from the shadow image.
        self.shadow = section.getboolean("shadow", False)
        # Whether stores are to signal eventfds.
        self.doorbells = section.getboolean("doorbells", False)
        self._probe = section.get("probe", "")
        self.driver = section.get("driver", "")
        self.template = section["arguments"]

    def probe(self, path):
        """A C program in guest/, run on the device once its driver has let go of it.

        It is about posted stores: those over the socket are waited for, one by one.
        """
        return self._probe if path == "user-device" else ""

    def arguments(self, **values):
        """The QEMU arguments; the emulated device's id is "device"."""
        return self.template.format(**values).split()
