# SPDX-License-Identifier: GPL-2.0
"""The bugs of bugs.toml, with their reproducers."""

import importlib
import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parent


class Bug:
    def __init__(self, entry):
        self.entry, self.cve, self.kind = entry, entry["cve"], entry["kind"]
        self.expected, self.remote = entry["inside"], entry.get("remote", "")
        self.model = importlib.import_module(f"models.{entry['model']}")
        self.function = getattr(self.model, self.cve.lower().replace("-", "_"))
        self.changes = [(one["file"], one["old"], one["new"]) for one in entry["change"]]
        self.lost = not self.remote and self.expected != "leaks"

    def excludes(self, other):
        """Whether they are of one model, or of one file: then they are not put back at once."""
        files, others = ({file for file, _, _ in bug.changes} for bug in (self, other))
        return bool(files & others) or self.model.DEVICES[0] == other.model.DEVICES[0]

    def has(self, words):
        text = f"{self.cve} {self.entry['model']}".lower()
        return not words or any(word.lower() in text for word in words)


def load():
    return [Bug(entry) for entry in tomllib.loads((HERE / "bugs.toml").read_text())["bug"]]


def rounds(listed):
    """Lists of those that are put back at once."""
    made = []
    for bug in listed:
        fitting = [one for one in made if not any(bug.excludes(other) for other in one)]
        if fitting:
            fitting[0].append(bug)
        else:
            made.append([bug])
    return made
