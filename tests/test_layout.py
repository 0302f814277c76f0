"""The arithmetic of a component, asked in one place: what a node must hold, what fits, what that makes of whole nodes."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
import tiny

from hpcgen import LimitError, Request, plan
from hpcgen.cost.estimate import cost
from hpcgen.model import layout
from hpcgen.model.job import Component, Gpus
from hpcgen.model.layout import Offer
from hpcgen.request.layers import Layer, merge


def part(ntasks: int = 1, **fields: Any) -> Component:
    return Component(role="task", ntasks=ntasks, **fields)


@pytest.mark.parametrize(
    ("c", "counts"),
    [
        (part(1), [1]),
        (part(5), None),
        (part(5, nodes=2), [3, 2]),
        (part(5, ntasks_per_node=2), [2, 2, 1]),
        (part(5, nodes=3, ntasks_per_node=2), [2, 2, 1]),
        (part(4, nodes=3, ntasks_per_node=2), [2, 1, 1]),
        (part(2, nodes=3), [1, 1, 0]),
    ],
)
def test_tasks_are_dealt_out(c: Component, counts: Optional[List[int]]) -> None:
    assert layout.tasks_by_node(c) == counts


@pytest.mark.parametrize(
    ("c", "node"),
    [
        (part(8, nodes=2, cpus_per_task=4), {"cpus": 16, "memory": None, "gpus": 0}),
        (part(8, cpus_per_task=4, mem_per_cpu_mib=1024), {"cpus": 4, "memory": 4096, "gpus": 0}),
        (part(4, nodes=2, mem_mib=0), {"cpus": 2, "memory": 0, "gpus": 0}),
        (part(4, nodes=2, gpus=Gpus(6, "job")), {"cpus": 2, "memory": None, "gpus": 3}),
        (part(4, nodes=2, gpus=Gpus(1, "task"), mem_per_gpu_mib=2048), {"cpus": 2, "memory": 4096, "gpus": 2}),
        (part(4, gpus=Gpus(2, "node")), {"cpus": 1, "memory": None, "gpus": 2}),
    ],
)
def test_what_one_node_must_give(c: Component, node: Dict[str, Optional[int]]) -> None:
    assert {"cpus": layout.node_cpus(c), "memory": layout.node_memory(c), "gpus": layout.node_gpus(c)} == node


@pytest.mark.parametrize(
    ("c", "held"),
    [
        (part(9, cpus_per_task=3), 5),
        (part(9, cpus_per_task=3, mem_per_cpu_mib=2048), 2),
        (part(9, gpus=Gpus(1, "task")), 2),
        (part(6, gpus=Gpus(4, "job")), 3),
        (part(6, gpus=Gpus(3, "node")), 0),
    ],
)
def test_what_a_node_holds(c: Component, held: int) -> None:
    assert layout.held(Offer(16, 16384, 2), c) == held


def test_chunks_add_up() -> None:
    """Whatever is asked for, the chunks are all of it."""
    spread = part(5, nodes=2, cpus_per_task=3, mem_per_cpu_mib=1024)
    for c in (spread, part(7, ntasks_per_node=3), part(4, gpus=Gpus(1, "task"))):
        chunks = layout.chunks(c)
        assert sum(one.times * one.tasks for one in chunks) == c.ntasks
        assert sum(one.times * one.cpus for one in chunks) == layout.all_cpus(c) == c.ntasks * c.cpus_per_task
        assert sum(one.times * one.gpus for one in chunks) == layout.all_gpus(c)
        assert sum(one.times * (one.mem or 0) for one in chunks) == (layout.all_memory(c) if c.mem_per_cpu_mib else 0)


THREADS: Dict[str, Any] = {
    "cpu": {"unit": "thread", "source": "docs"},
    "scheduler": {"whole_nodes": "always"},
    "nodes": {"thin": {"cores": 8, "threads_per_core": 2, "source": "docs"}},
    "partitions": {"one": {"nodes": ["thin"], "max_time": "4h", "source": "docs"}},
}


@pytest.mark.parametrize("asked", [{"hint": "nomultithread"}, {"threads_per_core": 1}])
def test_one_thread_a_core_is_one_thread_however_it_is_said(asked: Dict[str, Any]) -> None:
    """16 tasks on nodes of 8 cores are two nodes; by the hint they had been one node, which was then refused."""
    job = plan(tiny.site(**THREADS), Request(workload="mpi", program="x", ntasks=16, partition="one", **asked))
    assert job.components[0].nodes == 2


def test_memory_by_gpu_is_held_against_a_node() -> None:
    asked = {"workload": "serial", "program": "x", "gpus": "2", "partition": "gpu"}
    with pytest.raises(
        LimitError, match=r"--mem-per-gpu 100G: .* 200G of memory, .* has only 128G for jobs .*: use --mem-per-gpu 64G"
    ):
        plan(tiny.site(), merge([Layer("flag", "command line", {**asked, "mem_per_gpu": "100G"}, strict=False)]))
    assert plan(tiny.site(), merge([Layer("flag", "command line", {**asked, "mem_per_gpu": "64G"}, strict=False)]))


def test_a_price_is_that_of_the_memory_in_the_script() -> None:
    """The origin of the usual memory was taken for a mark, so that whole nodes were charged with all their memory."""
    charge = {"unit": "SU", "rates": {"cpu": 1.0, "mem": 1.0}, "source": "docs"}
    site = tiny.site(scheduler={"whole_nodes": "above-one"}, charge=charge)
    job = plan(site, Request(workload="mpi", program="x", ntasks=32, partition="long"))
    assert job.components[0].nodes == 2 and job.components[0].mem_per_cpu_mib == 1024
    assert cost(site, job).charges[0].most == 32 + 32
