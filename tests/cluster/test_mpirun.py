"""Jobs whose processes an MPI's own mpirun starts, over the hosts of a miniature: ranks in images; Ray and torchrun,
one process a node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from . import needs

needs.or_skip()

from hpcgen.profiles.site import Site  # noqa: E402

from . import bed, checks, daskbed, frameworks, images, net, slurm, test_ray  # noqa: E402
from .examples import hosts, names  # noqa: E402
from .shape import Module, Node, Partition, Shape  # noqa: E402

PROGRAM = daskbed.PROGRAMS / "image_program.py"
X = {"source": "x"}
HOSTS = hosts("m", 2, Node(sockets=2, cores=8, memory=16_000))
SHAPE = Shape(
    name="test-mpirun",
    hosts=HOSTS,
    partitions=(Partition("all", names(HOSTS), default=True),),
    interface="ib0",
    modules=tuple(Module(kind, kind) for kind in daskbed.FLAVOURS),
    folders=("/data",),
)
MPIRUN = {"impi": "mpirun", "mpich": "mpiexec", "openmpi": "mpirun"}
LIBRARY = {"impi": "Intel(R)", "mpich": "MPICH", "openmpi": "Open"}
# Starts Open MPI's daemons, and as ssh does hands none of the script's own variables on.
AGENT = """#!/bin/bash
unset ${!HPCGEN_@} ${!APPTAINER_@} ${!RAY_@}
exec srun --overlap --mpi=none --nodes=1 --ntasks=1 --nodelist="$1" bash -c "unset SLURM_PROCID; ${*:2}"
"""


@pytest.fixture(scope="module")
def up() -> Iterator[bed.Miniature]:
    one = bed.Miniature(SHAPE).up()
    yield one
    one.down()


def site(up: bed.Miniature, kind: str, **more: Any) -> Site:
    """A site that starts MPI by this one's mpirun; Open MPI's daemons by the agent."""
    agent = up.home / "agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    options = ["--prtemca", "plm", "ssh", "--prtemca", "plm_ssh_agent", str(agent)] if kind == "openmpi" else []
    tables = {
        "modules": {"purge": "purge", "python": [kind], "mpi": [kind], "container": [], **X},
        "mpi": {"flavour": daskbed.FLAVOURS[kind], "launcher": MPIRUN[kind], "options": options, **X},
        "nodes": {"node": {"cores": 16, "mem": "16000M", **X}},
        "partitions": {"all": {"nodes": ["node"], "default": True, **X}},
    }
    return daskbed.site(kind, **{**tables, **more})


def job(up: bed.Miniature, name: str, kind: str, *args: str, seconds: float = 90, **request: Any) -> slurm.Job:
    """A job of two ranks on each of two hosts, in an image with this MPI; the host's mpirun comes from the modules for MPI."""
    place = up.workdir(name, PROGRAM)
    values = {
        "workload": "mpi",
        "program": PROGRAM.name,
        "args": args,
        "nodes": 2,
        "ntasks_per_node": 2,
        "mem": "1G",
        "time": "5",
    }
    (place / "job.sh").write_text(daskbed.script(site(up, kind), **values, image="my.sif", **request))
    (place / "input").write_text("")
    (place / "my.sif").symlink_to(images.of(kind))
    (up.disk("/data") / "there").write_text("")
    up.give(place)
    return slurm.run(up, "job.sh", cwd=str(place), seconds=seconds)


@pytest.mark.parametrize("kind", MPIRUN)
def test_ranks_in_an_image(up: bed.Miniature, kind: str) -> None:
    """One MPI_COMM_WORLD, each rank on CPUs of its own, and with it what is bound, what is staged and what was typed."""
    words = ["a b", "$(touch CANARY)", "it's", "*"]
    request = {"exclusive": True, "cpus_per_task": 4, "bind": ["/data"], "stage": ["input"], "env": {"BOUND": "/data"}}
    seen = checks.reports(job(up, f"ranks-{kind}", kind, *words, **request).completed().output)
    assert [(one["rank"], one["size"], one["host"]) for one in seen] == [
        (0, 4, "m001"),
        (1, 4, "m001"),
        (2, 4, "m002"),
        (3, 4, "m002"),
    ]
    assert {(one["mpi"], one["image"].rpartition("/")[2]) for one in seen} == {(LIBRARY[kind], "my.sif")}
    for one in seen:
        assert one["omp"] == {"OMP_NUM_THREADS": "4", "OMP_PLACES": "cores", "OMP_PROC_BIND": "close"} and len(one["cpus"]) == 4
        assert one["folders"] == {"HPCGEN_STAGED": ["input"], "BOUND": ["there"]} and one["argv"] == words
    assert len({(one["host"], cpu) for one in seen for cpu in one["cpus"]}) == 16


