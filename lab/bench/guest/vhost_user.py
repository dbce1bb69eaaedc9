# SPDX-License-Identifier: GPL-2.0
"""In L1: a disk that qemu-storage-daemon serves to QEMU by vhost-user-blk."""

from peer import Peer


class VhostUser(Peer):
    """The daemon's iothread does what that of virtio-blk does in QEMU."""

    def __init__(self, programs, image, folder):
        super().__init__(programs, f"{folder}/vhost-user")
        protocol = "driver=null-co" if image == "null-co://" else f"driver=file,filename={image}"
        self.run([f"{programs}/qemu-storage-daemon",
                  "--blockdev", f"{protocol},node-name=protocol",
                  "--blockdev", "driver=raw,node-name=disk,file=protocol",
                  "--object", "iothread,id=thread,poll-max-ns=0",
                  "--export", "vhost-user-blk,id=export,node-name=disk,writable=on,iothread=thread,"
                  f"addr.type=unix,addr.path={self.socket}"], f"{folder}/vhost-user.log")

    def device(self):
        return ["-chardev", f"socket,id=disk,path={self.socket}",
                "-device", "vhost-user-blk-pci,id=device,chardev=disk"]
