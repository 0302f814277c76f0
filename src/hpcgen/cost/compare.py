"""Compares a request with its alternatives: the cost of each, or why it is refused. Pure, like plan()."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import msgspec
from msgspec import Struct

from hpcgen import workloads
from hpcgen.base.errors import RequestError
from hpcgen.cost.estimate import Cost, cost, suits
from hpcgen.model.job import Component, Job
from hpcgen.model.layout import held, tasks_on_node
from hpcgen.planning.plan import plan
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged

AS_ASKED = "as asked"
ALIKE = {"hetjob": None, "flatten": None, "scheduler_cpus": None, "scheduler_mem": None, "share_core": None}


class Way(Struct, frozen=True):
    """The request or an alternative, named by what it changes, with its cost or a short reason why it is refused."""

    request: str
    cost: Optional[Cost] = None
    why: Optional[str] = None


class Change(NamedTuple):
    """An alternative: the fields of the request that it replaces. If `offered`, it is shown even when it is refused."""

    name: str
    fields: Dict[str, Any]
    offered: bool = False


def compare(site: Site, merged: Merged) -> List[Way]:
    """The request as it was asked, then its alternatives. Partitions of the same cost are listed as one.

    Raises RequestError if none of them is possible.
    """
    request = merged.request
    first = f"{AS_ASKED}, with --hetjob" if request.hetjob else AS_ASKED
    try:
        job = plan(site, merged)
        ways = [Way(first, cost(site, job))]
    except RequestError as error:
        if not request.hetjob:
            raise
        request = msgspec.structs.replace(request, **ALIKE)
        try:
            job = plan(site, Merged(request, merged.origins))
        except RequestError:
            raise error from None
        ways = [Way(first, None, _reason(error)), Way("without --hetjob", cost(site, job))]
    for change in _changes(site, request, job, not ways[0].why):
        try:
            other = plan(site, Merged(msgspec.structs.replace(request, **change.fields), merged.origins))
            ways.append(Way(f"{change.name}{_elsewhere(change, other, job)}", cost(site, other)))
        except RequestError as error:
            if change.offered:
                ways.append(Way(change.name, None, _reason(error)))
    return _by_cost(ways)


def _elsewhere(change: Change, other: Job, job: Job) -> str:
    """The partition, if the change makes the rules choose another one."""
    name = other.components[-1].partition
    return f" (partition {name})" if name != job.components[-1].partition and "partition" not in change.fields else ""


def _reason(error: RequestError) -> str:
    """The reason of a refusal, without its option, source and advice."""
    return error.problems[0].partition(": ")[2].partition(" [")[0].partition(": ")[0] or error.problems[0]


def _changes(site: Site, request: Request, job: Job, either: bool) -> Iterator[Change]:
    """The alternatives to try. `either`: whether to try the request with --hetjob, or without it."""
    if either and "hetjob" not in workloads.get(job.workload).refuses and request.runner != "local":
        apart = Change("with --hetjob", {"hetjob": True, "flatten": None}, "workers" not in workloads.get(job.workload).refuses)
        yield Change("without --hetjob", ALIKE) if request.hetjob else apart
    small = job.components[0]
    if small.role == workloads.SMALL and small.ntasks_per_core == 2 and request.share_core is None:
        yield Change("with --no-share-core", {"share_core": False})
    if fewer := next(_on_fewer_nodes(site, request, job), None):
        yield fewer
    c = job.components[-1]
    for name, partition in site.partitions.items():
        if name != c.partition and suits(site, partition.nodes, c):
            yield Change(f"--partition {name}", {"partition": name})


def _on_fewer_nodes(site: Site, request: Request, job: Job) -> Iterator[Change]:
    """The same tasks on fewer nodes, fewest first, each with its share of the total memory. None if each node has one task:
    with fewer nodes it would be a different job."""
    if workloads.get(job.workload).one_a_node:
        return
    c = job.components[-1]
    for nodes in range(1, c.nodes or 1):
        fields: Dict[str, Any] = {"nodes": nodes, "ntasks_per_node": None}
        name = f"--nodes {nodes}" + (" without --ntasks-per-node" if request.ntasks_per_node else "")
        if request.mem:
            fields["mem"] = type(request.mem)(-(-int(request.mem) * (c.nodes or 1) // nodes))
            name += f" --mem {fields['mem']}"
        if _fits(site, c, nodes) and _plans(site, msgspec.structs.replace(request, **fields)):
            yield Change(name, fields)


def _fits(site: Site, c: Component, nodes: int) -> bool:
    """Whether a node has room for its share of the tasks. This is much faster than planning the job."""
    each = msgspec.structs.replace(c, nodes=nodes, ntasks_per_node=None, cpus=None, whole_node_cpus=None)
    offers = [site.offer(node, each) for node in site.nodes.values()]
    return any(held(offer, each) >= tasks_on_node(each) for offer in offers)


def _plans(site: Site, request: Request) -> bool:
    try:
        return bool(plan(site, request))
    except RequestError:
        return False


def _by_cost(ways: List[Way]) -> List[Way]:
    """The alternatives, with partitions of the same cost combined."""
    found: List[Way] = []
    for way in ways:
        at = next((i for i, other in enumerate(found) if _alike(way, other)), None)
        if at is None:
            found.append(way)
        else:
            found[at] = msgspec.structs.replace(found[at], request=f"{found[at].request}, {way.request.split()[-1]}")
    return found


def _alike(way: Way, other: Way) -> bool:
    partitions = all(one.request.startswith("--partition ") for one in (way, other))
    return partitions and way.cost is not None and other.cost is not None and _price(way.cost) == _price(other.cost)


def _price(found: Cost) -> Any:
    return found.core_hours, found.node_hours, found.gpu_hours, found.charges