@pytest.mark.parametrize("kind", MPIRUN)
def test_status_of_a_rank_in_an_image(up: bed.Miniature, kind: str) -> None:
    assert job(up, f"exit-{kind}", kind, "exit", "3").records[0]["ExitCode"] == "3:0"


@pytest.mark.parametrize("kind", ["impi", "openmpi"])
def test_a_rank_that_crashes_in_an_image_ends_the_job(up: bed.Miniature, kind: str) -> None:
    """Killed, Apptainer leaves behind what mounts its image and has the rank's output, for whose end Intel's Hydra waits."""
    done = job(up, f"crash-{kind}", kind, "crash", "3")
    assert done.state == "FAILED" and len(checks.reports(done.output)) == 4


# --- one process a node

# What stands in the place of PBS' directives: Slurm itself would start a process on each node.
HEADER = """#!/bin/bash
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=16 --mem=0 --exclusive --time=5
export PBS_O_WORKDIR="$PWD"
"""


def by_node(up: bed.Miniature, kind: str, framework: str, **request: Any) -> slurm.Job:
    """The script of a site whose PBS gives two whole nodes, where this MPI's mpirun is to start a process on each."""
    program = daskbed.PROGRAMS / f"{framework}_program.py"
    place = up.workdir(framework, program)
    at = site(up, kind, scheduler={"type": "pbs", "whole_nodes": "always", **X}, modules={"mpi": [kind], **X})
    # Open MPI puts its own folder first on the PATH of its daemons, and the wheel's has a Python
    values = {
        "workload": frameworks.WORKLOADS[framework],
        "program": program.name,
        "python": f"{frameworks.venv(framework)}/bin/python",
    }
    text = daskbed.script(at, **values, nodes=2, time="5", **request)
    assert re.search(rf"^ *{MPIRUN[kind]} ", text, re.MULTILINE) and not re.search("^ *srun ", text, re.MULTILINE)
    (place / "job.sh").write_text(HEADER + text.partition("\n\n")[2])
    up.give(place)
    return slurm.run(up, "job.sh", cwd=str(place), seconds=150)


def test_ray_by_mpirun(up: bed.Miniature) -> None:
    """The token and the head's name reach the other node, and the program's status the job."""
    done = by_node(up, "openmpi", "ray", args=["3", "whole"], env={"RAY_enable_worker_prestart": "0"})
    assert done.records[0]["ExitCode"] == "3:0", done.output
    seen = test_ray.nodes(done.output)
    assert sorted(seen) == ["m001", "m002"] and test_ray.left(up) == []
    assert all(address.startswith(net.NETS[1]) and cpus == "16" for address, cpus, *_ in seen.values())
    assert test_ray.tasks(done.output) == [["m001", "m002"], [["16", 16]]]


@pytest.mark.skipif(not frameworks.ready("torch"), reason=frameworks.OPTIONAL["torch"])
def test_torchrun_by_mpirun(up: bed.Miniature) -> None:
    seen = checks.reports(by_node(up, "mpich", "torch", nproc_per_node=2).completed().output)
    assert [(one["rank"], one["size"], one["sum"]) for one in seen] == [(rank, 4, 6.0) for rank in range(4)]
    assert sorted(one["host"] for one in seen) == ["m001", "m001", "m002", "m002"]
    assert all(one["master"].startswith(net.NETS[1]) and one["interfaces"] == ["ib0", "ib0"] for one in seen)
    assert all((one["threads"], one["cpus"]) == (8, 16) for one in seen)
