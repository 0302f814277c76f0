"""The limits of a site. A rule is a function: its name is the rule's id, its docstring the explanation.

A rule looks at one component and one partition (None where the scheduler will choose) and yields refusals, each with
the limit, its source and the nearest request that would pass. Plan asks them while it chooses, so nothing is clamped.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from hpcgen.base.units import clock, size
from hpcgen.model.forms import array
from hpcgen.model.job import Component, Job, Origin
from hpcgen.model.layout import Offer, all_cpus, all_gpus, node_cpus, node_gpus, node_memory, task_cpus, tasks_on_node
from hpcgen.planning.allocation import settled
from hpcgen.profiles.facts import Bin, Node, Partition
from hpcgen.profiles.site import Site


class Where:
    """Where a limit is stated, put into words only when a refusal is written."""

    def __init__(self, site: Site, who: str, *place: str) -> None:
        self.site, self.who, self.place = site, who, place

    def __str__(self) -> str:
        return f"{self.who} {cited(self.site.cite(*self.place))}"


class Case(NamedTuple):
    """What a rule looks at; `name` is the partition's, None where the scheduler will choose."""

    site: Site
    job: Job
    component: Component
    name: Optional[str]
    partition: Optional[Partition]

    @classmethod
    def of(cls, site: Site, job: Job, component: Component, name: Optional[str]) -> Case:
        return cls(site, job, component, name, site.partitions.get(name) if name else None)

    def limit(self, key: str) -> Iterator[Tuple[Any, Where]]:
        """The partition's and the site's value of this limit, each with where it is stated."""
        if self.partition is not None and (value := getattr(self.partition, key, None)) is not None:
            yield value, Where(self.site, f"partition {self.name}", "partitions", str(self.name), key)
        if (value := getattr(self.site.limits, key, None)) is not None:
            yield value, Where(self.site, self.site.id, "limits", key)

    def times(self) -> Iterator[Tuple[int, object]]:
        """The limits of time: that of the first bin which holds a job of this size; else the partition's and the site's."""
        for bins, where in self.limit("bins"):
            if own := next((bin_ for bin_ in bins if _holds(bin_, self.component)), None):
                most = " and ".join(f"{n} {what}{'s' * (n > 1)}" for key, what in SIZES.items() if (n := getattr(own, key)))
                yield own.max_time, f"up to {most}, {where}"
                return
        yield from self.limit("max_time")

    def kinds(self) -> Dict[str, Node]:
        """The kinds of node that the component may land on."""
        return self.site.kinds(self.name)


Rule = Callable[[Case], Iterator[str]]


SIZES = {"cpus": "CPU", "nodes": "node", "gpus": "GPU"}


def _holds(bin_: Bin, c: Component) -> bool:
    have = {"cpus": all_cpus(c), "nodes": c.nodes or 1, "gpus": all_gpus(c)}
    return all(have[key] <= (getattr(bin_, key) or have[key]) for key in SIZES)


def cited(origin: Origin) -> str:
    """A fact's source and its date, in brackets, for a refusal."""
    return f"[{origin.source}, {origin.date}]" if origin.source else f"[{origin.text}]"


def time_over(case: Case) -> Iterator[str]:
    """The time limit is longer than the partition or the site allows."""
    for limit, where in case.times():
        if (case.job.time or 0) > limit:
            other = _longer(case)
            yield f"--time {clock(case.job.time or 0)}: {where} allows {clock(limit)}: ask for --time {clock(limit)}{other}"


def time_under(case: Case) -> Iterator[str]:
    """The partition is for longer jobs than this."""
    for limit, where in case.limit("min_time"):
        if case.job.time and case.job.time < limit:
            yield f"--time {clock(case.job.time)}: {where} is for {clock(limit)} and more: ask for --time {clock(limit)}"


