# SPDX-License-Identifier: GPL-2.0
"""What L2 boots from."""

import bootdisk
from l2 import second_process

from .base import Scenario

RID = "9"


class Boot(Scenario):
    """firmware boots L2 from a disk in a process"""

    needs_disk = True

    def arguments(self):
        options = self.run.options
        image = bootdisk.make(self.run.outside.folder, options.kernel, options.initramfs)
        options.kernel = None
        return [*bootdisk.firmware(options.firmware),
                *second_process(RID, ["-drive", f"if=none,id=boot,file={image},format=raw,readonly=on"]),
                "-device", f"virtio-blk-pci,drive=boot,bootindex=0,rid={RID}"]
