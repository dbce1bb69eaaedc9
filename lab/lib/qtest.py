# SPDX-License-Identifier: GPL-2.0
"""A machine whose guest is qtest: what the rooms that play a guest share."""

from qemu.machine import QEMUQtestMachine

# How qtest calls an access, by its size: to read and to write
PORT = {1: "inb", 2: "inw", 4: "inl"}, {1: "outb", 2: "outw", 4: "outl"}
MEMORY = ({1: "readb", 2: "readw", 4: "readl", 8: "readq"},
          {1: "writeb", 2: "writew", 4: "writel", 8: "writeq"})


class Machine(QEMUQtestMachine):
    """@patience: so many seconds an answer may take."""

    def __init__(self, qemu, arguments, folder, patience):
        super().__init__(qemu, list(arguments), base_temp_dir=str(folder))
        self.patience = patience

    def _post_launch(self):
        super()._post_launch()
        self._qtest.settimeout(self.patience)
        self._qmp.settimeout(self.patience)

    def answer(self, *words):
        """To a command of qtest's: the words of it"""
        reply = self.qtest(" ".join(str(word) for word in words))
        if not reply:
            raise ConnectionError("QEMU has ended")
        if not reply.startswith("OK"):
            raise RuntimeError(f"qtest: {words}: {reply}")
        return reply.split()[1:]

    def tell(self, *words):
        """The number in the answer, or 0"""
        return int((self.answer(*words) or ["0"])[0], 16)


def doubled(text):
    """As a part of an option's value."""
    return text.replace(",", ",,")
