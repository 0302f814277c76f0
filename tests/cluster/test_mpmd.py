"""Several programs in one MPI_COMM_WORLD: each rank runs its own, with its own words, by three MPIs and two
kinds of launcher."""
from __future__ import annotations

from typing import Any

import pytest

from . import bed, checks, daskbed, mpi, needs, slurm

# Words that a shell, srun's --multi-prog file or a launcher would take for something else.
WORDS = ["a b", "", ":", "$HOME", "it's", '"', "%t", "\\", "a\n#SBATCH -n 99\n\nb", "*"]
SECOND = "second.py 'a b' '' : '$HOME' \"it's\" '\"' %t '\\' 'a\n#SBATCH -n 99\n\nb' '*'"
BASE = {"workload": "mpi", "program": "first.py", "args": ["one"], "time": "5", "mem_per_cpu": "512M"}
LAUNCHERS = {"impi": "mpirun", "mpich": "mpiexec", "openmpi": "mpirun"}


@pytest.fixture(scope="module")
def up():
    needs.or_skip()
    miniature = bed.Miniature(daskbed.SHAPE)
    yield miniature.up()
    miniature.down()


def started(up: bed.Miniature, name: str, at: Any, **asked: Any) -> list[checks.Rank]:
    """What each rank says of itself, once all have heard from all."""
    place = daskbed.folder(up, name, daskbed.script(at, **{**BASE, **asked}))
    text = (daskbed.PROGRAMS / "mpi_program.py").read_text()
    for program in ("first.py", "second.py", "third.py"):
        (place / program).write_text(text)
    (place / "facts.py").write_text((daskbed.PROGRAMS / "facts.py").read_text())
    up.give(place)
    with up.explaining(place):
        done = slurm.run(up, "job.sh", cwd=str(place), seconds=90).completed()
        seen = checks.reports(done.output)
        total = sum(range(len(seen)))
        assert seen and {(one["size"], one["total"]) for one in seen} == {(len(seen), total)}, done.output
    return seen


def programs(seen: list[checks.Rank]) -> list[list[str]]:
    return [one["argv"] for one in seen]


FIRST, OTHER, THIRD = ["first.py", "one"], ["second.py", *WORDS], ["third.py"]


@pytest.mark.parametrize("kind", mpi.KINDS)
def test_each_rank_of_srun_is_its_own_program(up, kind):
    asked = {"ntasks": 6, "nodes": 2, "ntasks_per_node": 3, "cpus_per_task": 2, "mpmd": [f"2: {SECOND}", "1: third.py"]}
    seen = started(up, f"srun-{kind}", daskbed.site(kind), **asked)
    assert programs(seen) == [FIRST] * 3 + [OTHER] * 2 + [THIRD]
    assert {len(one["cpus"]) for one in seen} == {2} and len({one["appnum"] for one in seen}) == 1


@pytest.mark.parametrize("kind", mpi.KINDS)
@pytest.mark.parametrize("spread", [True, False], ids=["nodes", "anywhere"])
def test_each_rank_of_mpiexec_is_its_own_program(up, kind, spread):
    at = daskbed.site(kind, mpi={"flavour": daskbed.FLAVOURS[kind], "launcher": LAUNCHERS[kind], "source": "x"})
    whole = {"nodes": 2, "ntasks_per_node": 3, "cpus_per_task": 2, "exclusive": True, "mem_per_cpu": None}
    nodes = whole if spread else {}
    seen = started(up, f"mpiexec-{kind}-{spread}", at, ntasks=6, mpmd=[f"2: {SECOND}", "1: third.py"], **nodes)
    assert programs(seen) == [FIRST] * 3 + [OTHER] * 2 + [THIRD]
    if spread:
        assert [one["host"] for one in seen] == [seen[0]["host"]] * 3 + [seen[3]["host"]] * 3
    # where the launch line names the programs, MPI knows them apart
    assert [one["appnum"] for one in seen] == ([0] * 6 if kind == "openmpi" and spread else [0, 0, 0, 1, 1, 2])


@pytest.mark.parametrize("kind", mpi.KINDS)
def test_each_component_is_its_own_program(up, kind):
    asked = {"hetjob": True, "ntasks": 4, "cpus_per_task": 2, "mpmd": [f"1x4: {SECOND}", "1: third.py"]}
    seen = started(up, f"het-{kind}", daskbed.site(kind), **asked)
    assert programs(seen) == [FIRST] * 2 + [OTHER, THIRD]
    assert [(len(one["cpus"]), one["threads"]) for one in seen] == [(2, "2"), (2, "2"), (4, "4"), (2, "2")]
    assert len({one["host"] for one in seen}) == 3
