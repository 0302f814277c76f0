"""The gallery's cases in miniature: what each one's script finds there, and what stands in for something else."""
from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hpcgen import load, plan, render
from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.model.job import Job
from hpcgen.request.layers import Layer, merge

from . import apptainer, bed, from_site, images, mpi
from .shape import Shape

SCRIPTS = Path(__file__).parents[1] / "scripts"
PROGRAMS = Path(__file__).parent / "programs"
DASK, MPI, SERIAL = "dask_program.py", "mpi_program.py", "serial_program.py"
IMAGE = "dask-mpi.sif"
ENVIRONMENT, INPUT, ROWS, LINES = "an environment", "a folder", "a table", "a list of commands"
OWN_IMAGE = "the image that `hpcgen container` defines for the site"
WRAPPER = "the site's command for containers is a few lines of shell"
NO_TORCH = "no PyTorch, and the GPU has no driver"
RAY = "no Ray there: test_ray.py runs the like"
TORCHRUN = "no PyTorch there: test_torchrun.py and test_images.py run the like"
NO_PMIX = "22.05 and 26.05 of Debian lack pmix_v5"
HPC_X = "Open MPI 5 for HPC-X"
PYTHON_DATA = "python-data is Debian's Python"
CONDA = "conda is a stand-in"
SIMULATE = "`simulate` is Python"
MPICH = "MPICH for Cray MPICH"
MOVED = "the environment's Python is a script that starts the miniature's"
NO_ZSTD = "24.11 and 26.05 have no zstd here"
OWN_PYTHON = "Python, and I_MPI_PMI_LIBRARY, are of the shell that submits: the profile names none"


@dataclass(frozen=True)
class Case:
    """`files` are those that the script names, each with what it is here: a program of programs/, or what `furnish` makes."""

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
    def file(self) -> str:
        return f"{self.name}.sh"

    def script(self, folder: Path) -> None:
        """The script of the gallery, with its launcher's text, as a file of this folder."""
        (folder / self.file).write_text(render(self.plan()))

    def plan(self) -> Job:
        site = load(self.site)
        values = {**toml.read(SCRIPTS / f"{self.id}.toml", RequestError), "site": site.id}
        return plan(site, merge([Layer("file", self.name, values)]))


EVERYWHERE = ("", "trixie", "unstable")
CASES = (
    Case("mahuika", "low_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika", "high_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika", "selfcheck", {}, EVERYWHERE),
    Case("mahuika", "array", {"sweep.py": SERIAL}, EVERYWHERE),
    Case("mahuika", "table", {"model.py": SERIAL, "parameters.csv": ROWS}, EVERYWHERE),
    Case("mahuika", "commands", {"commands.txt": LINES}, EVERYWHERE, seconds=400),
    Case("mahuika", "gpu", {"train.py": SERIAL}, EVERYWHERE, stand_ins=("the GPU has no driver",)),
    Case("mahuika", "container", {"dask_example.py": DASK, "my_container.sif": IMAGE}, EVERYWHERE),
    Case("mahuika", "container_high_memory", {"dask_example.py": DASK, "my_container.sif": IMAGE}, EVERYWHERE),
    Case("mahuika", "mpi_container", {"input.nml": MPI, "simulate.sif": IMAGE}, EVERYWHERE, (SIMULATE,)),
    Case("mahuika-cs400", "low_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika-cs400", "high_memory", {"mydaskprogram.py": DASK}, EVERYWHERE),
    Case("mahuika-cs400", "example", {"dask_example.py": DASK}, EVERYWHERE),
    Case("mahuika-cs400", "container", {"dask_example.py": DASK, "my_container.sif": IMAGE}, EVERYWHERE),
    Case("mahuika-cs400", "container_high_memory", {"dask_example.py": DASK, "my_container.sif": IMAGE}, EVERYWHERE),
    Case("maui-ancil", "high_memory", {"mydaskprogram.py": DASK}, EVERYWHERE, stand_ins=(OWN_PYTHON,), from_venv=True),
    Case("maui-ancil", "container", {"dask_example.py": DASK, "my_container.sif": IMAGE}, EVERYWHERE),
    Case("vaughan", "script", {"script.py": DASK}, EVERYWHERE, stand_ins=("`pip install --user` was the miniature's",)),
    Case("vaughan", "mpmd", {"solver": "solver", "writer": "solver"}, EVERYWHERE, stand_ins=("the programs are Python",)),
    Case("vaughan", "hybrid", {"solver": "solver"}, EVERYWHERE, stand_ins=("./solver is Python",)),
    Case("vaughan", "staged", {"script.py": MPI, "env.tar.zst": ENVIRONMENT, "input": INPUT}, ("",), (MOVED, NO_ZSTD)),
    Case("eagle", "dask_mpi", {"dask_mpi.py": DASK}, stand_ins=(CONDA,), seconds=240),
    Case("eagle", "gpu", {"train.py": SERIAL}, EVERYWHERE, stand_ins=(CONDA, NO_TORCH)),
    Case("kestrel", "selfcheck", {}, ("", "trixie"), (CONDA, MPICH)),
    Case("kestrel", "train", {"train.py": SERIAL}, ("", "trixie"), (CONDA, NO_TORCH)),
    Case("mahuika", "ray", {}, (), (RAY,)),
    Case("m3-smu", "ray", {}, (), (RAY,)),
    Case("m3-smu", "ray_symmetric", {}, (), (RAY,)),
    Case("kestrel", "torchrun", {}, (), (CONDA, TORCHRUN)),
    Case("m3-smu", "torchrun", {}, (), (TORCHRUN,)),
    Case("roihu", "container", {"dask_example.py": DASK, "dask-mpi.sif": OWN_IMAGE}, ("", "trixie"), (WRAPPER,)),
    Case("roihu", "mpi_container", {"solve.py": MPI, "dask-mpi.sif": OWN_IMAGE}, ("", "trixie"), (WRAPPER,)),
    Case("roihu", "train", {"train.py": SERIAL}, ("", "trixie"), (NO_TORCH,)),
    Case("roihu", "torchrun", {}, (), (TORCHRUN,)),
    Case("roihu", "mpi_gpus", {"solver.py": MPI}, ("", "trixie"), (PYTHON_DATA, "the GPUs have no driver")),
    Case("mahti", "mpi_container", {"solve.py": MPI, "dask-mpi.sif": OWN_IMAGE}, ("", "trixie"), (WRAPPER,)),
    Case("puhti", "container", {"dask_example.py": DASK, "dask-mpi.sif": OWN_IMAGE}, ("", "trixie"), (WRAPPER,)),
    Case(
        "puhti",
        "gpu_container",
        {"train.py": SERIAL, "dask-mpi.sif": OWN_IMAGE},
        ("", "trixie"),
        (WRAPPER, "the GPU has no driver"),
    ),
    Case("puhti", "dask_mpi", {"dask_example.py": DASK}, ("", "trixie"), (PYTHON_DATA,)),
    Case("m3-smu", "container", {"dask_example.py": DASK, "dask-mpi.sif": OWN_IMAGE}, ("trixie",), (NO_PMIX,)),
    Case("m3-smu", "dask_mpi", {"dask_example.py": DASK}, ("trixie",), (NO_PMIX, HPC_X)),
    Case("m3-smu", "mpi", {}, ("trixie",), (NO_PMIX, HPC_X)),
    Case("m3-smu", "coupled", {"ocean.py": MPI, "atmosphere.py": MPI}, ("trixie",), (NO_PMIX, HPC_X)),
)


