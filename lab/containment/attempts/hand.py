# SPDX-License-Identifier: GPL-2.0
"""A guest whose accesses are told to its processor one by one: see hand.S."""

import socket
import struct
import subprocess

KINDS = {"read": 0, "write": 1, "in": 2, "out": 3}
# What is stored in 8 bytes has 4 that are not zero.
SIZES = {"b": 1, "w": 2, "l": 4, "q": 4}
PLACE = 0xffff0000


class Silent(Exception):
    """The guest does not answer: it waits for a device, or QEMU has ended."""


def build(source, folder):
    """The firmware."""
    code, image = folder / "hand.o", folder / "hand.bin"
    subprocess.run(["gcc", "-m32", "-c", "-o", code, source], check=True)
    subprocess.run(["ld", "-m", "elf_i386", f"-Ttext={PLACE:#x}", "-e", "start",
                    "--oformat=binary", "-o", image, code], check=True)
    return image


class Hand:
    """It takes qtest's words for an access, so that who drives a device need not know."""

    def __init__(self, patience):
        self.socket, self.theirs = socket.socketpair()
        self.socket.settimeout(patience)

    def arguments(self, image):
        return ["-bios", str(image), "-chardev", f"socket,id=hand,fd={self.theirs.fileno()}",
                "-device", "isa-serial,chardev=hand"]

    def qtest(self, word, address, value="0"):
        name, size = word[:-1], SIZES[word[-1]]
        address, value = (int(str(text), 0) for text in (address, value))
        self.socket.sendall(struct.pack("<BBII", KINDS[name], size, address, value & 0xffffffff))
        return [hex(struct.unpack("<I", self.answer())[0])]

    def answer(self):
        data = b""
        while len(data) < 4:
            try:
                more = self.socket.recv(4 - len(data))
            except TimeoutError as error:
                raise Silent from error
            if not more:
                raise Silent
            data += more
        return data
