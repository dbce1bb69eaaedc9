# SPDX-License-Identifier: GPL-2.0
"""The PCI device models that a QEMU has, and what each needs beside itself."""

import re
import subprocess

# Bridges, ports and IOMMUs are places for devices, and part of the machine.
PLACES = re.compile(r"cxl-(downstream|rp|upstream)|i82801b11-bridge|ioh3420|pci-bridge.*|pxb.*|"
                    r"pcie-(pci-bridge|root-port)|x3130-upstream|xio3130-downstream|"
                    r"AMDVI-PCI|virtio-iommu-pci")
# Of the host's hardware, of Xen, or the proxy itself
NOT_MODELS = {
    r"vfio-.*": "a device of the host's",
    r"virtio-input-host-pci": "an input device of the host's",
    r"xen-platform": "needs Xen",
    r"ivshmem-doorbell": "needs a server for its memory",
    r"x-pci-proxy-dev.*": "the proxy itself",
    r"cxl-.*": "needs a CXL machine",
}
DISK = "-blockdev driver=null-co,node-name=disk,size=67108864,read-zeroes=on"
MAC = "mac=52:54:00:12:34:56"
CAN = ("-object can-bus,id=can0", "-object can-bus,id=can1")
# (models, properties, backends)
NEEDS = (
    (r"nvme", "drive=disk,serial=1", (DISK,)),
    (r"virtio-blk-.*", "drive=disk", (DISK,)),
    (r"virtio-9p-.*", "fsdev=fs,mount_tag=tag", ("-fsdev synth,id=fs",)),
    (r"e1000.*|i82.*|igb|ne2k_pci|pcnet|rtl8139|tulip|virtio-net-.*|vmxnet3",
     f"{MAC},netdev=net", ("-netdev hubport,id=net,hubid=0",)),
    (r"rocker", "name=rocker", ()),
    (r"pci-serial", "chardev=c1", ("-chardev null,id=c1",)),
    (r"pci-serial-2x", "chardev1=c1,chardev2=c2", ("-chardev null,id=c1", "-chardev null,id=c2")),
    (r"pci-serial-4x", "chardev1=c1,chardev2=c2,chardev3=c3,chardev4=c4",
     tuple(f"-chardev null,id=c{n}" for n in range(1, 5))),
    (r"AC97|ES1370|virtio-sound-pci", "audiodev=snd", ("-audiodev none,id=snd",)),
    (r"virtio-crypto-pci", "cryptodev=crypto", ("-object cryptodev-backend-builtin,id=crypto",)),
    (r"acpi-erst|virtio-pmem-pci", "memdev=mem",
     ("-object memory-backend-ram,id=mem,size=2M",)),
    (r"virtio-mem-pci", "memdev=mem", ("-object memory-backend-ram,id=mem,size=64M",)),
    (r"ctucan_pci", "canbus0=can0,canbus1=can1", CAN),
    (r"kvaser_pci", "canbus=can0", CAN[:1]),
    (r"mioe3680_pci|pcm3680_pci", "canbus0=can0,canbus1=can1", CAN),
    (r"ivshmem-plain", "memdev=mem",
     ("-object memory-backend-memfd,id=mem,size=64K,share=on",)),
    (r"pci-ipmi-.*", "bmc=bmc", ("-device ipmi-bmc-sim,id=bmc",)),
)


class Model:
    def __init__(self, name):
        self.name = name
        found = [(properties, backends) for pattern, properties, backends in NEEDS
                 if re.fullmatch(pattern, name)]
        properties, self.backends = found[0] if found else ("", ())
        self.properties = f",{properties}" if properties else ""


def of(qemu):
    """(models, [(name, why it is none)])"""
    text = subprocess.run([qemu, "-device", "help"], capture_output=True, text=True,
                          check=True).stdout
    names = re.findall(r'^name "([^"]+)", bus PCI\b', text, re.MULTILINE)
    names = sorted(name for name in set(names) if not PLACES.fullmatch(name))
    reasons = [(name, reason) for name in names for pattern, reason in NOT_MODELS.items()
               if re.fullmatch(pattern, name)]
    return [Model(name) for name in names if name not in dict(reasons)], reasons
