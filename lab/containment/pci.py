# SPDX-License-Identifier: GPL-2.0
"""A PCI function, as a driver finds it on a "pc" machine."""

from qtest import MEMORY, PORT

COMMAND = 0x04
COMMAND_ON = 0x07
BAR_0 = 0x10
IS_IO = 1


class Bar:
    def __init__(self, guest, is_io, address):
        self.guest, self.address = guest, address
        self.read_names, self.write_names = PORT if is_io else MEMORY

    def read(self, offset, size=4):
        words = self.guest.qtest(self.read_names[size], hex(self.address + offset))
        return int(words[0], 16)

    def write(self, offset, value, size=4):
        self.guest.qtest(self.write_names[size], hex(self.address + offset), hex(value))


class Function:
    """Places its BARs from @memory and from @ports on, and lets it do DMA."""

    def __init__(self, guest, slot, memory, ports):
        self.guest, self.slot, self.bars = guest, slot, {}
        at = {False: memory, True: ports}
        number = 0
        while number < 6:
            register = BAR_0 + 4 * number
            self.write(register, 0xffffffff)
            value = self.read(register)
            is_io, is_64 = bool(value & IS_IO), value & 7 == 4
            size = -(value & (~3 if is_io else ~15)) & (0xffff if is_io else 0xffffffff)
            if size:
                at[is_io] = -(-at[is_io] // size) * size
                self.write(register, at[is_io])
                self.bars[number] = Bar(guest, is_io, at[is_io])
                at[is_io] += size
                if is_64:
                    self.write(register + 4, 0)
            number += 2 if is_64 else 1
        self.write(COMMAND, COMMAND_ON, 2)

    def window(self, offset):
        """Of ports, onto this place of the config space"""
        self.guest.qtest("outl", 0xcf8, hex(0x80000000 | self.slot << 11 | offset & 0xfc))
        return Bar(self.guest, True, 0xcfc + (offset & 3))

    def read(self, offset, size=4):
        return self.window(offset).read(0, size)

    def write(self, offset, value, size=4):
        self.window(offset).write(0, value, size)
