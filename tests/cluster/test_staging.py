"""What is staged is on every host of a job, plain and heterogeneous, before its ranks start, and gone after it."""
from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path

import pytest

from hpcgen import load, plan, render
from hpcgen.request import Layer, merge

from . import bed, from_site, needs, slurm

PROGRAM = Path(__file__).parent / "programs" / "stage_program.py"
STAGED = ("data.tar.gz", "in: put", "./c.txt")
PLAIN = {"workload": "mpi", "nodes": 2, "ntasks": 6, "ntasks_per_node": 3, "cpus_per_task": 2}
HETJOB = {"hetjob": True, "plain": True, "exclusive": True, "workers": 3, "cpus_per_worker": 2, "scheduler_cpus": 1}


@pytest.fixture(scope="module")
def up():
    needs.or_skip()
    up = bed.Miniature(dataclasses.replace(from_site.shape(load("mahuika"), hosts=2), name="test-staging")).up()
    yield up
    up.down()


def prepared(up, name, **asked):
    folder = up.workdir(name, PROGRAM)
    (folder / "in: put").mkdir()
    (folder / "in: put" / "b.txt").write_text("b of a folder")
    (folder / "c.txt").write_text("c alone")
    (folder / "c.txt").chmod(0o755)
    with tarfile.open(folder / "data.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("inner/a.txt")
        member.size = 15
        archive.addfile(member, io.BytesIO(b"a of an archive"))
    values = {"account": "nesi99999", "time": "5m", "mem_per_cpu": "512M", "stage": STAGED, "program": PROGRAM.name, **asked}
    job = plan(load("mahuika"), merge([Layer("flag", "command line", values, strict=False)]))
    (folder / "job.sh").write_text(render(job))
    up.give(folder)
    return folder


def left(up, folder):
    """What is in /tmp of both hosts, and has our name."""
    call = ["srun", "-A", "nesi99999", "-N2", "-n2", "--ntasks-per-node=1", "-t", "1", "sh", "-c", "ls -d /tmp/hpcgen-* || :"]
    return [line for line in up.run(call, cwd=str(folder)).stdout.splitlines() if line.startswith("/tmp/hpcgen-")]


@pytest.mark.parametrize("name, asked, ranks", [("plain", PLAIN, 6), ("hetjob", HETJOB, 5)])
def test_every_host_has_it(up, name, asked, ranks):
    folder = prepared(up, name, **asked)
    with up.explaining(folder):
        done = slurm.run(up, "job.sh", cwd=str(folder)).completed()
        seen = [line.split("|")[2:] for line in done.output.splitlines() if line.startswith("staged|")]
        assert len(seen) == ranks and len({host for host, *_ in seen}) == 2, done.output
        assert {tuple(rest) for _, _, *rest in seen} == {("0o700", "True", "a of an archive", "b of a folder", "c alone")}
        assert len({place for _, place, *_ in seen}) == 1 and left(up, folder) == []


def test_what_is_not_there_ends_the_job(up):
    folder = prepared(up, "missing", **PLAIN)
    (folder / "data.tar.gz").unlink()
    done = slurm.run(up, "job.sh", cwd=str(folder))
    assert "staging on" in done.output and "staged|" not in done.output
    assert {one["JobState"] for one in done.records} == {"FAILED"} and left(up, folder) == []
