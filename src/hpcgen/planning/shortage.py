"""The limit that the hardware sets: what a job wants of one node, and what the nodes of a partition have."""

from __future__ import annotations

from math import ceil
from typing import Iterator, List, NamedTuple, Tuple

from hpcgen import workloads
from hpcgen.base.units import counted, size
from hpcgen.model.job import Component
from hpcgen.model.layout import (  # fmt: skip
    Offer,
    all_gpus,
    at_most,
    fewer_gpus,
    node_cpus,
    node_gpus,
    node_memory,
    tasks_on_node,
    typed,
    typed_gpus,
    typed_memory,
)
from hpcgen.planning.case import Case, cited
from hpcgen.profiles.facts import Node
from hpcgen.profiles.site import Site


def node_too_small(case: Case) -> Iterator[str]:
    """No kind of node of the partition has the cores, the memory and the GPUs that one node must give."""
    lacks = {}
    for kind, node in case.kinds().items():
        lacks[kind] = _short(case, kind, node)
        if not lacks[kind]:
            return
    if not lacks:
        return
    nodes, wants = case.kinds(), case.component.gpus is not None

    def nearest(kind: str) -> Tuple[int, bool, int, int]:
        node = nodes[kind]
        return len(lacks[kind]), wants and not node.gpus, -(node.mem or 0), -node.cores

    closest = min(lacks, key=nearest)
    for short in lacks[closest]:
        where = cited(case.site.cite("nodes", closest, short.key))
        yield f"{short.asked}: {short.wrong} {where}{f': {short.advice}' if short.advice else ''}"


class Short(NamedTuple):
    """Something that a kind of node lacks: the key of its fact, what the user typed, what is wrong, what to do."""

    key: str
    asked: str
    wrong: str
    advice: str


def _short(case: Case, kind: str, node: Node) -> List[Short]:
    """What such a node lacks."""
    closest = f"the closest node type of {case.place}, {kind}, has only"
    c, offer = case.component, case.site.offer(node, case.component)
    return [*_short_of_cpus(c, offer, closest), *_short_of_memory(c, offer, closest), *_short_of_gpus(case, node, closest)]


def _short_of_cpus(c: Component, offer: Offer, closest: str) -> Iterator[Short]:
    if (need := node_cpus(c)) <= offer.cpus:
        return
    tasks, most = tasks_on_node(c), offer.cpus // c.cpus_per_task
    asked, nearest = typed(c, "cpus_per_task"), at_most(c, "cpus_per_task", offer.cpus // tasks)
    if nearest is None and most and c.ntasks_per_node:
        asked, nearest = f"--ntasks-per-node {tasks}", f"--ntasks-per-node {most}"
    elif nearest is None and most and c.nodes:
        asked, nearest = typed(c, "nodes"), f"--nodes {ceil(c.ntasks / most)}"
    wants = "" if tasks == 1 else f"one node must have {counted(need, 'CPU')}, and "
    yield Short("cores", asked, f"{wants}{closest} {counted(offer.cpus, 'CPU')}", f"use {nearest or 'fewer CPUs'}")


def _short_of_memory(c: Component, offer: Offer, closest: str) -> Iterator[Short]:
    need = node_memory(c)
    if need and offer.mem and need > offer.mem:
        wants = "" if c.mem_mib else f"one node must have {size(need)} of memory, and "
        yield Short("mem", typed_memory(c), f"{wants}{closest} {size(offer.mem)} for jobs", f"use {typed_memory(c, offer.mem)}")


def _short_of_gpus(case: Case, node: Node, closest: str) -> Iterator[Short]:
    c, need = case.component, node_gpus(case.component)
    if c.gpus is None:
        return
    asked, kind = typed_gpus(c, all_gpus(c)), c.gpus.type
    types = {other.gpu.lower(): str(other.gpu) for other in case.site.nodes.values() if other.gpus and other.gpu}
    known = all(other.gpu for other in case.site.nodes.values() if other.gpus)
    if kind and types and known and kind.lower() not in types:
        yield Short("gpu", asked, f"{case.site.name} has no {kind} GPUs; it has {', '.join(sorted(types.values()))}", "")
    elif not node.gpus:
        yield Short("gpus", asked, f"{case.place} has no nodes with GPUs", _with_gpus(case.site))
    elif need > node.gpus:
        wants = "" if need == all_gpus(c) and c.gpus.per != "task" else f"one node must have {counted(need, 'GPU')}, and "
        fitting = [*_on_more_nodes(case, node), fewer_gpus(c, all_gpus(c) * node.gpus // need)]
        yield Short("gpus", asked, f"{wants}{closest} {counted(node.gpus, 'GPU')}", f"use {' or '.join(fitting)}")
    elif kind and node.gpu and kind.lower() != node.gpu.lower():
        nearest = typed_gpus(c, all_gpus(c), node.gpu)
        yield Short("gpu", asked, f"{closest} {node.gpu} GPUs", f"use {nearest}")


def _on_more_nodes(case: Case, node: Node) -> Iterator[str]:
    """The number of nodes that have all the GPUs, if the workload can run on several."""
    c, total = case.component, all_gpus(case.component)
    several = c.ntasks > 1 or workloads.get(case.job.workload).one_a_node
    if several and c.nodes == 1 and c.gpus and c.gpus.per == "job":
        yield f"--nodes {next(n for n in range(2, total + 1) if total % n == 0 and total // n <= (node.gpus or 1))}"


def _with_gpus(site: Site) -> str:
    """The advice for a job that asks for GPUs in a place without any."""
    there = [f"--partition {name}" for name, one in site.partitions.items() if any(site.nodes[kind].gpus for kind in one.nodes)]
    return f"use {' or '.join(there)}" if there else "leave it out"
