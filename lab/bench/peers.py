# SPDX-License-Identifier: GPL-2.0
"""What others offer for a device outside of QEMU, as far as it can be had here."""

import measure

# What lab/build/peers.sh makes of Debian's packages, and where it is unpacked in L1.
ARCHIVE = measure.places.BUILD / "peers/peers.tar"
PLACE = "/run/peers"
# The server of vfio-user, which it builds.
SERVER = measure.places.BUILD / "vfio-user/qemu-system-x86_64"

VFIO_USER = ("vfio-user", "vfio-user-nonposted")
# No disk by vfio-user: the guest waits for its first request for ever.
WAYS = {"virtio-blk": ("vhost-user",)}
# Of a register, for which nothing but accesses is needed.
REGISTER_WAYS = {"lsi53c895a": VFIO_USER}


def there(way):
    return ARCHIVE.exists() and (way not in VFIO_USER or SERVER.exists())


def paths(device, kind):
    """The ways in which the device is measured beside QEMU's own."""
    ways = {"disk": WAYS, "registers": REGISTER_WAYS}.get(kind, {})
    return [way for way in ways.get(device, ()) if there(way)]


def carried(device):
    """What L1 needs for them."""
    ways = paths(device, "disk") + paths(device, "registers")
    return [ARCHIVE] * bool(ways) + [SERVER] * any(way in VFIO_USER for way in ways)
