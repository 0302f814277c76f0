"""dask-jobqueue's own classes, made from what hpcgen exports, on real schedulers: two jobs that compute and end."""
from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import needs

needs.or_skip()

from hpcgen import load  # noqa: E402

from . import bed, cases, from_site, mpi, slurm  # noqa: E402

PROGRAM = cases.PROGRAMS / "jobqueue_program.py"
ENV = {"PYTHONPATH": str(bed.CHECKOUT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
ASKED = {"workers": 2, "cpus_per_worker": 3, "mem": "6G", "time": "5m", "partition": "debug", "account": "hpcapps"}
SUM = sum(number * number for number in range(100))


def flags(asked: dict[str, Any]) -> list[str]:
    return [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def exported(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "hpcgen", "dask-jobqueue", *words], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **ENV})
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
    subnets = {address.partition("//")[2].rsplit(".", 1)[0] for address in (seen["scheduler"], *(one["address"] for one in workers))}
    on_ib0 = up.run(["ip", "-brief", "-4", "address", "show", "ib0"]).stdout.split()[2].rsplit(".", 1)[0]
    assert subnets == {on_ib0}
    assert {one["folder"].rsplit("/dask-scratch", 1)[0] for one in workers} == {"/tmp/scratch"}
    told = {(one["Partition"], one["TimeLimit"], one["NumCPUs"], one["NumTasks"], one["CPUs/Task"], one["MinMemoryNode"], one["JobName"], one["Account"])
            for one in held(up, seen)}
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
