# SPDX-License-Identifier: GPL-2.0
"""The other side of L2's test: a disk's image, or a network's peer, in L1."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading

SEED = 1 << 20
IMAGE_SIZE = "64M"
FOLDER_SIZE = "256M"
FREEZABLE_SIZE = 128 << 20
PORT_FETCH, PORT_SEND = 9001, 9002
PINGS = "5"


class Wrong(Exception):
    pass


def checksum(data):
    return hashlib.sha256(data).hexdigest()


class Disk:
    """An ext4 image with one file; L2 reads that and writes more."""

    def __init__(self, out, folder=None):
        self.out = out
        self.folder = folder or self.own_file_system()
        self.image = f"{self.folder}/image"
        self.seed = os.urandom(SEED)
        files = f"{self.folder}/files"
        os.mkdir(files)
        with open(f"{files}/seed", "wb") as file:
            file.write(self.seed)
        # No block is smaller than a sector, of which there are large ones.
        self.run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", files, self.image, IMAGE_SIZE)

    def own_file_system(self):
        """Of a size that can be changed"""
        folder = tempfile.mkdtemp(dir="/run")
        self.run("mount", "-t", "tmpfs", "-o", f"size={FOLDER_SIZE},mode=711", "image", folder)
        return folder

    def make_freezable(self):
        """Have the image on a file system that can be frozen, as a tmpfs cannot."""
        device = self.another_image("file-system", FREEZABLE_SIZE)
        folder = tempfile.mkdtemp(dir="/run")
        self.run("mke2fs", "-q", "-t", "ext4", device)
        self.run("mount", "-o", "loop", device, folder)
        os.chmod(folder, 0o711)
        self.image = shutil.move(self.image, f"{folder}/image")
        self.folder = folder

    def path_of(self, name):
        return f"{self.folder}/{name}"

    def another_image(self, name, size=16 << 20):
        """An empty one"""
        path = self.path_of(name)
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            shutil.copy(self.image, self.out)
            raise Wrong(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}"
                        f"the image is kept in {self.out}")

    def content(self, name):
        path = f"{self.folder}/dumped"
        self.run("debugfs", "-R", f"dump /{name} {path}", self.image)
        with open(path, "rb") as file:
            return file.read()

    def check(self, results):
        """Look at the image without L2; returns the line that says what was found."""
        if results.get("read") != checksum(self.seed):
            raise Wrong("L2 read something else than the disk held")
        written = {name.removeprefix("file:"): value for name, value in results.items()
                   if name.startswith("file:")}
        if not written:
            raise Wrong("L2 wrote nothing")
        self.run("e2fsck", "-fn", self.image)
        size = 0
        for name, expected in written.items():
            data = self.content(name)
            if checksum(data) != expected:
                shutil.copy(self.image, self.out)
                raise Wrong(f"{name} in the image is not what L2 wrote; kept in {self.out}")
            size += len(data)
        return (f"L2 read {SEED >> 10} KiB, wrote {size >> 10} KiB in {len(written)} files and read"
                " them back; from outside: e2fsck clean, checksums equal")


class Network:
    """A peer that sends a file to who connects to one port, and takes one on another."""

    image = None

    def __init__(self, out):
        self.seed = os.urandom(SEED)
        self.received = b""
        for port, serve in ((PORT_FETCH, self.send), (PORT_SEND, self.receive)):
            server = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=self.serve, args=(server, serve), daemon=True).start()

    @staticmethod
    def serve(server, talk):
        with server.accept()[0] as peer:
            talk(peer)

    def send(self, peer):
        peer.sendall(self.seed)

    def receive(self, peer):
        with peer.makefile("rb") as stream:
            self.received = stream.read()
        peer.sendall(checksum(self.received).encode() + b"\n")

    def check(self, results):
        if results.get("pings") != PINGS:
            raise Wrong(f"{results.get('pings') or 0} of {PINGS} pings were answered")
        if int(results.get("lost", 0)) * 10 > int(results.get("answered", 0)):
            raise Wrong(f"{results['lost']} pings were lost, {results['answered']} answered")
        if results.get("fetched") != checksum(self.seed):
            raise Wrong("L2 fetched something else than was sent")
        if not self.received or results.get("sent") != checksum(self.received):
            raise Wrong("what L2 sent did not arrive")
        return (f"{PINGS} of {PINGS} pings answered; L2 fetched {SEED >> 10} KiB and sent"
                f" {len(self.received) >> 10} KiB, checksums equal")


SIDES = {"disk": Disk, "network": Network}
