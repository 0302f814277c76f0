"""torchrun's processes over the hosts of a miniature, by PyTorch's CPU build and Gloo."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import frameworks, needs

needs.or_skip()
if not frameworks.ready("torch"):
    pytest.skip(frameworks.OPTIONAL["torch"], allow_module_level=True)

from . import bed, checks, net, slurm  # noqa: E402
from .patience import allowed  # noqa: E402

PROGRAM = Path(__file__).parent / "programs" / "torch_program.py"


@pytest.fixture(scope="module")
def up() -> Iterator[bed.Miniature]:
    one = bed.Miniature(frameworks.shape("torchrun")).up()
    yield one
    one.down()


def job(up: bed.Miniature, name: str, *args: str, **request: Any) -> slurm.Job:
    place = up.workdir(name, PROGRAM)
    script = frameworks.script("torch", workload="torchrun", program=PROGRAM.name, args=args, **request)
    (place / "job.sh").write_text(script)
    up.give(place)
    return slurm.run(up, "job.sh", cwd=str(place), seconds=120)


def test_over_three_hosts(up: bed.Miniature) -> None:
    done = job(up, "three", "--lr", "a b", nodes=3, nproc_per_node=2, cpus_per_task=4, mem="2G").completed()
    seen = checks.reports(done.output)
    assert [(one["rank"], one["size"], one["sum"]) for one in seen] == [(rank, 6, 15.0) for rank in range(6)]
    assert sorted(one["host"] for one in seen) == sorted(2 * list(up.hosts_of(done.records[0]["NodeList"])))
    for one in seen:
        assert one["master"].startswith(net.NETS[1]) and one["interfaces"] == ["ib0", "ib0"]
        assert (one["threads"], one["cpus"], one["argv"]) == (2, 4, ["--lr", "a b"])


@pytest.mark.parametrize("asked", [{"exclusive": True}, {"partition": "whole"}], ids=["exclusive", "whole"])
def test_nodes_of_ones_own(up: bed.Miniature, asked: dict[str, Any]) -> None:
    """Unasked, all CPUs of each host, shared out among its processes, and all its memory."""
    done = job(up, "own", nodes=2, nproc_per_node=2, **asked).completed()
    cpus, mib = frameworks.NODE
    seen = [(one["size"], one["cpus"], one["threads"], one["rss_mib"]) for one in checks.reports(done.output)]
    assert seen == [(4, cpus, cpus // 2, mib)] * 4
    assert done.records[0]["TRES"].startswith(f"cpu={2 * cpus},mem={2 * mib >> 10}G,node=2,")


def test_where_the_interface_is_missing(up: bed.Miniature) -> None:
    """The name's address serves, and NCCL is not told of what is not there."""
    done = job(up, "eth", nodes=2, nproc_per_node=1, mem="1G", interface="ib7").completed()
    seen = checks.reports(done.output)
    assert [(one["size"], one["interfaces"]) for one in seen] == [(2, [None, None])] * 2


def test_two_jobs_on_the_same_hosts(up: bed.Miniature) -> None:
    script = frameworks.script("torch", workload="torchrun", program=PROGRAM.name, nodes=3, nproc_per_node=1, mem="1G")
    place = up.workdir("two", PROGRAM)
    (place / "job.sh").write_text(script)
    up.give(place)
    numbers = [slurm.submit(up, "job.sh", cwd=str(place)) for _ in range(2)]
    done = [slurm.Job(up, number, slurm.wait(up, number), 0) for number in numbers]
    assert [len(checks.reports(one.completed().output)) for one in done] == [3, 3]
    assert done[0].records[0]["NodeList"] == done[1].records[0]["NodeList"]


def test_on_one_node(up: bed.Miniature) -> None:
    seen = checks.reports(job(up, "one", nproc_per_node=3, cpus_per_task=3, mem="1G").completed().output)
    assert [(one["rank"], one["size"]) for one in seen] == [(rank, 3) for rank in range(3)]


def test_self_check(up: bed.Miniature) -> None:
    place = up.workdir("check")
    (place / "job.sh").write_text(frameworks.script("torch", workload="torchrun", nodes=2, nproc_per_node=2, mem="1G"))
    up.give(place)
    done = slurm.run(up, "job.sh", cwd=str(place)).completed()
    assert "gloo sum 10 of 10" in done.output and done.output.count("interface ib0") == 4


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_process_that_fails_ends_the_job(up: bed.Miniature, nodes: int) -> None:
    """torchrun says which and with what status, and the job has this status; torchrun's own would be 1."""
    done = job(up, f"fail{nodes}", "fail", "3", nodes=nodes, nproc_per_node=2, mem="1G")
    assert done.records[0]["ExitCode"] == "3:0" and done.seconds < allowed(60)
    assert "exitcode  : 3" in done.output
