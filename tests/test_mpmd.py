"""Several programs in one MPI job: which rank becomes which program, with which words, by each launcher; and what cannot be."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from grammar import launch
from stubs import LOCAL, SLURM, flags
from test_parsed import PARSERS, SITES

from hpcgen import load, plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.cost.compare import compare
from hpcgen.launch import launchers
from hpcgen.launch.launchers import launch as launch_line
from hpcgen.model.job import Job
from hpcgen.profiles.load import decode
from hpcgen.request.layers import checked
from hpcgen.script.explain import explain

WORDS = ["a b", "", ":", "$(touch ran)", "it's", '"', "%", "\\", "a\n#PBS -x\n\nBASH\nb", "*", "=", "~"]
SHOW = "#!{python}\nimport sys; sys.stdout.write(chr(0).join([sys.argv[0].rpartition(chr(47))[2], *sys.argv[1:]]))\n"


def made(site: Dict[str, Any], *mpmd: str, **asked: Any) -> Job:
    return plan(decode("stub", site, "stub.toml"), flags(**{"workload": "mpi", "program": "./first", "mpmd": mpmd, **asked}))


def refused(site: Dict[str, Any], *mpmd: str, **asked: Any) -> str:
    with pytest.raises(HpcgenError) as why:
        made(site, *mpmd, **asked)
    assert why.value.status == 2
    return " ".join(why.value.problems)


def run(job: Job, rank: int) -> List[str]:
    """What this rank becomes, by bash itself: the words that its program gets, the program's name first."""
    _, found, after = render(job).partition("programs=$(")
    assert found
    block = f"{found}{after.partition(chr(10) + ')' + chr(10))[0]}\n)\n"
    variable = job.steps[0].rank or ""
    environ = {"PATH": os.environ["PATH"], variable: str(rank)}
    done = subprocess.run(
        ["bash", "-e", "-c", f'{block}bash -c "$programs"'], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\0")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second", "a=b", "time"):
        Path(name).write_text(SHOW.format(python=sys.executable))
        Path(name).chmod(0o755)


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("kind", ["slurm", "flux", "polaris", "summit", "gadi"])
def test_each_rank_becomes_its_program(kind: str) -> None:
    site = SLURM if kind == "slurm" else SITES[kind]
    asked = {"account": "ab12", "nodes": 2, "ntasks_per_node": 4, "cpus_per_task": 2, "args": [":", "x"]}
    job = made(site, f"2: ./second {shlex.join(WORDS)}", "1: ./a=b", "1: ./time -p", **asked)
    assert [run(job, rank) for rank in range(8)] == [
        *[["first", ":", "x"]] * 4, *[["second", *WORDS]] * 2, ["a=b"], ["time", "-p"],
    ]  # fmt: skip
    assert not Path("ran").exists()
    assert any("MPI_APPNUM" in note for note in job.notes)
    if kind != "slurm":
        PARSERS[kind](render(job))
        (part,) = launch.parse(launch_line(job, job.steps[0]), "pals" if kind == "polaris" else "openmpi")
        assert part.ranks == 8


@pytest.mark.parametrize("kind", ["pbs", "torque", "lsf", "local"])
def test_the_launch_line_names_the_programs_where_it_can(kind: str) -> None:
    job = made(
        LOCAL if kind == "local" else SITES[kind],
        f"2: ./second {shlex.join(w for w in WORDS if w != ':')}",
        "1: x.py",
        ntasks=5,
    )
    parts = launch.parse(launch_line(job, job.steps[0]).replace(" \\\n", " "), "openmpi")
    assert [part.ranks for part in parts] == [2, 2, 1] and "programs=" not in render(job)
    assert [part.argv[-1] for part in parts] == ["./first", "~", "x.py"] and not any("MPI_APPNUM" in note for note in job.notes)