def nodes_over(case: Case) -> Iterator[str]:
    """More nodes than a job may have, or than there are."""
    nodes = case.component.nodes or 0
    for limit, where in case.limit("max_nodes"):
        if nodes > limit:
            yield f"--nodes {nodes}: {where} allows {limit} a job: ask for --nodes {limit}"
    counts = {kind: node.count or 0 for kind, node in case.kinds().items()} if nodes else {}
    there = sum(counts.values())
    if nodes > there and counts and all(counts.values()):
        counted = Where(case.site, "", "nodes", next(iter(counts)), "count")
        yield f"--nodes {nodes}: {case.name or case.site.id} has {there}{counted}: ask for --nodes {there}"


def nodes_under(case: Case) -> Iterator[str]:
    """The partition is for jobs of more nodes than this."""
    for limit, where in case.limit("min_nodes"):
        if (case.component.nodes or 1) < limit:
            yield f"--nodes {case.component.nodes or 1}: {where} is for {limit} nodes and more: ask for --nodes {limit}"


def cpus_over(case: Case) -> Iterator[str]:
    """More CPUs than a job may have."""
    c = case.component
    for limit, where in case.limit("max_cpus"):
        if (cpus := task_cpus(c)) > limit:
            fits = limit // c.cpus_per_task
            nearest = f"{fits} tasks of {c.cpus_per_task}" if fits else f"--cpus-per-task {limit}"
            yield f"{cpus} CPUs ({c.ntasks} tasks of {c.cpus_per_task}): {where} allows {limit} a job: ask for {nearest}"


def gpus_over(case: Case) -> Iterator[str]:
    """More GPUs than a job may have."""
    for limit, where in case.limit("max_gpus"):
        if (total := all_gpus(case.component)) > limit:
            yield f"{total} GPUs: {where} allows {limit} a job: ask for --gpus {limit}"


def more_than_there_is(case: Case) -> Iterator[str]:
    """More CPUs or GPUs in all than the nodes have together, where the profile counts them."""
    c, kinds = case.component, case.kinds()
    cpus, gpus = there(case.site, list(kinds.values()), c)
    if cpus is None or gpus is None:
        return
    who = case.name or case.site.id
    where = Where(case.site, "", "nodes", next(iter(kinds)), "count")
    if cpus and (asked := task_cpus(c)) > cpus and all(most > cpus for most, _ in case.limit("max_cpus")):
        fits = f"{max(1, cpus // c.cpus_per_task)} tasks of {min(cpus, c.cpus_per_task)}"
        yield f"{asked} CPUs ({c.ntasks} tasks of {c.cpus_per_task}): {who} has {cpus}{where}: ask for {fits}"
    if gpus and (asked := all_gpus(c)) > gpus and all(most > gpus for most, _ in case.limit("max_gpus")):
        yield f"{asked} GPUs: {who} has {gpus}{where}: ask for --gpus {gpus}"


def cpus_beside_gpus(case: Case) -> Iterator[str]:
    """More CPUs than the partition gives, and wants to be asked for, with each GPU."""
    c, each = case.component, case.partition.cpus_per_gpu if case.partition else None
    if each and case.name and (gpus := all_gpus(c)) and (cpus := task_cpus(c)) > gpus * each:
        where = f"partition {case.name} {cited(case.site.cite('partitions', case.name, 'cpus_per_gpu'))}"
        yield f"{cpus} CPUs with {gpus} GPUs: {where} gives {each} CPUs a GPU: ask for {ceil(cpus / each)} GPUs"


def node_too_small(case: Case) -> Iterator[str]:
    """No kind of node of the partition has the cores, the memory and the GPUs that one node must give."""
    lacks = {}
    for kind, node in case.kinds().items():
        lacks[kind] = _short(case, node)
        if not lacks[kind]:
            return
    if not lacks:
        return
    nodes = case.kinds()
    roomiest = min(lacks, key=lambda kind: (len(lacks[kind]), -(nodes[kind].mem or 0), -nodes[kind].cores))
    for key, text in lacks[roomiest]:
        where = cited(case.site.cite("nodes", roomiest, key))
        yield f"{text}; {roomiest} is the roomiest of {case.name or case.site.id} {where}"


