# SPDX-License-Identifier: GPL-2.0
"""Run installed kselftests in L1 and tell, for each, what came out.

The exit status of run_kselftest.sh says nothing in 6.12, so its TAP is read.
A test that takes L1 down is a failure, and the others go on in a new L1.
"""

import re
import subprocess
import time

import children
from places import BOOT, BUILD

COLLECTION = "kvm"
TEST_TIMEOUT = 300
L1_TIMEOUT = 1500
START = re.compile(rf"# selftests: {COLLECTION}: (\S+)")
END = re.compile(rf"(not ok|ok) \d+ selftests: {COLLECTION}: (\S+)(.*)")
CASE = re.compile(r"# (not ok|ok) \d+ (.*)")
PASS, FAIL, SKIP = "pass", "fail", "skip"


class Machine:
    """What boots an L1, and the tests installed for it."""

    def __init__(self, l1, selftests):
        self.l1, self.selftests = BOOT / l1, BUILD / selftests

    def available(self):
        """The names of the installed tests of the collection."""
        listing = self.selftests / "kselftest-list.txt"
        if not listing.exists():
            return []
        prefix = COLLECTION + ":"
        return [line.removeprefix(prefix) for line in listing.read_text().split()
                if line.startswith(prefix)]


X86 = Machine("l1", "selftests")
ARM64 = Machine("l1-arm64", "selftests-arm64")


class Result:
    def __init__(self, name, outcome, detail, seconds, log):
        self.name, self.outcome, self.detail = name, outcome, detail
        self.seconds, self.log = seconds, log


class Reader:
    """Follows the output of run_kselftest.sh and cuts it into results."""

    def __init__(self, folder):
        self.folder = folder
        self.name = None
        self.lines = []
        self.started = time.monotonic()

    def feed(self, line):
        """A Result when the line ends a test."""
        if start := START.fullmatch(line):
            self.name, self.lines, self.started = start[1], [], time.monotonic()
            return None
        if end := END.match(line):
            return self.result(end[2], end[1] == "ok", end[3].lstrip(" #"))
        self.lines.append(line)
        return None

    def result(self, name, ok, comment):
        cases = [case for line in self.lines if (case := CASE.match(line))]
        bad = [case[2] for case in cases if case[1] == "not ok"]
        skipped = [case[2] for case in cases if case[1] == "ok" and "# SKIP" in case[2]]
        if not ok or bad:
            return self.make(name, FAIL, "; ".join(filter(None, [comment, *bad])))
        if comment.startswith("SKIP") or skipped:
            return self.make(name, SKIP, "; ".join(skipped) or self.reason())
        return self.make(name, PASS, f"cases: {len(cases)}" if cases else "")

    def reason(self):
        """Why a whole test skipped itself: it says so before it ends."""
        return self.lines[-1].lstrip("# ") if self.lines else ""

    def make(self, name, outcome, detail):
        log = self.folder / f"{name}.log"
        log.write_text("".join(f"{line}\n" for line in self.lines))
        self.name = None
        return Result(name, outcome, detail, time.monotonic() - self.started, log)


def boot(names, folder, machine, arguments, environment, scale):
    """Results of one L1, as they come; it may die before all are done."""
    reader = Reader(folder)
    command = ["env", *environment, "./run_kselftest.sh", "-o", str(TEST_TIMEOUT * scale)]
    for name in names:
        command += ["-t", f"{COLLECTION}:{name}"]
    out = folder / "l1"
    l1 = subprocess.Popen(
        [machine.l1, f"--out={out}", f"--timeout={L1_TIMEOUT * scale}", *arguments, "--", *command],
        cwd=machine.selftests, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, errors="replace",
        preexec_fn=children.die_with_parent)
    try:
        for line in l1.stdout:
            if result := reader.feed(line.rstrip("\n")):
                yield result
        said = l1.stderr.read().splitlines()
        if l1.wait() == 125:
            guilty = reader.name or "L1"
            out.rename(folder / f"{guilty}.l1")
            reader.lines += said
            yield reader.make(guilty, FAIL, said[-1] if said else "L1 failed")
    finally:
        l1.terminate()
        l1.wait()


def run(names, folder, arguments, environment=(), scale=1, machine=X86):
    """A Result for each of the names; `scale` times as much may they last."""
    folder.mkdir(parents=True, exist_ok=True)
    left = list(names)
    while left:
        before = len(left)
        for result in boot(left, folder, machine, arguments, environment, scale):
            if result.name in left:
                left.remove(result.name)
            yield result
        if len(left) == before:
            for name in left:
                log = folder / f"{name}.log"
                log.write_text("L1 ended without running this test\n")
                yield Result(name, FAIL, "did not run", 0, log)
            return
