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
    Edge("time_over", {"max_time": "4h"}, mpi(time="4h"), mpi(time="4:00:01"), "allows at most 04:00:00"),
    Edge("time_over", {"bins": BINS}, mpi(ntasks=8, nodes=1, time="4h"), mpi(ntasks=9, nodes=1, time="4h"),
         "for jobs of up to 16 CPUs, .* allows at most 01:00:00"),
    Edge("time_under", {"min_time": "1h"}, mpi(time="1h"), mpi(time="0:59:59"), "takes only jobs of 01:00:00 or longer"),
    Edge("nodes_over", {"max_nodes": 4}, mpi(nodes=4), mpi(nodes=5), "allows at most 4 nodes per job"),
    Edge("nodes_over", {}, mpi(nodes=4), mpi(nodes=5), "one has only 4 nodes", counted(4)),
    Edge("nodes_under", {"min_nodes": 2}, mpi(nodes=2), mpi(nodes=1), "takes only jobs of 2 nodes or more"),
    Edge("cpus_over", {"max_cpus": 8}, mpi(ntasks=4, nodes=1, cpus_per_task=2), mpi(ntasks=9, nodes=1),
         "--ntasks 9: .* 9 CPUs .* at most 8 CPUs per job"),
    Edge("gpus_over", {**GPUS, "max_gpus": 2}, mpi(nodes=1, gpus_per_node="2"), mpi(nodes=2, gpus_per_node="2"),
         "the job has 4 GPUs, .* at most 2 GPUs per job"),
    Edge("more_than_there_is", {}, mpi(ntasks=32), mpi(ntasks=33), "33 CPUs .* has 32 CPUs in all", counted(2)),
    Edge("cpus_beside_gpus", {**GPUS, "cpus_per_gpu": 8}, mpi(ntasks=1, gpus="1", cpus_per_task=8), mpi(ntasks=1, gpus="1",
         cpus_per_task=9),
         "9 CPUs with 1 GPU, .* gives 8 CPUs per GPU"),
    Edge("node_too_small", {}, mpi(cpus_per_task=16), mpi(cpus_per_task=17), "--cpus-per-task 17: .* has only 16 CPUs"),
    Edge("node_too_small", {}, mpi(mem="64G", nodes=1), mpi(mem="65G", nodes=1), "--mem 65G: .* has only 64G for jobs"),
    Edge("node_too_small", GPUS, mpi(gpus="2", nodes=1), mpi(gpus="3", nodes=1), "--gpus 3: .* has only 2 GPUs"),
    Edge("partition_memory", {"max_mem": "12G"}, mpi(mem="12G", nodes=1), mpi(mem="13G", nodes=1), "allows at most 12G"),
    Edge("node_hours_over", {}, mpi(nodes=2, time="1h"), mpi(nodes=3, time="1h"), "allows 2 node-hours",
         {"limits": {"max_node_time": "2h", "source": "docs"}}),
    Edge("node_hours_over", {}, mpi(ntasks=2, time="1h"), mpi(ntasks=3, time="1h"), "allows 2 CPU-hours",
         {"limits": {"max_cpu_time": "2h", "source": "docs"}}),
    Edge("array_over", {}, array("0-100"), array("0-101"), "takes only indices below 101"),
    Edge("array_too_many", {"array_jobs": 5}, array("1-5"), array("1-6"), "the array has 6 jobs, .* at most 5 "),
    Edge("array_too_many", {}, array("1-10:2"), array("1-10:2,15"), "the array has 6 jobs, .* at most 5 ",
         {"scheduler": {"array_jobs": 5}}),
    Edge("array_at_once", {"array_at_once": 5}, array("1-9%5"), array("1-9%6"), "runs at most 5 jobs"),
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
    assert (" or --partition long" in str(caught.value)) is auto


# Where a value of the user's becomes another number of a component, a refusal names the option that the user typed.
TYPED = [
    ({"cpus_per_worker": 40, "workers": 2}, "--cpus-per-worker 40: ", "use --cpus-per-worker 32"),
    ({"cpus_per_task": 40, "workers": 2}, "--cpus-per-task 40: ", "use --cpus-per-task 32"),
    ({"workers": 70, "partition": "short"}, "--workers 70: the job has 72 CPUs", "use --workers 62"),
    ({"ntasks": 70, "partition": "short"}, "--ntasks 70: the job has 70 CPUs", "use --ntasks 64"),
    ({"workers": 70, "hetjob": True, "partition": "short"}, "--workers 70: the job has 70 CPUs", "use --workers 64"),
    ({"workers": 40, "runner": "local"}, "--workers 40: ", "use --workers 32"),
    ({"workers": 2, "runner": "local", "cpus_per_worker": 20}, "--cpus-per-worker 20: ", "use --cpus-per-worker 16"),
    ({"hetjob": True, "scheduler_cpus": 64}, "--scheduler-cpus 64: ", "use --scheduler-cpus 32"),
    ({"hetjob": True, "scheduler_mem": "600G"}, "--scheduler-mem 600G: ", "use --scheduler-mem 512G"),
    ({"workload": "ray", "workers": 5, "partition": "short"}, "--workers 5: ", "use --workers 4"),
    ({"workload": "ray", "nodes": 5, "partition": "short"}, "--nodes 5: ", "use --nodes 4"),
    ({"workload": "torchrun", "nodes": 3, "gpus_per_node": "2"}, "--gpus-per-node 2: the job has 6 GPUs", "per-node 1"),
    ({"workload": "mpi", "nodes": 4, "ntasks_per_node": 40, "mem": "1G"}, "--ntasks-per-node 40: ", "per-node 32"),
    ({"workload": "mpi", "nodes": 2, "ntasks_per_node": 8, "cpus_per_task": 9}, "--cpus-per-task 9: one node must", "task 4"),
    ({"workload": "mpi", "nodes": 1, "ntasks": 3, "gpus_per_task": "1"}, "--gpus-per-task 1: one node must have 3",
     "--ntasks 2"),
    ({"workload": "mpi", "ntasks": 3, "mpmd": ["2x40: ./second"], "hetjob": True}, "--mpmd '2x40: ", "use --mpmd '2x32: "),
    ({"workload": "serial", "gpus": "h100:3"}, "--gpus h100:3: ", "use --gpus h100:2"),
    ({"workload": "torchrun", "gpus": "4"}, "--gpus 4: ", "use --nodes 2 or --gpus 2"),
    ({"workload": "serial", "gpus": "1", "partition": "short"}, "--gpus 1: partition short has no nodes with",
     "--partition gpu"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "start", "advice"), TYPED, ids=[start for _, start, _ in TYPED])
def test_the_option_that_the_user_typed(asked: Table, start: str, advice: str) -> None:
    with pytest.raises(LimitError) as caught:
        plan(site(), merge([Layer("flag", "command line", {"program": "x.py", **asked}, strict=False)]))
    (text, *_) = [problem for problem in caught.value.problems if problem.startswith(start)] or [str(caught.value)]
    assert text.startswith(start) and advice in text, text


def test_a_type_of_gpu_that_the_partition_has_not() -> None:
    with pytest.raises(LimitError, match=r"^--gpus v100:1: Tiny has no v100 GPUs; it has h100 \[Docs, read 2026-01-02\]$"):
        asked = {"workload": "serial", "program": "x", "gpus": "v100:1"}
        plan(site(), merge([Layer("flag", "command line", asked, strict=False)]))
