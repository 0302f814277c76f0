"""A miniature for Dask's launcher: three hosts with ib0, the three MPIs, and a site that ends jobs at the first bad exit."""
from __future__ import annotations

import dataclasses
import re
import time
from pathlib import Path
from typing import Any

from hpcgen import plan, render
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, merge

from . import apptainer, bed, mpi, slurm
from .examples import hosts, names
from .patience import LONGER
from .shape import Module, Node, Partition, Shape

PROGRAMS = Path(__file__).parent / "programs"
LIBRARY = "/lib64/libpmi2.so"
FLAVOURS = {"impi": "intel", "mpich": "mpich", "openmpi": "openmpi"}
PMI = {"impi": "pmi2", "mpich": "pmi2", "openmpi": "pmix"}
HET = {"hetjob": True, "workers": 3, "cpus_per_worker": 4, "mem_per_cpu": "3G", "scheduler_mem": "1G", "time": "5"}
PLAIN = {"workers": 3, "cpus_per_worker": 4, "mem_per_cpu": "3G", "time": "5"}

_hosts = hosts("n", 3, Node(sockets=2, cores=16, memory=120_000))
SHAPE = Shape(
    name="test-dask",
    hosts=_hosts,
    partitions=(Partition("all", names(_hosts), default=True),),
    interface="ib0",
    modules=tuple(Module(kind, kind) for kind in FLAVOURS),
    pmi_library=LIBRARY,
    mpi_default="none",
    kill_on_bad_exit=True,
    folders=("/scratch",),
)


def site(kind: str, **tables: Any) -> Site:
    """The profile of this miniature, for one of its MPIs."""
    facts = {
        "name": "Miniature", "operator": "tests", "country": "–", "status": "active",
        "sources": {"x": {"title": "this file", "url": "https://example.org", "date": "2026-11-21"}},
        "scheduler": {"type": "slurm", "hetjob": True, "source": "x"},
        "modules": {"python": [kind], "container": [], "source": "x"},
        "mpi": {
            "flavour": FLAVOURS[kind],
            "pmi": PMI[kind],
            "source": "x",
            **({"pmi_library": LIBRARY} if kind != "openmpi" else {}),
        },
        "network": {"interface": "ib0", "source": "x"},
        "login": {"host": "login.example.org", "source": "x"},
        "storage": {"local": "/tmp", "source": "x"},
        **tables,
    }  # fmt: skip
    return decode("mini", facts, "mini.toml")


def script(at: Site, **request: Any) -> str:
    return render(plan(at, merge([Layer("file", "request", request)])))


def folder(up: bed.Miniature, name: str, text: str, program: str = "") -> Path:
    """The user's folder: the script, the programs, the image."""
    place = up.workdir(name, *sorted(PROGRAMS.glob("dask_*.py")))
    (place / "job.sh").write_text(text)
    if program:
        (place / "prog.py").write_text(program)
    (place / "my.sif").symlink_to(apptainer.IMAGE)
    up.give(place)
    return place


@dataclasses.dataclass
class Done:
    job: slurm.Job
    place: Path

    @property
    def output(self) -> str:
        return self.job.output

    @property
    def status(self) -> int:
        """The job's own: ExitCode is status:signal."""
        return int(self.job.records[0]["ExitCode"].partition(":")[0])

    def workers(self) -> list[tuple[int, int, str, str]]:
        """Threads, MiB, address and OMP_NUM_THREADS of each worker, as dask_report.py prints them."""
        found = re.findall(r"^worker (\d+) threads (\d+) MiB at tcp://([\d.]+):\d+ OMP (\S+)$", self.output, re.MULTILINE)
        return sorted((int(threads), int(mib), address, omp) for threads, mib, address, omp in found)

    def ended_after(self) -> float:
        """Seconds from the program's last line to the end of the job."""
        said = re.findall(r"^the end ([\d.]+)$", self.output, re.MULTILINE)
        return (self.place / "ended").stat().st_mtime - float(said[-1])


def run(up: bed.Miniature, name: str, text: str, program: str = "", seconds: float = 120) -> Done:
    if "exit \"$status\"" in text:  # the time at which the script itself is over
        text = text.replace('exit "$status"', 'touch ended\nexit "$status"')
    place = folder(up, name, text, program)
    return Done(slurm.run(up, "job.sh", cwd=str(place), seconds=seconds), place)


def pid(up: bed.Miniature, host: str, pattern: str) -> list[str]:
    answer = up.run(["pgrep", "-f", pattern], host=host, check=False)
    return answer.stdout.split()


def until(condition: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds * LONGER
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


def python(kind: str) -> str:
    return str(mpi.venv("", kind) / "bin/python")
