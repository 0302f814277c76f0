"""Processes of a miniature, seen from outside."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve()


def boot(spec_file: Path, log: Path, folder: Path, inside: int | None) -> int:
    """Start a host's process 1 in new namespaces; with `inside`, among the processes of that one's host."""
    package = __package__ or "cluster"
    enter = ["nsenter", "--pid", "--target", str(inside), "--"] if inside else []
    new = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--"]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE.parents[len(package.split("."))]),
        "HPCGEN_MINIATURE": str(folder),
    }
    with open(log, "a") as file:
        outer = subprocess.Popen(
            [*enter, *new, sys.executable, "-m", f"{package}.host", str(spec_file)],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env, cwd="/", start_new_session=True,
        )
    try:
        return _innermost(outer.pid, steps=2 if inside else 1)
    except ProcessLookupError as problem:
        raise ProcessLookupError(f"{problem}: {log.read_text()[-500:] or 'it says nothing'}") from None


def _innermost(pid: int, steps: int) -> int:
    """nsenter and unshare each fork before the host's first process: follow the children down to it.

    The kernel may be long in making a network's namespace while it clears away those of another miniature.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            raise ProcessLookupError("the host's first process has ended") from None
        if child:
            pid, steps = int(child[0]), steps - 1
        if steps == 0:
            return pid
        time.sleep(0.01)
    raise ProcessLookupError("the host's first process does not start in 30 s")


def started(pid: int) -> str:
    """When a process began, so that another one with its old number is not taken for it; empty if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def strays(place: Path) -> dict[int, str]:
    """First processes of the miniature in this folder that no state file names: `up` was killed before it wrote one.

    By the folder and not by the name, which another checkout's miniature may have, too.
    """
    mark = f"HPCGEN_MINIATURE={place}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment, words = (folder / "environ").read_bytes().split(b"\0"), (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in environment and any(word.endswith(b"cluster.host") for word in words):
            found[int(folder.name)] = started(int(folder.name))
    return found


def kill(pids: dict[int, str], seconds: float = 10) -> bool:
    """True when all are gone; a process that began at another time is not ours."""
    for pid, start in pids.items():
        if start and started(pid) == start:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(start and started(pid) == start for pid, start in pids.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
