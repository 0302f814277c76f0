"""Stand-ins for launchers, containers and programs: each writes down, byte for byte, how it was called.

A script runs in an empty folder with a PATH of stand-ins and three real tools, so that whatever it does beyond what
it should shows: as a call that nobody expects, or as a file. And what people type, at its worst.
"""

from __future__ import annotations

import ast
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from parts import to_launchers

from hpcgen import plan
from hpcgen.base.errors import HpcgenError
from hpcgen.inputs.tasks import counted
from hpcgen.model.job import Job
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, Merged, merge
from hpcgen.script.render import carried

LAUNCHERS = ("srun", "mpiexec", "mpirun", "jsrun", "flux", "ccc_mprun")
# Their options with a word of their own behind them.
VALUED = ("-n", "-N", "-a", "-c", "-g", "-r", "-b", "-d", "--ppn", "--depth", "--cpu-bind", "--map-by", "--bind-to")
RUNTIMES = ("apptainer", "singularity")
# Sites' own: one takes the image from a variable, the other prints what to bind.
WRAPPERS, BINDING = ("apptainer_wrapper",), ("csc-common-bind",)
# What injected text would call; their being called at all is the fault.
CANARIES = ("touch", "id", "b")
# The scripts' own helpers; anything else is not to be found.
TOOLS = ("bash", "env", "cat", "mktemp", "rm")

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
            os.execvpe(words[0], words, env)
        except OSError:
            os._exit(127)
    return os.wait()[1] >> 8

status = 0
if name in {launchers!r}:  # a colon begins another part, as it does for srun and for mpiexec
    while args:
        end = args.index(b":") if b":" in args else len(args)
        part, args = args[:end], args[end + 1 :]
        if name == b"flux":
            part = part[1:]  # run
        while part[0].startswith(b"-"):
            part = part[2 if part[0] in {valued!r} else 1 :]
        status = run(part) or status
elif name in {runtimes!r} and args[0] == b"exec":
    status = run(args[3:] if args[1] == b"--nv" else args[2:])
elif name in {wrappers!r} and args[0] == b"exec":
    status = run(args[1:])
elif name in {binding!r}:
    os.write(1, b"/appl")
elif name == b"conda" and args == [b"info", b"--base"]:
    os.write(1, {base!r})
os._exit(status)
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


