# SPDX-License-Identifier: GPL-2.0
"""What a use is asked for."""

from outside import Wrong

PATIENCE = 120


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what} is {found}, and should be {wanted}")


class Use:
    """Of one device, by one guest"""

    # Modules of the guest's kernel, besides those of the driver, and words for the kernel itself
    modules = append = ()
    # C programs in guest/
    programs = ()
    # Whether the process opens files in the folder when it is already confined
    opens_later = False
    # Whether the device has sent interrupts when it has been used
    interrupts = True
    # What the page says of it
    words = ""

    def __init__(self, run, folder):
        self.run, self.folder = run, folder

    @classmethod
    def variables(cls, model):
        """For the guest's script"""
        return {}

    def values(self):
        """For QEMU's arguments"""
        return {}

    def requests(self):
        """What the guest asks for, and what is done then"""
        return {}

    def check(self, results):
        """With what the guest has told, once it has gone; what was seen, in words."""
        raise NotImplementedError
