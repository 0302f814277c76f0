"""Limits are inclusive: the most (or the least) that a rule lets pass does pass, and one more is refused by that rule."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

import msgspec
import pytest
from tiny import TABLES, site

from hpcgen import Job, LimitError, plan, render
from hpcgen.planning import limits
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, merge
from hpcgen.script.submit import scripted

Table = Dict[str, Any]


class Edge(NamedTuple):
    """A rule, what a site's one partition says, requests on both sides of the limit, words of the refusal; other tables."""

    rule: str
    partition: Table
    passes: Table
    refused: Table
    words: str
    more: Table = {}


def mpi(**asked: Any) -> Table:
    return {"workload": "mpi", "program": "x", "mem": "1G", **asked}


def array(indices: str) -> Table:
    return {"workload": "serial", "program": "x", "array": indices}


def counted(number: int) -> Table:
    return {"nodes": {"thin": {**TABLES["nodes"]["thin"], "count": number}}}


GPUS = {"nodes": ["gpu"]}
BINS = [{"cpus": 8, "max_time": "4h"}, {"cpus": 16, "max_time": "1h"}]
EDGES = [
    Edge("time_over", {"max_time": "4h"}, mpi(time="4h"), mpi(time="4:00:01"), "allows 04:00:00"),
    Edge("time_over", {"bins": BINS}, mpi(ntasks=8, nodes=1, time="4h"), mpi(ntasks=9, nodes=1, time="4h"),
         "16 CPUs, .* allows 01:00:00"),
    Edge("time_under", {"min_time": "1h"}, mpi(time="1h"), mpi(time="0:59:59"), "is for 01:00:00 and more"),
    Edge("nodes_over", {"max_nodes": 4}, mpi(nodes=4), mpi(nodes=5), "allows 4 a job"),
    Edge("nodes_over", {}, mpi(nodes=4), mpi(nodes=5), "one has 4", counted(4)),
    Edge("nodes_under", {"min_nodes": 2}, mpi(nodes=2), mpi(nodes=1), "is for 2 nodes and more"),
    Edge("cpus_over", {"max_cpus": 8}, mpi(ntasks=4, nodes=1, cpus_per_task=2), mpi(ntasks=9, nodes=1), "9 CPUs .* allows 8"),
    Edge("gpus_over", {**GPUS, "max_gpus": 2}, mpi(nodes=1, gpus_per_node="2"), mpi(nodes=2, gpus_per_node="2"),
         "4 GPUs: .* allows 2"),
    Edge("more_than_there_is", {}, mpi(ntasks=32), mpi(ntasks=33), "33 CPUs .* has 32", counted(2)),
    Edge("cpus_beside_gpus", {**GPUS, "cpus_per_gpu": 8}, mpi(ntasks=1, gpus="1", cpus_per_task=8),
         mpi(ntasks=1, gpus="1", cpus_per_task=9), "gives 8 CPUs a GPU"),
    Edge("node_too_small", {}, mpi(cpus_per_task=16), mpi(cpus_per_task=17), "17 CPUs on a node: it has 16"),
    Edge("node_too_small", {}, mpi(mem="64G", nodes=1), mpi(mem="65G", nodes=1), "65G of memory on a node: jobs get 64G"),
    Edge("node_too_small", GPUS, mpi(gpus="2", nodes=1), mpi(gpus="3", nodes=1), "3 GPUs on a node: it has 2"),
    Edge("partition_memory", {"max_mem": "12G"}, mpi(mem="12G", nodes=1), mpi(mem="13G", nodes=1), "allows 12G"),
    Edge("node_hours_over", {}, mpi(nodes=2, time="1h"), mpi(nodes=3, time="1h"), "allows 2 node-hours",
         {"limits": {"max_node_time": "2h", "source": "docs"}}),
    Edge("node_hours_over", {}, mpi(ntasks=2, time="1h"), mpi(ntasks=3, time="1h"), "allows 2 CPU-hours",
         {"limits": {"max_cpu_time": "2h", "source": "docs"}}),
    Edge("array_over", {}, array("0-100"), array("0-101"), "takes indices below 101"),
    Edge("array_too_many", {"array_jobs": 5}, array("1-5"), array("1-6"), "these are 6 jobs"),
    Edge("array_too_many", {}, array("1-10:2"), array("1-10:2,15"), "these are 6 jobs", {"scheduler": {"array_jobs": 5}}),
    Edge("array_at_once", {"array_at_once": 5}, array("1-9%5"), array("1-9%6"), "lets 5 through"),
]  # fmt: skip


def planned(at: Site, asked: Table) -> Job:
    return plan(at, merge([Layer("flag", "command line", {"partition": "one", **asked}, strict=False)]))


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.rule}: {edge.words}")
def test_what_is_at_a_limit_passes_and_one_more_does_not(edge: Edge) -> None:
    at = site(partitions={"one": {"nodes": ["thin"], "source": "docs", **edge.partition}}, **edge.more)
    assert planned(at, edge.passes).components[-1].partition == "one"
    with pytest.raises(LimitError, match=edge.words):
        planned(at, edge.refused)


def test_every_rule_has_an_edge() -> None:
    assert {rule.__name__ for rule in limits.RULES} == {edge.rule for edge in EDGES}


def test_a_script_as_long_as_the_scheduler_takes() -> None:
    job = plan(site(scheduler={"script_max_kib": 2}), merge([Layer("file", "job.toml", mpi())]))
    short = len(render(job))
    fits = msgspec.structs.replace(job, comment="x" * (2048 - short - len("#SBATCH --comment=\n")))
    assert len(scripted(fits)) == 2048
    with pytest.raises(LimitError, match="2049 bytes"):
        scripted(msgspec.structs.replace(fits, comment=f"{fits.comment}x"))


@pytest.mark.parametrize("auto", [True, False])
def test_only_partitions_of_the_automatic_choice_are_advised(auto: bool) -> None:
    long = {"nodes": ["thin"], "max_time": "3-00:00:00", "auto": auto, "source": "docs"}
    with pytest.raises(LimitError) as caught:
        planned(site(partitions={"long": long}), mpi(partition="short", time="2-0"))
    assert ("or for --partition long" in str(caught.value)) is auto
