# SPDX-License-Identifier: GPL-2.0
"""What the threads of a process wait for, and what its user devices hold: why it hangs."""

import pathlib


def read(path):
    try:
        return path.read_text().strip()
    except OSError as error:
        return f"({error.strerror})"


def threads(pid):
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
        yield f"thread {task.name} {read(task / 'comm')}, system call {read(task / 'syscall')}"
        yield from (f"  {line}" for line in read(task / "stack").splitlines())


def devices(pid):
    for path in sorted(pathlib.Path(f"/proc/{pid}/fdinfo").iterdir()):
        info = [line for line in read(path).splitlines() if line.startswith("devuser-")]
        if info:
            yield f"descriptor {path.name}"
            yield from (f"  {line}" for line in info)


def write(processes, path):
    """Into a file, for each {name: pid} that is alive."""
    with open(path, "w") as file:
        for name, pid in processes.items():
            print(f"process {pid}, {name}", file=file)
            for part in (threads, devices):
                try:
                    file.writelines(f"  {line}\n" for line in part(pid))
                except FileNotFoundError:
                    print("  it has ended", file=file)