def partition_memory(case: Case) -> Iterator[str]:
    """More memory on a node than the partition gives."""
    need = node_memory(case.component)
    for limit, where in case.limit("max_mem"):
        if need and need > limit:
            nearest = _less_memory(case.component, limit) if case.component.mem_per_gpu_mib else f"--mem {size(limit)}"
            yield f"{size(need)} on a node: {where} allows {size(limit)}: ask for {nearest}"


def node_hours_over(case: Case) -> Iterator[str]:
    """Nodes times time, or CPUs times time, is more than a job may have.

    The time advised goes with as many nodes or CPUs as the other limits leave: the least of all that is advised passes.
    """
    c, seconds = case.component, case.job.time or 0
    for key, most, what, count in (
        ("max_node_time", "max_nodes", "node", c.nodes or 1),
        ("max_cpu_time", "max_cpus", "CPU", task_cpus(c)),
    ):
        for limit, where in case.limit(key):
            if count * seconds > limit:
                left = min([count, *(least for least, _ in case.limit(most))])
                fewer = f" with {left} {what}s" if left < count else ""
                yield (
                    f"{count} {what}s for {clock(seconds)}: {where} allows {limit // 3600} {what}-hours a job: "
                    f"ask for --time {clock(max(60, limit // left // 60 * 60))}{fewer}"
                )


def array_over(case: Case) -> Iterator[str]:
    """An array's indices reach the scheduler's MaxArraySize. Source: slurm.conf(5)."""
    limit = case.site.scheduler.array_max
    if limit is None or not case.job.array:
        return
    if max(max(part.first, part.last) for part in array(case.job.array).ranges) >= limit:
        where = f"{case.site.id} {cited(case.site.cite('scheduler', 'array_max'))}"
        yield f"--array {case.job.array}: {where} takes indices below {limit}: ask for --array 0-{limit - 1}"


def array_too_many(case: Case) -> Iterator[str]:
    """An array has more jobs than the site lets one have. Sources: PBS's max_array_size; what sites say of theirs."""
    site, count = case.site, array(case.job.array).jobs if case.job.array else 0
    limits: List[Tuple[Any, str, Tuple[str, ...]]] = [(site.scheduler.array_jobs, site.id, ("scheduler", "array_jobs"))]
    if case.partition:
        limits.insert(0, (case.partition.array_jobs, f"partition {case.name}", ("partitions", str(case.name), "array_jobs")))
    for limit, who, place in limits:
        if limit and count > limit:
            where = f"{who} {cited(site.cite(*place))}"
            nearest = f"arrays of {limit}: ask for --array 1-{limit}" if limit > 1 else "one job at a time: leave out --array"
            yield f"--array {case.job.array}: these are {count} jobs: {where} takes {nearest}"
            return


def array_at_once(case: Case) -> Iterator[str]:
    """More of an array's jobs may start at a time than the partition lets through: the others would then never start."""
    asked = case.job.array
    for limit, where in case.limit("array_at_once") if asked else ():
        found = array(str(asked))
        if min(found.jobs, int(found.throttle or found.jobs)) > limit:
            fewer = f"{str(asked).partition('%')[0]}%{limit}"
            yield f"--array {asked}: {where} lets {limit} through, the others never start: ask for --array {fewer}"


# The rules in the order in which their refusals are read.
RULES: Tuple[Rule, ...] = (
    time_over, time_under, nodes_over, nodes_under, cpus_over, gpus_over, more_than_there_is, cpus_beside_gpus,
    node_too_small, partition_memory, node_hours_over, array_over, array_too_many, array_at_once,
)  # fmt: skip


def refusals(site: Site, job: Job, component: Component, partition: Optional[str]) -> List[str]:
    """Everything in which this component, as it is allocated there, is over what the partition, or the site, allows."""
    component = settled(site, component, partition)
    case = Case.of(site, job, component, partition)
    return [text for rule in RULES for text in rule(case)]


