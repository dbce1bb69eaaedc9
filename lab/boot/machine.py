# SPDX-License-Identifier: GPL-2.0
"""A machine that L1 runs in: its output folder, its QEMU, and the verdict.

Whatever the architecture, L1's console goes to the folder, what its command
prints to standard output, and its verdict, written last, has its own channel.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import children
from places import BOOT, LabError

LAB_FAILED = 125


def prepare_out(out):
    """An empty folder, without which an old verdict could be taken for the new one.

    Returns the open file that keeps another l1 away from it.
    """
    marker = out / ".l1"
    if out.exists() and any(out.iterdir()) and not marker.exists():
        raise LabError(f"{out} is not empty and was not made by l1")
    out.mkdir(parents=True, exist_ok=True)
    lock = open(marker, "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LabError(f"another L1 uses {out}: end it, or give --out") from None
    for path in out.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != marker:
            path.unlink()
    return lock


def channels(out, output):
    """QEMU's arguments for the command's output, the verdict and the monitor."""
    return [
        # A thread of QEMU's would take what is written whenever it gets to it.
        "-device", "virtio-serial-pci,ioeventfd=off",
        "-chardev", f"file,id=output,path=/dev/fd/{output}",
        "-device", "virtserialport,chardev=output,name=output",
        "-chardev", f"file,id=verdict,path={out}/verdict",
        "-device", "virtserialport,chardev=verdict,name=verdict",
        "-chardev", f"socket,id=monitor,path={out}/monitor,server=on,wait=off",
        "-mon", "chardev=monitor,mode=readline",
    ]


def copy_output(pipe, log):
    with open(pipe, "rb", buffering=0) as stream, open(log, "wb") as file:
        while chunk := stream.read(65536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            file.write(chunk)


def show_hang(out):
    """Make a hung L1 print its blocked tasks, then, by an NMI, where its CPUs are."""
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(f"{out}/monitor")
            monitor.recv(4096)
            for command in ("sendkey alt-sysrq-w", "nmi"):
                monitor.sendall(command.encode() + b"\n")
                time.sleep(2)
    except OSError:
        pass


def run_qemu(arguments, options, out):
    """QEMU's exit status (negative: a signal), or None if the time-out ended it.

    `arguments` makes its command line, given the number of the descriptor that
    takes the command's output.
    """
    pipe, output = os.pipe()
    with open(out / "qemu.log", "wb") as log:
        qemu = subprocess.Popen(
            arguments(output), pass_fds=[output],
            stdin=None if options.shell else subprocess.DEVNULL,
            stdout=None if options.shell else log, stderr=log, preexec_fn=children.die_with_parent)
    os.close(output)
    copier = threading.Thread(target=copy_output, args=(pipe, out / "output"), daemon=True)
    copier.start()
    try:
        return qemu.wait(None if options.shell else options.timeout)
    except subprocess.TimeoutExpired:
        show_hang(out)
        return None
    finally:
        qemu.kill()
        qemu.wait()
        copier.join(5)


def bad_lines(text):
    patterns = [re.compile(line) for line in (BOOT / "bad-lines").read_text().splitlines()
                if not line.startswith("#")]
    return [line for line in text.splitlines() if any(pattern.search(line) for pattern in patterns)]


def judge(ended, options, out):
    """(status, what went wrong or None) from the verdict and the console."""
    verdict = re.fullmatch(r"exit (\d+) kernel (clean|dirty)\n", children.read_log(out / "verdict"))
    bad = bad_lines(children.read_log(out / "console"))
    if ended is None:
        return LAB_FAILED, f"L1 did not end within {options.timeout} s"
    if bad:
        return LAB_FAILED, f"L1's kernel complained: {bad[0]}"
    if not verdict:
        return LAB_FAILED, f"L1 ended without a verdict, and its QEMU with status {ended}"
    if verdict[2] == "dirty":
        return LAB_FAILED, f"L1's kernel complained: see {out}/dmesg.bad"
    return int(verdict[1]), None


def boot(arguments, options, out):
    """Run QEMU; the status of L1's command, or an error that says what went wrong."""
    started = time.monotonic()
    ended = run_qemu(arguments, options, out)
    status, wrong = judge(ended, options, out)
    if wrong:
        for log in ("console", "qemu.log"):
            children.show_end(out / log, to=sys.stderr)
        raise LabError(wrong)
    print(f"l1: status {status} after {time.monotonic() - started:.0f} s", file=sys.stderr)
    return status


def main(name, run):
    """The exit status of `run`, or 125 when the lab failed."""
    # A ^C or a kill goes through `finally`, so that QEMU is ended and awaited.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run()
    except LabError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return LAB_FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
