# SPDX-License-Identifier: GPL-2.0
"""The device is behind a vIOMMU."""

from l2 import L2Error

from .base import Scenario


class Viommu(Scenario):
    machine = "q35,hpet=off,kernel-irqchip=split"
    viommu = ("intel-iommu,intremap=on",)
    # What L2's kernel is told, and how its devices' addresses are translated then
    append = ()
    domain = ""

    def first_arguments(self):
        return [word for device in self.viommu for word in ("-device", device)]

    def check(self):
        found = self.run.results.get("domain", "").strip()
        if found != self.domain:
            raise L2Error(f"L2 has domains of the type {found or None} for its devices, not {self.domain}")
        if self.run.results.get("fio", "1") != "1":
            raise L2Error("fio does not say that it has met no error")

    def report(self):
        yield "translated by", f"{self.viommu[0]}, in a domain of the type {self.domain}"
        if "fio" in self.run.results:
            yield "verified by fio", "16 MiB, 16 requests at a time"


class Strict(Viommu):
    """the device is behind an intel-iommu, and each unmap is waited for"""

    append = ("intel_iommu=on", "iommu.passthrough=0", "iommu.strict=1")
    domain = "DMA"


class Lazy(Viommu):
    """the same, and unmaps are batched"""

    append = ("intel_iommu=on", "iommu.passthrough=0", "iommu.strict=0")
    domain = "DMA-FQ"


class PassThrough(Viommu):
    """the same, and L2's kernel lets devices use its addresses"""

    append = ("intel_iommu=on", "iommu=pt")
    domain = "identity"


class Virtio(Viommu):
    """the device is behind a virtio-iommu"""

    viommu = ("virtio-iommu-pci",)
    early_modules = ("virtio_iommu",)
    append = ("iommu.passthrough=0", "iommu.strict=1")
    domain = "DMA"


class Amd(Viommu):
    """the device is behind an amd-iommu"""

    viommu = ("amd-iommu,intremap=on",)
    append = ("iommu.passthrough=0", "iommu.strict=1")
    domain = "DMA"
