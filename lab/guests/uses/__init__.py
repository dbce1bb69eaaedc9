# SPDX-License-Identifier: GPL-2.0
"""What a guest does with a device, and how it is seen from outside: a file for each kind."""

from . import (can, crypto, disk, display, input, ipmi, network, panic, rng, serial, share, sound,
               watchdog)

_ALL = {"disk": disk.Disk, "network": network.Network, "serial": serial.Serial,
        "display": display.Display, "sound": sound.Sound, "input": input.Input, "rng": rng.Rng,
        "watchdog": watchdog.Watchdog, "panic": panic.Panic, "share": share.Share,
        "ipmi": ipmi.Ipmi, "crypto": crypto.Crypto, "can": can.Can}


def kind(name):
    return _ALL[name]
