"""Every script of the gallery, byte for byte, on a miniature of its site: submitted, run to the end, and looked at."""
from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from . import needs

needs.or_skip()

from hpcgen import load, render  # noqa: E402
from hpcgen.model.job import Job  # noqa: E402
from hpcgen.script.submit import log_folders  # noqa: E402

from . import bed, cases, checks, net, report, slurm  # noqa: E402
from .cases import CASES, Case  # noqa: E402

EVERY = [(suite, case) for suite in cases.EVERYWHERE for case in CASES]


class Beds:
    """One miniature at a time: a site's cases follow one another."""

    def __init__(self) -> None:
        self.key: tuple[str, str] = ("", "")
        self.up: bed.Miniature | None = None

    def get(self, site: str, suite: str) -> bed.Miniature:
        if (site, suite) != self.key:
            self.down()
            self.up = bed.Miniature(cases.shape(site, suite)).up()
            self.key = (site, suite)
        assert self.up
        return self.up

    def down(self) -> None:
        if self.up:
            self.up.down()
        self.up, self.key = None, ("", "")


@pytest.fixture(scope="module")
def beds() -> Iterator[Beds]:
    one = Beds()
    yield one
    one.down()


def folder(up: bed.Miniature, case: Case, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder: the script, its programs, and the folders of logs as `hpcgen submit` makes them."""
    made = up.workdir(case.name)
    case.script(made)
    cases.furnish(up, case, made)
    monkeypatch.chdir(made)
    list(log_folders(case.plan()))
    up.give(made)
    return made


@pytest.mark.parametrize("suite, case", EVERY, ids=[f"{case.id}-{report.VERSIONS[suite]}" for suite, case in EVERY])
def test_case(beds: Beds, suite: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run to the end, or, where that needs what this Slurm has not, at least taken by its parser and scheduler."""
    up = beds.get(case.site, suite)
    place = folder(up, case, monkeypatch)
    if suite not in case.suites:
        answer = up.run(["sbatch", "--test-only", case.file], cwd=str(place))
        assert "to start at" in answer.stderr
        return report.note(suite, case, "parsed", 0)
    env = cases.own_python(up) if case.from_venv else None
    done = slurm.run(up, case.file, cwd=str(place), env=env, seconds=case.seconds)
    with up.explaining(place):
        look(up, case, done.completed())
    report.note(suite, case, "ran", done.seconds)


def look(up: bed.Miniature, case: Case, done: slurm.Job) -> None:
    job, site = case.plan(), load(case.site)
    checks.unchanged(job, done, render(job))
    checks.record(job, done)
    own = job.steps[0].commands[0].file is not None
    if job.array:
        return array(job, done)
    seen = checks.reports(done.output)
    if own:
        checks.everyone(job, done, seen)
        checks.cpus(job, done, seen)
        checks.memory(job, seen)
    elif job.workload == "mpi":
        checks.mpi_selfcheck(job, done)
    if job.workload == "dask-mpi":
        fast = site.network.interface in up.interfaces[1:]
        checks.workers(job, done, net.NETS[fast])
    if job.stage:
        staged(job, seen)
    if job.workload == "serial":
        checks.gpus(job, seen[0])


def staged(job: Job, seen: list[checks.Rank]) -> None:
    """Each rank's Python is in its own host's folder, and found the input there."""
    assert {one["env"]["KEPT_INPUT"] for one in seen} == {"some input"}
    (python,) = {one["env"]["KEPT_PYTHON"] for one in seen}
    assert job.stage and python.startswith(f"{job.stage.parent}/hpcgen-") and not os.path.exists(python)


def array(job: Job, done: slurm.Job) -> None:
    """Every index ran, did its share, and has its log."""
    first, last = (int(number) for number in (job.array or "").partition("%")[0].split("-"))
    assert sorted(int(one["ArrayTaskId"]) for one in done.records) == list(range(first, last + 1))
    for one in done.records:
        index = one["ArrayTaskId"]
        log = (job.output or "slurm-%A_%a.out").replace("%x", job.name).replace("%A", done.number).replace("%a", index)
        assert one["StdOut"].endswith(f"/{log}")
        text = Path(one["StdOut"]).read_text()
        if job.tasks and job.tasks.kind == "commands":
            assert text == f"command {index} is {index} on {one['NodeList']}\n"
            continue
        task, seen = dataclasses.replace(done, records=[one]), checks.reports(text)
        rows = rows_of(job, int(index))
        assert len(seen) == len(rows)
        for row, report_ in zip(rows, seen):
            assert report_["env"]["SLURM_ARRAY_TASK_ID"] == index
            checks.everyone(row, task, [report_])
            checks.cpus(row, task, [report_])
            checks.memory(row, [report_])


def rows_of(job: Job, index: int) -> list[Job]:
    """The job as it is for each row of a table that this index has; without a table the job itself."""
    if job.tasks is None:
        return [job]
    begin, step = (index - 1) * job.tasks.chunk, job.steps[0]
    numbers = range(begin + 1, min(begin + job.tasks.chunk, job.tasks.count) + 1)
    made = []
    for number in numbers:
        words = tuple(word.format(**cases.row(number)) for word in step.commands[0].args)
        command = msgspec.structs.replace(step.commands[0], args=words)
        made.append(msgspec.structs.replace(job, steps=(msgspec.structs.replace(step, commands=(command,)),)))
    return made
