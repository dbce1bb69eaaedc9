# SPDX-License-Identifier: GPL-2.0
"""Documentation/devuser/posted.md: to which device models stores are posted, and why."""

import json
import pathlib
import re
import subprocess
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "posted.toml"
PORTS = "It has no memory, and a store to a port is never posted."

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `make parity`: do not edit. -->

# Which device models have posted stores

With accesses straight from KVM the guest need not wait for a store to a device's memory. A
model is then concurrent with the driver, as hardware is, and not all models bear that. Those
that are known to bear it are in QEMU's hw/remote/posted.c: {posted} of the {all} models that can be
remote. To the others a vCPU waits for its stores, as for its loads. The property `posted` of a
device says otherwise for it.

| model | stores | why |
|---|---|---|
"""


def known(tree):
    """{type: why its stores can be posted}, from the list in QEMU's source"""
    text = (tree / "hw/remote/posted.c").read_text()
    listed = text.partition("posted_types[] = {")[2].partition("};")[0]
    why, types = "", {}
    for comment, name in re.findall(r"/\*(.*?)\*/|\"([^\"]+)\",", listed, re.DOTALL):
        why = " ".join(comment.split()) or why
        if name:
            types[name] = why
    return types


def descendants(qemu, names):
    """{type: those that are of this type and can be made}"""
    commands = [{"execute": "qmp_capabilities"},
                *({"execute": "qom-list-types", "arguments": {"implements": name}}
                  for name in names), {"execute": "quit"}]
    done = subprocess.run([qemu, "-machine", "none", "-display", "none", "-qmp", "stdio"],
                          input="".join(map(json.dumps, commands)), capture_output=True,
                          text=True, check=True)
    answers = [message["return"] for line in done.stdout.splitlines()
               if "return" in (message := json.loads(line))]
    return {name: {found["name"] for found in answer}
            for name, answer in zip(names, answers[1:])}


def row(model, posted, reasons):
    why = next((why for why, names in posted if model.name in names), None)
    if why:
        return f"| {model.name} | posted | {why} |"
    why = PORTS if not model.memory else next(
        entry["text"] for entry in reasons if re.fullmatch(entry["models"], model.name))
    return f"| {model.name} | waited for | {why.strip()} |"


def write(path, qemu, tree, results):
    types = known(tree)
    posted = [(types[name], names) for name, names in descendants(qemu, types).items()]
    reasons = tomllib.loads(LIST.read_text())["reason"]
    rows = [row(result, posted, reasons) for result in results if not result.nowhere]
    path.write_text(HEAD.format(posted=sum("| posted |" in one for one in rows), all=len(rows))
                    + "\n".join(rows) + "\n")