class Stubs:
    """A folder of stand-ins, which `python` runs; `cwd` is emptied before each script."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self.cwd, self.home = folder, folder / "cwd", folder / "home"
        self.log, self.bin, base = folder / "calls", folder / "bin", folder / "conda"
        for made in (self.cwd, self.home, self.bin, folder / "tools", base / "etc/profile.d"):
            made.mkdir(parents=True)
        (base / "etc/profile.d/conda.sh").write_text(CONDA)
        self.source = folder / "stub"
        named = {"launchers": LAUNCHERS, "runtimes": RUNTIMES, "wrappers": WRAPPERS, "binding": BINDING, "valued": VALUED}
        facts: Dict[str, Any] = {kind: tuple(map(os.fsencode, names)) for kind, names in named.items()}
        facts.update(log=str(self.log), base=os.fsencode(base))
        self.source.write_text(SOURCE.format(python=python, **facts))
        self.source.chmod(0o755)
        for name in (*LAUNCHERS, *RUNTIMES, *WRAPPERS, *BINDING, *CANARIES, "conda", "module", "python", "program"):
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

    def image(self, text: str) -> bool:
        """The image of a container, which scripts look for, as a file; whether it is there: not all text is a path."""
        path = self.home / text[2:] if text.startswith("~/") else self.cwd / text
        if "://" in text or path.exists():
            return True
        if not self.holds(path):
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError:
            return False
        return not text.endswith("/")

    def holds(self, path: Path) -> bool:
        """Whether a path is one of ours to make: drawn text may be any path of the machine's."""
        return bool({self.cwd, self.home} & {*Path(os.path.abspath(path)).parents}) and ".." not in path.parts

    def calls(self) -> List[Call]:
        """All calls since the last script began, in order."""
        return [Call(*ast.literal_eval(line)) for line in self.log.read_text().splitlines()]

    def run(self, script: str, shebang: str, env: Optional[Mapping[str, str]] = None) -> Ran:
        """The script by the bash that its first line names."""
        path = self.folder / "job.sh"
        path.write_bytes(script.encode("utf-8", "surrogateescape"))
        self.log.write_bytes(b"")
        before = set(_below(self.cwd))
        environ = {"PATH": f"{self.bin}:{self.folder / 'tools'}", "HOME": str(self.home), **(env or {})}
        environ.setdefault("PBS_O_WORKDIR", str(self.cwd))
        done = subprocess.run(
            [*shebang.split(), str(path)], cwd=self.cwd, env=environ, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
        calls = self.calls()
        files = sorted(set(_below(self.cwd)) - before)
        return Ran(done.returncode, calls, files, done.stderr.decode("utf-8", "replace"))


def _below(folder: Path) -> List[str]:
    return [os.path.join(where, name) for where, folders, names in os.walk(folder) for name in (*folders, *names)]


@lru_cache
def shared() -> Stubs:
    """For all tests: making one takes longer than running a script in it."""
    folder = Path(tempfile.mkdtemp()).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Stubs(folder / "s")


# --- two machines, and requests at them

SOURCES = {"x": {"title": "test", "url": "https://x", "date": "2026-01-01"}}
MACHINE = {"name": "Stub", "operator": "tests", "country": "NZ", "status": "active", "sources": SOURCES}
MODULES = {"python": ["Python/3"], "conda": ["conda"], "container": ["Apptainer"], "purge": "purge", "source": "x"}
SLURM = {
    **MACHINE,
    "scheduler": {"type": "slurm", "source": "x"},
    "modules": MODULES,
    "shell": {"shebang": "/bin/bash -e", "source": "x"},
    "mpi": {"flavour": "intel", "pmi": "pmi2", "pmi_library": "/lib64/libpmi2.so", "source": "x"},
}
LOCAL = {**MACHINE, "scheduler": {"type": "local", "source": "x"}, "mpi": {"launcher": "mpiexec", "source": "x"}}
PBS = {**SLURM, "scheduler": {"type": "pbs", "source": "x"}, "mpi": {"launcher": "mpiexec", "source": "x"}}
PE = {"pe_one": "smp", "pe_many": "mpi", "memory": "h_vmem", "gpu": "gpu", "source": "x"}
SGE = {**PBS, "scheduler": {"type": "sge", "source": "x"}, "sge": PE}
LSF = {**PBS, "scheduler": {"type": "lsf", "source": "x"}, "lsf": {"cpus": "affinity", "memory_per": "slot", "source": "x"}}
FLUX = {**PBS, "scheduler": {"type": "flux", "source": "x"}, "mpi": {"launcher": "flux", "source": "x"}}
SUMMIT = {**LSF, "lsf": {"style": "nodes", "source": "x"}, "mpi": {"launcher": "jsrun", "source": "x"}}
SUMMIT.update(
    nodes={"n": {"cores": 42, "gpus": 6, "source": "x"}}, scheduler={"type": "lsf", "whole_nodes": "always", "source": "x"}
)
CRAY = {**PBS, "mpi": {"launcher": "pals", "source": "x"}}
SITES = {"slurm": SLURM, "local": LOCAL, "pbs": PBS, "sge": SGE, "lsf": LSF, "flux": FLUX, "jsrun": SUMMIT, "pals": CRAY}
# Schedulers that can say a heterogeneous job.
HETJOBS = ("slurm", "pbs", "lsf", "pals")


def site(scheduler: str) -> Site:
    return decode("stub", SITES[scheduler], "stub.toml")


def job(at: Site, **values: Any) -> Optional[Job]:
    """The job, or None where it is refused as a wrong request is."""
    try:
        return plan(at, flags(**values))
    except HpcgenError as refusal:
        assert refusal.status == 2
        assert all(problem.isprintable() for problem in refusal.problems)
        return None


def flags(**values: Any) -> Merged:
    """The request as the command line makes it."""
    return counted(merge([Layer("flag", "command line", values, strict=False)]))


def program_calls(ran: Ran, made: Job) -> List[Call]:
    """The calls of the program, inside the container where there is one: one for each component."""
    if made.container and made.container.verb == "run":
        image = os.fsencode(made.container.image)
        found = [(call, [word for word in call.args[1:] if word != b"--nv"]) for call in ran.of(made.container.runtime)]
        assert all(words[0] == image for _, words in found)
        return [as_asked(Call(b"", words[1:], call.env), made) for call, words in found]
    python = made.steps[0].commands[0].python
    calls = [
        call for call in ran.calls if call.name == os.fsencode(os.path.basename(python or made.steps[0].commands[0].file or ""))
    ]
    if python:
        return [as_asked(call, made) for call in calls]
    return [Call(call.name, [call.name, *call.args], call.env) for call in calls]


def as_asked(call: Call, made: Job) -> Call:
    """The program and its arguments as they were asked for, where the launcher that the script carries starts them."""
    if made.steps[0].commands[0].told is None:
        return call
    assert call.args[1] == os.fsencode(carried(made)["launcher"])
    told, words = told_of(call)
    assert told in to_launchers(made)
    return call._replace(args=words)


def told_of(call: Call) -> Tuple[Dict[str, Any], List[bytes]]:
    """What a call of Python tells the launcher that it carries, and the program with its arguments."""
    assert call.args[0] == b"-c" and call.args[1].endswith(b"\nmain(begin)")
    rest, told = call.args[2:], {}
    while rest and rest[0].startswith(b"{"):
        assert rest[0].isascii()
        told.update(json.loads(rest.pop(0)))
    assert (rest[:1] == [b"--"]) is ("argv" not in told) and not (rest and "argv" in told)
    return told, [os.fsencode(word) for word in told.pop("argv", ())] or rest[1:]


# Calls that the scripts make for themselves, with the setup that these sites have.
OWN = {"module", *LAUNCHERS, "apptainer", "conda"}


def check_harmless(ran: Ran, *programs: str) -> None:
    assert ran.files == []
    assert {call.name for call in ran.calls} <= set(map(os.fsencode, (*OWN, *programs))), ran


# --- what people type

# What breaks quoting, ends heredocs, is a template's mark, a directive, an option, a separator or a command.
PIECES = [
    "'", '"', "$", "`", "\\", "\n", "\r", "\t", " ", "*", "?", "[", ":", "=", "-", "--", "~", "!", "#", "%", "@file", "{a,b}",
    "\n#SBATCH --time=9\n", "#SBATCH hetjob", "\nEOF\n", "\nPYTHON\n", "{{", "}}", "{{ job.name }}", "{%", "\n#% if", "#%#",
    "$(touch CANARY)", "`touch CANARY`", "; touch CANARY; ", "\ntouch CANARY\n", "' ; touch CANARY ; '", '"; touch CANARY; "',
    "&& touch CANARY", "| touch CANARY", "> CANARY", "x[$(touch CANARY)]", "${IFS}", "$'\\n'", "~/", "!!", "a", "b", "A=b",
    "é", "日本", "\u2028", "\x85", "\x1b[31m", "\x7f", "\udcff", "\udcc3\udca9", "--help", "-n", "exec", "&", "\\\n", "\0-",
]  # fmt: skip
ANY = st.one_of(
    st.lists(st.sampled_from([p for p in PIECES if "\0" not in p]), max_size=6).map("".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=12).filter(lambda b: 0 not in b).map(os.fsdecode),
)
# Also what must be refused.
WILD = st.one_of(ANY, st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.text(max_size=20))
# One line of printable text, most of it hostile all the same.
PRINTABLE = ANY.map(lambda text: "".join(c for c in text if c.isprintable())).filter(str.strip)
# Not made smaller when they fail: each attempt runs bash, and the examples are small.
FEW = settings(
    deadline=None, max_examples=12, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