def over_together(site: Site, job: Job, parts: Sequence[Component], name: Optional[str]) -> Iterator[str]:
    """What the components of a heterogeneous job are over as the one job that they are, where all share a queue."""
    cpus = sum(all_cpus(c) for c in parts)
    totals = {"max_nodes": sum(c.nodes or 1 for c in parts), "max_cpus": cpus}
    for key, total in totals.items():
        for limit, where in Case.of(site, job, parts[-1], name).limit(key):
            if total > limit:
                yield f"--hetjob: {total} {key[4:]} in all: {where} allows {limit} a job: ask for fewer, or leave out --hetjob"


def there(site: Site, kinds: Sequence[Node], component: Component) -> Tuple[Optional[int], Optional[int]]:
    """CPUs, as the component counts them, and GPUs of all such nodes together; None where the profile does not count them."""
    if not kinds or not all(node.count for node in kinds):
        return None, None
    offers = [(node.count or 0, site.offer(node, component)) for node in kinds]
    return sum(count * offer.cpus for count, offer in offers), sum(count * offer.gpus for count, offer in offers)


def _short(case: Case, node: Node) -> List[Tuple[str, str]]:
    """What such a node lacks: the fact's key, and the refusal."""
    c, offer = case.component, case.site.offer(node, case.component)
    return [*_short_of_cpus(c, offer), *_short_of_memory(c, offer), *_short_of_gpus(case, node)]


def _short_of_cpus(c: Component, offer: Offer) -> Iterator[Tuple[str, str]]:
    if (need := node_cpus(c)) > offer.cpus:
        most = max(1, offer.cpus // tasks_on_node(c))
        yield "cores", f"{need} CPUs on a node: it has {offer.cpus}: ask for --cpus-per-task {most}"


def _short_of_memory(c: Component, offer: Offer) -> Iterator[Tuple[str, str]]:
    need = node_memory(c)
    if not (need and offer.mem and need > offer.mem):
        return
    yield "mem", f"{size(need)} of memory on a node: jobs get {size(offer.mem)}: ask for {_less_memory(c, offer.mem)}"


def _less_memory(c: Component, mib: int) -> str:
    """The option for so much memory on a node, in the style in which memory was asked for."""
    if c.mem_per_cpu_mib:
        return f"--mem-per-cpu {size(max(1, mib // node_cpus(c)))}"
    if c.mem_per_gpu_mib:
        return f"--mem-per-gpu {size(max(1, mib // node_gpus(c)))}"
    return f"--mem {size(mib)}"


def _short_of_gpus(case: Case, node: Node) -> Iterator[Tuple[str, str]]:
    c, need = case.component, node_gpus(case.component)
    if c.gpus is None:
        return
    if need > node.gpus:
        types = sorted({other.gpu for other in case.site.nodes.values() if other.gpus and other.gpu})
        elsewhere = "GPUs are on other nodes" + (f", of type {', '.join(types)}" if types else "")
        yield "gpus", f"{need} GPUs on a node: it has {node.gpus}: {f'ask for {node.gpus} a node' if node.gpus else elsewhere}"
    elif c.gpus.type and node.gpu and c.gpus.type.lower() != node.gpu.lower():
        yield "gpu", f"GPUs of type {c.gpus.type}: it has {node.gpu}: ask for {node.gpu}:{c.gpus.count}"


def _longer(case: Case) -> str:
    """A partition that allows the time, as an advice."""
    for name, partition in sorted(case.site.partitions.items(), key=lambda item: item[1].max_time or 0):
        only_gpus = all(case.site.nodes[kind].gpus for kind in partition.nodes) and case.component.gpus is None
        there = Case.of(case.site, case.job, case.component, name)
        limits = [limit for limit, _ in there.times()]
        long_enough = bool(limits) and min(limits) >= (case.job.time or 0)
        open_to_it = partition.auto and not only_gpus and long_enough and name != case.name
        if open_to_it and not any(text for rule in RULES for text in rule(there)):
            return f", or for --partition {name}"
    return ""
