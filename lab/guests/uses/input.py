# SPDX-License-Identifier: GPL-2.0
"""Keys are pressed and a pointer is moved, in the process; the guest tells what it got."""

import struct

from .base import Use, expect

EVENT = struct.Struct("<qqHHi")
EV_KEY, EV_REL, EV_ABS = 1, 2, 3
# The guest's kernel repeats a key that is down for long.
REPEATED = (EV_KEY, 2)
# QEMU's names, and the codes of the guest's kernel
KEYS = {"a": 30, "7": 8, "ret": 28, "spc": 57, "f5": 63}
RELATIVE = {"x": (0, 25), "y": (1, -17)}
ABSOLUTE = {"x": (0, 12345), "y": (1, 23456)}


def keys():
    """(QEMU's event, what the guest gets of it)"""
    for name, code in KEYS.items():
        for down in (True, False):
            yield ({"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}},
                   (EV_KEY, code, int(down)))


def moves(kind, event_type, axes):
    for axis, (code, value) in axes.items():
        yield {"type": kind, "data": {"axis": axis, "value": value}}, (event_type, code, value)


KINDS = {"mouse": lambda: moves("rel", EV_REL, RELATIVE),
         "tablet": lambda: moves("abs", EV_ABS, ABSOLUTE)}


def pairs_for(model):
    found = next((KINDS[kind] for kind in KINDS if kind in model.template + model.name), keys)
    return list(found())


class Input(Use):
    modules = ("evdev",)
    words = "presses keys, or moves the pointer, in the process; the events that the guest gets"

    @classmethod
    def variables(cls, model):
        """How many keys and moves the guest waits for"""
        return {"LAB_EVENTS": len(pairs_for(model))}

    def requests(self):
        return {"input": self.send}

    def send(self):
        self.run.execute("input-send-event",
                         events=[event for event, _ in pairs_for(self.run.model)])

    def check(self, results):
        data = bytes.fromhex(results.get("events", ""))
        got = [event[2:] for event in EVENT.iter_unpack(data)
               if event[2] in (EV_KEY, EV_REL, EV_ABS) and event[2::2] != REPEATED]
        wanted = [event for _, event in pairs_for(self.run.model)]
        expect("what the guest got", got, wanted)
        return f"{len(wanted)} events arrived in order"
