"""dask-jobqueue's own classes, made from what hpcgen exports, on real schedulers: two jobs that compute and end."""
from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import needs

needs.or_skip()

from hpcgen import load  # noqa: E402

from . import bed, cases, examples, from_site, mpi, slurm  # noqa: E402
from .patience import LONGER  # noqa: E402
from .test_gridengine import COMPLEXES  # noqa: E402

GRID = """
name = "Grid"
operator = "tests"
country = "NZ"
status = "active"
[sources.x]
title = "the miniature"
url = "https://example.org"
read = 2026-11-21
[scheduler]
type = "sge"
source = "x"
[sge]
memory = "mem"
pe_one = "smp"
source = "x"
[modules]
python = ["mpi/impi"]
source = "x"
[shell]
shebang = "/bin/bash -l"
source = "x"
[mpi]
flavour = "intel"
launcher = "mpirun"
source = "x"
[network]
interface = "eth0"
source = "x"
[storage]
local = "$TMPDIR"
source = "x"
[nodes.node]
cores = 8
mem = "64G"
source = "x"
"""
PROGRAM = cases.PROGRAMS / "jobqueue_program.py"
ENV = {"PYTHONPATH": str(bed.CHECKOUT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
ASKED = {"workers": 2, "cpus_per_worker": 3, "mem": "6G", "time": "5m", "partition": "debug", "account": "hpcapps"}
SUM = sum(number * number for number in range(100))


def flags(asked: dict[str, Any]) -> list[str]:
    return [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def exported(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hpcgen", "dask-jobqueue", *words],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **ENV},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def eagle() -> Iterator[bed.Miniature]:
    """Its network, its conda, its partition of two hosts."""
    whole = from_site.shape(load("eagle"), hosts=2, conda_envs=("daskenv",))
    hosts = whole.hosts[:2]
    names = tuple(host.name for host in hosts)
    partitions = tuple(dataclasses.replace(one, hosts=names) for one in whole.partitions if one.name in ("debug", "short"))
    up = bed.Miniature(dataclasses.replace(whole, name="test-jobqueue", hosts=hosts, partitions=partitions)).up()
    yield up
    up.down()


def look(up: bed.Miniature, python: str, place: Path, *words: str, env: dict[str, str]) -> dict[str, Any]:
    up.give(place)
    done = up.run([python, PROGRAM.name, *words], cwd=str(place), env=env, check=False, seconds=240)
    if done.returncode:
        up.fail(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}", place)
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def held(up: bed.Miniature, seen: dict[str, Any]) -> list[dict[str, str]]:
    """The jobs as Slurm had them; each must have ended, by the cluster's closing."""
    records = [record for job in seen["jobs"] for record in slurm.wait(up, job, 30)]
    assert len(records) == 2
    assert {record["JobState"] for record in records} <= {"CANCELLED", "COMPLETED"}
    return records


def as_asked(up: bed.Miniature, seen: dict[str, Any]) -> None:
    assert seen["total"] == SUM
    workers = seen["workers"]
    assert len(workers) == 4
    assert {(one["threads"], one["memory"], one["env"]["OMP_NUM_THREADS"]) for one in workers} == {(3, 3 * 2**30, "1")}
    assert {one["env"]["SLURM_JOB_ID"] for one in workers} == set(seen["jobs"])
    # Eagle's fast network, for the workers and for the scheduler on the login host
    subnets = {
        address.partition("//")[2].rsplit(".", 1)[0] for address in (seen["scheduler"], *(one["address"] for one in workers))
    }
    on_ib0 = up.run(["ip", "-brief", "-4", "address", "show", "ib0"]).stdout.split()[2].rsplit(".", 1)[0]
    assert subnets == {on_ib0}
    assert {one["folder"].rsplit("/dask-scratch", 1)[0] for one in workers} == {"/tmp/scratch"}
    told = {
        (
            one["Partition"],
            one["TimeLimit"],
            one["NumCPUs"],
            one["NumTasks"],
            one["CPUs/Task"],
            one["MinMemoryNode"],
            one["JobName"],
            one["Account"],
        )
        for one in held(up, seen)
    }
    assert told == {("debug", "00:05:00", "6", "1", "6", "6G", "dask-worker", "hpcapps")}


@pytest.mark.parametrize("how", ["file", "snippet"])
def test_from_what_the_command_prints(eagle: bed.Miniature, how: str) -> None:
    """In an environment without hpcgen: Python of the miniature's conda."""
    place = eagle.workdir(f"jobqueue-{how}", PROGRAM)
    words = ["--site", "eagle", *flags(ASKED), "--conda", "daskenv"]
    python = str(mpi.venv("", "impi") / "bin/python")
    if how == "file":
        (place / "config").mkdir()
        (place / "config" / "eagle.yaml").write_text(exported(*words))
        what, env = "SLURMCluster", {"DASK_CONFIG": str(place / "config")}
    else:
        (place / "snippet.py").write_text(exported(*words, "--format", "python"))
        what, env = "snippet.py", {}
    seen = look(eagle, python, place, how, what, env=env)
    with eagle.explaining(place):
        as_asked(eagle, seen)
        assert {one["env"]["CONDA_DEFAULT_ENV"] for one in seen["workers"]} == {"daskenv"}
        # dask-jobqueue 0.9 has the number of a job's workers from its arguments alone; without, adapt() takes those that are
        # there for some that are still to come, and cancels their jobs first
        assert bool(seen["awaited"]) == (how == "file")


def test_live(eagle: bed.Miniature) -> None:
    """In the Python that has hpcgen, which the workers then run, too; logs go to a folder that was not there."""
    place = eagle.workdir("jobqueue-live", PROGRAM)
    asked = {**ASKED, "log_directory": "logs", "worker_args": ["--resources", "a=1 b=2"]}
    seen = look(eagle, sys.executable, place, "live", "eagle", json.dumps(asked), env=ENV)
    with eagle.explaining(place):
        as_asked(eagle, seen)
        assert {one["python"] for one in seen["workers"]} == {sys.executable}
        assert seen["awaited"] == []
        logs = sorted(path.name for path in (place / "logs").iterdir())
        assert logs == sorted(f"dask-worker-{job}.{kind}" for job in seen["jobs"] for kind in ("err", "out"))


def test_adapts_with_several_workers_a_job(eagle: bed.Miniature) -> None:
    """What dask-jobqueue 0.9 cannot do where it has the number of workers from a file alone: see the note of the export."""
    place = eagle.workdir("jobqueue-adapt", PROGRAM)
    seen = look(eagle, sys.executable, place, "live", "eagle", json.dumps(ASKED), "--adapt", env=ENV)
    with eagle.explaining(place):
        assert seen["total"] == SUM and 1 <= len(seen["jobs"]) <= 2


def test_from_inside_a_job(eagle: bed.Miniature) -> None:
    """A notebook's job has variables that are stronger than directives; the workers' jobs must not have them."""
    place = eagle.workdir("jobqueue-inside", PROGRAM)
    (place / "outer.sh").write_text(f"""#!/bin/bash
#SBATCH --partition=short --time=00:20:00 --ntasks=1 --mem-per-cpu=500M
export SBATCH_TIMELIMIT=11 SBATCH_JOB_NAME=not-this SBATCH_EXCLUSIVE=user
{sys.executable} {PROGRAM.name} live eagle '{json.dumps(ASKED)}'
""")
    eagle.give(place)
    done = slurm.run(eagle, "outer.sh", cwd=str(place), env=ENV, seconds=200).completed()
    seen = json.loads(next(line for line in done.output.splitlines() if line.startswith("{")))
    with eagle.explaining(place):
        as_asked(eagle, seen)


@pytest.fixture(scope="module")
def grid() -> Iterator[bed.Miniature]:
    """A Grid Engine whose sites count memory by a resource of their own, for each slot."""
    up = bed.Miniature(dataclasses.replace(examples.GRID, name="test-jobqueue-grid")).up()
    try:
        file = up.folder / "run" / "complexes"
        file.write_text(up.run(["qconf", "-sc"]).stdout + COMPLEXES)
        up.run(["qconf", "-Mc", str(file)], user="root")
        for host in ("node001", "node002"):
            up.run(["qconf", "-mattr", "exechost", "complex_values", "mem=64G", host], user="root")
        yield up
    finally:
        up.down()


@pytest.mark.parametrize("how", ["file", "live"])
def test_grid_engine(grid: bed.Miniature, how: str) -> None:
    place = grid.workdir(f"jobqueue-sge-{how}", PROGRAM)
    profile = place / "grid.toml"
    profile.write_text(GRID)
    asked: dict[str, Any] = {"workers": 2, "cpus_per_worker": 3, "mem": "6G", "time": "5m"}
    if how == "file":
        (place / "config").mkdir()
        (place / "config" / "sge.yaml").write_text(exported("--site", str(profile), *flags(asked), "--python", "python"))
        python, words = str(mpi.venv("", "impi") / "bin/python"), ("file", "SGECluster")
        env = {"DASK_CONFIG": str(place / "config")}
    else:
        python, words, env = sys.executable, ("live", str(profile), json.dumps(asked)), ENV
    seen = look(grid, python, place, *words, env=env)
    with grid.explaining(place):
        assert seen["total"] == SUM and len(seen["jobs"]) == 2 and len(seen["workers"]) == 4
        workers = seen["workers"]
        assert {one["env"]["JOB_ID"] for one in workers} == set(seen["jobs"])
        assert {(one["threads"], one["memory"], one["env"]["NSLOTS"]) for one in workers} == {(3, 3 * 2**30, "6")}
        # Grid Engine makes a folder for each job, of which the login host knows nothing
        assert {one["folder"].partition("/dask-scratch")[0] for one in workers} == {one["env"]["TMPDIR"] for one in workers}
        assert {one["env"]["TMPDIR"] for one in workers} == {f"/tmp/{job}.1.all.q" for job in seen["jobs"]}
        assert {one["cwd"] for one in workers} == {str(place)}
        for told in seen["told"]:
            asked_for = sorted(re.search(r"hard resource_list: +(\S+)", told)[1].split(","))
            assert asked_for == ["h_rt=300", "mem=1G"] and re.search(r"parallel environment: +smp range: 6\n", told), told
        gone(grid, seen["jobs"])


def gone(up: bed.Miniature, jobs: list[str]) -> None:
    """The cluster's closing has deleted its jobs."""
    deadline = time.monotonic() + 30 * LONGER
    while any(job in up.run(["qstat"]).stdout for job in jobs):
        assert time.monotonic() < deadline, "jobs are left in the queue"
        time.sleep(0.5)
