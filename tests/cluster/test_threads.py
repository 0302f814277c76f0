"""Scheduler and client on one core's two hardware threads: what real Slurm allocates for the generated scripts."""
from __future__ import annotations

import dataclasses
import re

import pytest

from hpcgen import Request, plan, render
from hpcgen.base.units import Time
from hpcgen.profiles.load import decode

from . import bed, needs, slurm
from .shape import Host, Node, Partition, Shape

NODE = Node(cores=8, threads=2, memory=16_000)
HOSTS = (Host("ht001", NODE), Host("ht002", NODE))  # Slurm puts no two components on one
SHAPE = Shape("threads", HOSTS, (Partition("all", ("ht001", "ht002"), default=True),), mpi_default="none")
SITE = {
    "name": "Threads", "operator": "tests", "country": "NZ", "status": "active",
    "sources": {"x": {"title": "test", "url": "https://x", "date": "2026-01-01"}},
    "scheduler": {"type": "slurm", "source": "x"},
    "mpi": {"launcher": "srun", "pmi": "none", "source": "x"},
    "python": "python3",
    "cpu": {"unit": "thread", "source": "x"},
    "nodes": {"node": {"cores": 8, "threads_per_core": 2, "mem": "16000M", "source": "x"}},
}  # fmt: skip
PROGRAM = (
    "import os\n"
    'print("rank", os.environ["SLURM_PROCID"], os.environ.get("SLURM_CPU_BIND_LIST"), '
    'os.environ["SLURM_LOCALID"], flush=True)\n'
)
SELECT = {"a thread for each task": "CR_Core_Memory", "a core for each task": "CR_Core_Memory,CR_ONE_TASK_PER_CORE"}


@pytest.fixture(scope="module", params=SELECT)
def up(request):
    needs.or_skip()
    word = "one" if "ONE_TASK" in SELECT[request.param] else "each"
    miniature = bed.Miniature(
        dataclasses.replace(SHAPE, name=f"threads-{word}", slurm={"SelectTypeParameters": SELECT[request.param]})
    )
    yield miniature.up()
    miniature.down()


def first(up, name, unit="thread", **asked):
    """CPUs allocated to scheduler and client, their numbers as Slurm has them, their memory, what the ranks were bound to."""
    site = decode("threads", {**SITE, "cpu": {"unit": unit, "source": "x"}}, "threads.toml")
    folder = up.workdir(name)
    (folder / "where.py").write_text(PROGRAM)
    request = Request(program="where.py", hetjob=True, plain=True, workers=2, cpus_per_worker=2, time=Time(300), **asked)
    (folder / "job.sh").write_text(render(plan(site, request)).replace("python where.py", "python3 where.py"))
    done = slurm.run(up, "job.sh", cwd=str(folder), seconds=120).completed()
    small = re.match(r"cpu=(\d+),mem=(\w+)", done.records[0]["TRES"])
    detail = up.run(["scontrol", "show", "job", "--details", done.number]).stdout
    masks = {}
    for rank, mask, local in re.findall(r"^rank (\d+) (\S+) (\d+)$", done.output, re.MULTILINE):
        masks[int(rank)] = int(mask.split(",")[int(local)], 16)
    assert set(masks) == {0, 1, 2, 3}, done.output
    return int(small[1]), re.search(r"CPU_IDs=(\S+)", detail)[1], small[2], masks


def cores(mask):
    """The cores that have a thread in the mask: Linux numbers all first threads, then the second ones."""
    return {cpu % NODE.cores for cpu in range(NODE.cpus) if mask >> cpu & 1}


def test_two_idle_ranks_have_one_core(up):
    cpus, numbers, memory, masks = first(up, "shared")
    assert (cpus, numbers, memory) == (2, "0-1", "2G")
    assert cores(masks[0]) == cores(masks[1]) and len(cores(masks[0])) == 1 and not masks[0] & masks[1]


def test_or_a_core_each(up):
    cpus, numbers, memory, masks = first(up, "apart", share_core=False)
    assert (cpus, numbers, memory) == (4, "0-3", "2G")
    assert not cores(masks[0]) & cores(masks[1])


def test_asked_for_where_a_cpu_is_a_core(up):
    cpus, numbers, _, masks = first(up, "asked", unit="core", share_core=True)
    assert (cpus, numbers) == (2, "0-1")
    assert cores(masks[0]) == cores(masks[1]) and not masks[0] & masks[1]
