"""The gallery's cases in miniature: what each one's script finds there, and what stands in for something else."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hpcgen import load, plan, tables
from hpcgen.errors import RequestError
from hpcgen.job import Job
from hpcgen.request import Layer, merge

from . import bed, from_site, mpi
from .shape import Shape

SCRIPTS = Path(__file__).parents[1] / "scripts"
PROGRAMS = Path(__file__).parent / "programs"
DASK, MPI, SERIAL = "dask_program.py", "mpi_program.py", "serial_program.py"
IMAGE = "dask-mpi.sif"
NO_TORCH = "the conda environment has no PyTorch, the GPU no driver"
NO_PMIX = "run on Slurm 24.11, the first of Debian's with PMIx 5"


@dataclass(frozen=True)
class Case:
    """`files` are those that the script names, each with the program of programs/, or the image, that it is here."""

    site: str
    name: str
    files: Mapping[str, str] = field(default_factory=dict)
    suites: tuple[str, ...] = ("",)  # whose Slurm runs it; the others' parsers read it
    stand_ins: tuple[str, ...] = ()
    from_venv: bool = False  # the user has an environment of his own active as he submits
    seconds: float = 120

    @property
    def id(self) -> str:
        return f"{self.site}/{self.name}"

    @property
    def script(self) -> Path:
        return SCRIPTS / f"{self.id}.sh"

    def plan(self) -> Job:
        site = load(self.site)
        values = {**tables.read(SCRIPTS / f"{self.id}.toml", RequestError), "site": site.id}
        return plan(site, merge([Layer("file", self.name, values)]))


EVERYWHERE = ("", "trixie", "unstable")
CASES = (
    Case("mahuika", "low_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika", "high_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika", "selfcheck", {}, EVERYWHERE),
    Case("mahuika", "array", {"sweep.py": SERIAL}),
    Case("mahuika", "gpu", {"train.py": SERIAL}, stand_ins=("the GPU has no driver",)),
    Case("mahuika", "container", {"dask_example.py": DASK, "my_container.sif": IMAGE}),
    Case("mahuika", "container_high_memory", {"dask_example.py": DASK, "my_container.sif": IMAGE}),
    Case("mahuika", "mpi_container", {"input.nml": MPI, "simulate.sif": IMAGE}, stand_ins=("`simulate` in the image is Python",)),
)


def shape(site: str, suite: str) -> Shape:
    """A miniature for the tests, beside a person's own of the same name."""
    envs = sorted({case.plan().setup.conda for case in CASES if case.site == site} - {None})
    made = from_site.shape(load(site), conda_envs=tuple(filter(None, envs)), suite=suite)
    return dataclasses.replace(made, name=f"test-{site}{suite and '-'}{suite}")


def own_python(up: bed.Miniature) -> Path:
    return mpi.venv(up.shape.suite, from_site.mpi_kind(load("maui-ancil"))) / "bin"
