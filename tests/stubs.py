"""Stand-ins for launchers, containers and programs: each writes down, byte for byte, how it was called.

A script runs in an empty folder with a PATH of stand-ins and three real tools, so that whatever it does beyond what
it should shows: as a call that nobody expects, or as a file.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional

LAUNCHERS = ("srun", "mpiexec", "mpirun")
RUNTIMES = ("apptainer", "singularity")
# What injected text would call; their being called at all is the fault.
CANARIES = ("touch", "id", "b", "rm")
# The scripts' own helpers; anything else is not to be found.
TOOLS = ("bash", "env", "cat")

# Arguments and environment are read from /proc: Python itself decodes the one and adds to the other.
SOURCE = """#!{python} -IS
import os
_, _, path, *args = open("/proc/self/cmdline", "rb").read().split(b"\\0")[:-1]
env = dict(entry.partition(b"=")[::2] for entry in open("/proc/self/environ", "rb").read().split(b"\\0")[:-1])
name = os.path.basename(path)
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND)
os.write(log, repr((name, args, env)).encode() + b"\\n")
os.close(log)

def run(words):
    if os.fork() == 0:
        try:
            os.execvp(words[0], words)
        except OSError:
            os._exit(127)
    return os.wait()[1] >> 8

status = 0
if name in {launchers!r}:  # a colon begins another part, as it does for srun and for mpiexec
    while args:
        end = args.index(b":") if b":" in args else len(args)
        part, args = args[:end], args[end + 1 :]
        while part[0].startswith(b"-"):
            part = part[2 if part[0] == b"-n" else 1 :]
        status = run(part) or status
elif name in {runtimes!r} and args[0] == b"exec":
    status = run(args[3:] if args[1] == b"--nv" else args[2:])
elif name == b"conda" and args == [b"info", b"--base"]:
    print({base!r})
os._exit(status) if not os.sys.stdout.flush() else None
"""
CONDA = 'conda() { command conda "$@" && export CONDA_PREFIX="$2"; }\n'


class Call(NamedTuple):
    """One call of a stand-in."""

    name: bytes
    args: List[bytes]
    env: Dict[bytes, bytes]


class Ran(NamedTuple):
    """What a script did. `files` are those that it left in its folder."""

    status: int
    calls: List[Call]
    files: List[str]
    errors: str

    def of(self, *names: str) -> List[Call]:
        return [call for call in self.calls if call.name in map(os.fsencode, names)]

    def names(self) -> List[str]:
        """Who was called, without the launchers and `conda info`, which the scripts call for themselves."""
        return [os.fsdecode(c.name) for c in self.calls if c.args != [b"info", b"--base"] or c.name != b"conda"]


class Stubs:
    """A folder of stand-ins; `cwd` is emptied before each script."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cwd, self.home = folder, folder / "cwd", folder / "home"
        self.log, self.bin, base = folder / "calls", folder / "bin", folder / "conda"
        for made in (self.cwd, self.home, self.bin, folder / "tools", base / "etc/profile.d"):
            made.mkdir(parents=True)
        (base / "etc/profile.d/conda.sh").write_text(CONDA)
        self.source = folder / "stub"
        launchers, runtimes = (tuple(map(os.fsencode, names)) for names in (LAUNCHERS, RUNTIMES))
        facts = {"launchers": launchers, "runtimes": runtimes, "log": str(self.log), "base": str(base)}
        self.source.write_text(SOURCE.format(python=sys.executable, **facts))
        self.source.chmod(0o755)
        for name in (*LAUNCHERS, *RUNTIMES, *CANARIES, "conda", "module", "python"):
            self.program(self.bin / name)
        for name in TOOLS:
            (folder / "tools" / name).symlink_to(str(shutil.which(name)))

    def program(self, path: Path) -> Path:
        """One more program that writes down its calls."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(path):
            path.symlink_to(self.source)
        return path

    def empty(self) -> None:
        shutil.rmtree(self.cwd)
        self.cwd.mkdir()
        self.log.write_bytes(b"")

    def run(self, script: str, shebang: str, env: Optional[Mapping[str, str]] = None, made: int = 0) -> Ran:
        """The script by the bash that its first line names."""
        path = self.folder / "job.sh"
        path.write_bytes(script.encode("utf-8", "surrogateescape"))
        self.log.write_bytes(b"")
        before = set(_below(self.cwd))
        environ = {"PATH": f"{self.bin}:{self.folder / 'tools'}", "HOME": str(self.home), **(env or {})}
        done = subprocess.run(
            [*shebang.split(), str(path)], cwd=self.cwd, env=environ, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
        calls = [Call(*ast.literal_eval(line)) for line in self.log.read_text().splitlines()]
        files = sorted(set(_below(self.cwd)) - before)
        return Ran(done.returncode, calls, files, done.stderr.decode("utf-8", "replace"))


def _below(folder: Path) -> List[str]:
    return [os.path.join(where, name) for where, folders, names in os.walk(folder) for name in (*folders, *names)]