@pytest.mark.parametrize("kind", ["pbs", "polaris", "lsf"])
def test_a_component_for_each_program(kind: str) -> None:
    job = made(SITES[kind], "2x4: ./second", ntasks=5, hetjob=True)
    parts = launch.parse(launch_line(job, job.steps[0]).replace(" \\\n", " "), "pals" if kind == "polaris" else "openmpi")
    assert [(part.ranks, part.argv, dict(part.env)["OMP_NUM_THREADS"]) for part in parts] == [
        (3, ("./first",), "1"), (2, ("./second",), "4"),
    ]  # fmt: skip
    PARSERS[kind](render(job))


def test_flattened_where_there_are_no_components() -> None:
    assert "add --flatten" in refused(SITES["gadi"], "2x4: ./second", ntasks=5, hetjob=True)
    job = made(SITES["gadi"], "2x4: ./second", ntasks=5, hetjob=True, flatten=True)
    assert [(c.ntasks, c.cpus_per_task) for c in job.components] == [(5, 4)]
    assert any("all ranks get 4 CPUs each: 9 CPUs more, 9 core-hours" in note for note in job.notes)


def test_ranks_that_were_not_counted() -> None:
    job = made(SLURM, "2: ./second", "3: ./second")
    assert job.components[0].ntasks == 6 and job.assumed["ntasks"] == "6 tasks"


def test_modules_of_python_and_of_mpi() -> None:
    site = {**SLURM, "modules": {"python": ["python/3"], "mpi": ["mpi/5"], "source": "x"}}
    assert made(site, "1: ./second").setup.modules == ("mpi/5",)
    assert made(site, "1: post.py").setup.modules == ("python/3", "mpi/5")
    assert made(site, "1: post.py", program="x.py").setup.modules == ("python/3",)


REFUSALS = [
    ("start with a number", ["./second"], {}), ("start with a number", ["0: ./second"], {}), ("start with a number",
     ["-1: x"], {}),
    ("names no program", ["2:  "], {}), ("no closing quotation", ["2: ./second 'x"], {}), ("begins with '-'", ["2: -x"], {}),
    ("its name is empty", ["2: ''"], {}), ("--ntasks 4 or more", ["3: ./second"], {"ntasks": 3}),
    ("add --hetjob", ["2x4: ./second"], {}), ("the first program is missing", ["2: ./second"], {"program": None}),
    ("only --workload mpi takes this option", ["2: ./second"], {"workload": "serial"}), ("equal: name other", [],
     {"hetjob": True}),
    ("its own nodes", ["2: ./second"], {"hetjob": True, "nodes": 2}), ("unclear which program", ["2: x"], {"hetjob": True,
     "gpus": "2"}),
]  # fmt: skip


@pytest.mark.parametrize("why, mpmd, asked", REFUSALS, ids=[f"{why} {i}" for i, (why, *_) in enumerate(REFUSALS)])
def test_refusals(why: str, mpmd: List[str], asked: Dict[str, Any]) -> None:
    assert why in refused(SLURM, *mpmd, **asked)


def test_too_many_words() -> None:
    with pytest.raises(HpcgenError, match="together must be shorter"):
        render(made(SLURM, *[f"1: ./second {'x' * 60_000}"] * 3))


@pytest.mark.parametrize("launcher", ["gerun", "ibrun", "ccc_mprun"])
def test_launchers_of_one_program(launcher: str) -> None:
    assert launchers.get(launcher).rank is None
    site = {**SLURM, "mpi": {"launcher": launcher, "source": "x"}}
    assert f"{launcher} at stub" in refused(site, "2: ./second")


def test_its_lines_are_explained_and_its_ways_compared() -> None:
    request = flags(workload="mpi", program="./first", mpmd=["2: ./second"], account="nesi99999", ntasks=6)
    lines = {line.text.strip(): [str(origin) for origin in line.origins] for line in explain(plan(load("mahuika"), request))}
    assert lines["exec ./second"] == lines["exec ./first"] != []
    ways = {way.request: way.why for way in compare(load("mahuika"), checked(request.request))}
    assert ways["with --hetjob"] is None