def shape(site: str, suite: str) -> Shape:
    """A miniature for the tests, beside a person's own of the same name; with two hosts of each kind."""
    setups = [(case.plan().setup, suite in case.suites) for case in CASES if case.site == site]
    envs = {setup.conda for setup, _ in setups if setup.conda} - {"base"}
    # those of a person's home `furnish` makes
    venvs = {setup.venv for setup, runs in setups if runs and setup.venv and setup.venv.startswith("/")}
    made = from_site.shape(load(site), hosts=2, conda_envs=tuple(sorted(envs)), venvs=tuple(sorted(venvs)), suite=suite)
    return dataclasses.replace(made, name=f"test-{site}{suite and '-'}{suite}")


def furnish(up: bed.Miniature, case: Case, folder: Path) -> None:
    """The programs and images that the script names."""
    python = mpi.venv(up.shape.suite, from_site.mpi_kind(load(case.site))) / "bin/python"
    for name, source in case.files.items():
        if source in (IMAGE, OWN_IMAGE):
            own = source == OWN_IMAGE
            (folder / name).symlink_to(images.made(case.site, load(case.site)) if own else apptainer.IMAGE)
        elif source in MADE:
            MADE[source](folder / name, python)
        else:
            (folder / name).write_text((PROGRAMS / source).read_text().replace("@PYTHON@", str(python)))
            (folder / name).chmod(0o755)
    for helper in ("facts.py", MPI):
        if not (folder / helper).exists():
            (folder / helper).write_text((PROGRAMS / helper).read_text())
    setup = case.plan().setup
    # as if by `pip install --user`, or in an environment of the user's own
    for asked, inside, real in ((setup.userbase, "lib", python.parents[1] / "lib"), (setup.venv, ".", python.parents[1])):
        place = Path((asked or "").replace("~", str(up.home), 1), inside)
        if asked and asked.startswith("~") and not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real)


def row(number: int) -> dict[str, str]:
    return {"rate": f"0.{number}", "name": f"run {number}"}


def _rows(file: Path, python: Path) -> None:
    file.write_text("rate,name\n" + "".join(",".join(row(number).values()) + "\n" for number in range(1, 49)))


def _lines(file: Path, python: Path) -> None:
    """As many as the request says, with some that are none."""
    told = "".join(f'echo "command {number} is $HPCGEN_TASK on $(hostname)"\n' for number in range(1, 201))
    file.write_text(f"# what to do\n\n{told}")


def _environment(file: Path, python: Path) -> None:
    """An archive, and in it a Python that tells where it was started, and what it found beside it."""
    bin = file.parent / "made" / "bin"
    bin.mkdir(parents=True)
    found = 'export KEPT_INPUT=$(cat "${0%/env/bin/python}/input/deep/data")'
    lines = ("#!/bin/bash", "export KEPT_PYTHON=$0", found, f'exec {python} "$@"')
    (bin / "python").write_text("\n".join(lines) + "\n")
    (bin / "python").chmod(0o755)
    subprocess.run(["tar", "--zstd", "-cf", str(file), "-C", str(bin.parent), "bin"], check=True)


def _input(folder: Path, python: Path) -> None:
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "data").write_text("some input")


MADE = {ENVIRONMENT: _environment, INPUT: _input, ROWS: _rows, LINES: _lines}


def own_python(up: bed.Miniature) -> dict[str, str]:
    """What a user's own environment puts into the shell that submits."""
    python = mpi.venv(up.shape.suite, "impi") / "bin"
    return {"PATH": f"{python}:/usr/local/bin:/usr/bin:/bin", "I_MPI_PMI_LIBRARY": up.shape.pmi_library}
