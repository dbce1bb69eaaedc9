# SPDX-License-Identifier: GPL-2.0
"""The models in models.toml, and what there is to be known of each."""

import pathlib
import re
import tomllib

import device
import uses

HERE = pathlib.Path(__file__).resolve().parent
# Where the device is on the first PCI bus: the guest looks at no other one.
SLOT = 0x10
# The model of `make run`, in whose place another one is put
OTHER = re.compile(r"-device [\w-]+,id=device")


class Model:
    """A device model, and how a guest uses it."""

    def __init__(self, name, group):
        like = device.Device(group["like"]) if "like" in group else None
        self.name, self.use, self.driver = name, group["use"], group.get("driver", "")
        self.modules = (group["modules"].split() if "modules" in group
                        else like.modules if like else [])
        self.template = group["arguments"] if "arguments" in group else OTHER.sub(
            "-device {model},id=device", like.template)
        self.backends = group.get("backends", "")
        self.node = group.get("node", like.node if like else "")
        self.vmm, self.append = group.get("vmm", "").split(), group.get("append", "").split()
        self.refused = group.get("refused", "").format(model=name)

    @property
    def kind(self):
        return uses.kind(self.use)

    def arguments(self, **values):
        """QEMU's, with the device where the guest looks for it"""
        text = self.template.format(model=self.name, **values)
        return [f"{word},addr={SLOT:#x}" if ",id=device" in word else word for word in text.split()]

    def own(self, **values):
        """What only the process has"""
        return self.backends.format(**values).split()

    def variables(self):
        """For l2-init and guest/test"""
        return {"LAB_NODE": self.node, "LAB_SLOT": f"0000:00:{SLOT:02x}.0", "LAB_INTERRUPTS": "",
                "LAB_SCENARIO": "", "LAB_EARLY": "", "LAB_PROBE": "", **self.kind.variables(self)}

    def files(self, programs):
        """What is in /lab, by its names; `programs` has the C programs that were built."""
        script = getattr(self.kind, "script", HERE / "guest" / self.use)
        return {"test": HERE / "guest/test", "use": script,
                **{name: programs[name] for name in self.kind.programs}}


def models():
    groups = tomllib.loads((HERE / "models.toml").read_text())["group"]
    return [Model(name, group) for group in groups for name in group["models"].split()]
