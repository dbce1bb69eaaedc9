#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: apt-sources.py candidates
#        apt-sources.py derived URI... < candidates
#
# "candidates" prints, as deb822 stanzas, those of the machine's own APT sources
# that may be the Debian 12 archive.  "derived" reads these stanzas and prints,
# for those with one of the URIs, the stanzas with all suites the lab uses.

import glob
import os
import re
import sys

# What sources may call Debian 12, and the suites that the lab reads of the same
# archive.
MAIN = {"bookworm", "bookworm-updates", "oldstable", "oldstable-updates"}
SECURITY = {"bookworm-security", "oldstable-security"}
MAIN_SUITES = "bookworm bookworm-updates trixie trixie-backports"
SECURITY_SUITES = "bookworm-security trixie-security"


def parse_stanzas(text):
    """The fields of every stanza of deb822 text."""
    for block in re.split(r"\n\s*\n", text):
        lines = [l for l in block.splitlines() if not l.startswith("#")]
        fields, name = {}, None
        for line in lines:
            if line[:1] in " \t" and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def parse_line(line):
    """The fields of a one-line source, or None."""
    found = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s*(.*)", line.strip())
    if not found:
        return None
    options, uri, suite, components = found.groups()
    fields = {"types": "deb", "uris": uri, "suites": suite,
              "components": components.split("#")[0]}
    for option in (options or "").split():
        name, _, value = option.partition("=")
        fields[name.lower()] = value.replace(",", " ")
    return fields


def machine_sources():
    for path in ["/etc/apt/sources.list",
                 *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if path.endswith(".list"):
            yield from filter(None, map(parse_line, text.splitlines()))
        elif path.endswith(".sources"):
            yield from parse_stanzas(text)


def is_candidate(source):
    return ("deb" in source.get("types", "").split()
            and source.get("enabled", "yes").lower() not in ("no", "false", "off", "0")
            and "main" in source.get("components", "").split()
            and kinds(source))


def kinds(source):
    suites = set(source.get("suites", "").split())
    return suites & MAIN or suites & SECURITY


def stanza(uri, suites, source):
    lines = ["Types: deb deb-src", f"URIs: {uri}", f"Suites: {suites}",
             "Components: main", "Targets: Packages Sources"]
    for field in ("signed-by", "trusted"):
        if field in source:
            lines.append(f"{field}: {source[field]}")
    return "\n".join(lines) + "\n"


def candidates():
    for source in filter(is_candidate, machine_sources()):
        suites = " ".join(sorted(kinds(source)))
        for uri in source.get("uris", "").split():
            yield stanza(uri, suites, source)


def derived(uris):
    wanted = {uri.rstrip("/") for uri in uris}
    for source in parse_stanzas(sys.stdin.read()):
        if source["uris"].rstrip("/") not in wanted:
            continue
        security = set(source["suites"].split()) & SECURITY
        yield stanza(source["uris"],
                     SECURITY_SUITES if security else MAIN_SUITES, source)


def main():
    match sys.argv[1:]:
        case ["candidates"]:
            stanzas = candidates()
        case ["derived", *uris]:
            stanzas = derived(uris)
        case _:
            sys.exit("usage: apt-sources.py candidates | derived URI...")
    print("\n".join(dict.fromkeys(stanzas)), end="")


main()
