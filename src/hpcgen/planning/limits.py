"""The limits of a site. A rule is a function: its name is the rule's id, its docstring the explanation.

A rule looks at one component in one partition (None if the scheduler chooses it) and yields refusals. Each refusal states
the limit, its source and the nearest request that passes. Plan applies the rules while it chooses; it never clamps a value.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

from hpcgen.base.units import clock, counted, size
from hpcgen.model.forms import array
from hpcgen.model.job import Component, Job
from hpcgen.model.layout import (  # fmt: skip
    all_cpus,
    all_gpus,
    at_most,
    fewer_cpus,
    fewer_gpus,
    node_memory,
    task_cpus,
    tasks_on_node,
    typed,
    typed_gpus,
    typed_memory,
)
from hpcgen.planning.allocation import settled
from hpcgen.planning.case import Case, Where
from hpcgen.planning.shortage import node_too_small
from hpcgen.profiles.facts import Node
from hpcgen.profiles.site import Site

NODE = "node"
Rule = Callable[[Case], Iterator[str]]


def time_over(case: Case) -> Iterator[str]:
    """The time limit is longer than the partition or the site allows."""
    asked = case.job.time or 0
    for limit, where in case.times():
        if asked > limit:
            allows = where.says(f"allows at most {clock(limit)}")
            yield f"--time {clock(asked)}: {allows}: use --time {clock(limit)}{_longer(case)}"


def time_under(case: Case) -> Iterator[str]:
    """The time limit is shorter than the partition takes."""
    for limit, where in case.limit("min_time"):
        if case.job.time and case.job.time < limit:
            takes = where.says(f"takes only jobs of {clock(limit)} or longer")
            yield f"--time {clock(case.job.time)}: {takes}: use --time {clock(limit)}"


def nodes_over(case: Case) -> Iterator[str]:
    """More nodes than a job may have, or than there are."""
    nodes = case.component.nodes or 0
    for limit, where in case.limit("max_nodes"):
        if nodes > limit:
            asked, nearest = _nodes(case, limit)
            yield f"{asked}{where.says(f'allows at most {counted(limit, NODE)} per job')}: use {nearest}"
    counts = {kind: node.count or 0 for kind, node in case.kinds().items()} if nodes else {}
    there = sum(counts.values())
    if nodes > there and counts and all(counts.values()):
        asked, nearest = _nodes(case, there)
        has = Where(case.site, case.place, ("nodes", next(iter(counts)), "count")).says(f"has only {counted(there, NODE)}")
        yield f"{asked}{has}: use {nearest}"


def _nodes(case: Case, most: int) -> Tuple[str, str]:
    """What the user typed that makes the job need its nodes, and the nearest value that needs no more than `most`."""
    c, nodes = case.component, counted(case.component.nodes or 0, NODE)
    if c.gpus and c.gpus.chose_nodes:
        return f"{typed_gpus(c, all_gpus(c))}: this needs {nodes}, and ", typed_gpus(c, c.gpus.count * most)
    if case.asked.nodes:
        return f"{typed(c, 'nodes')}: ", at_most(c, "nodes", most) or "fewer nodes"
    fewer = at_most(c, "ntasks", most * tasks_on_node(c)) or "fewer tasks"
    return f"{typed(c, 'ntasks')}: this needs {nodes}, and ", fewer


def nodes_under(case: Case) -> Iterator[str]:
    """Fewer nodes than the partition takes."""
    for limit, where in case.limit("min_nodes"):
        if (nodes := case.component.nodes or 1) < limit:
            yield f"--nodes {nodes}: {where.says(f'takes only jobs of {limit} nodes or more')}: use --nodes {limit}"


def cpus_over(case: Case) -> Iterator[str]:
    """More CPUs than a job may have."""
    c = case.component
    for limit, where in case.limit("max_cpus"):
        if task_cpus(c) > limit:
            asked, nearest = fewer_cpus(c, limit)
            yield f"{asked}: the job has {_tasks(c)}, and {where.says(f'allows at most {limit} CPUs per job')}: use {nearest}"


def _tasks(c: Component) -> str:
    """``64 CPUs (16 tasks of 4)``."""
    return f"{counted(task_cpus(c), 'CPU')} ({counted(c.ntasks, 'task')} of {c.cpus_per_task})"


def gpus_over(case: Case) -> Iterator[str]:
    """More GPUs than a job may have."""
    c = case.component
    for limit, where in case.limit("max_gpus"):
        if (total := all_gpus(c)) > limit:
            allows = where.says(f"allows at most {counted(limit, 'GPU')} per job")
            yield f"{_gpus(c, total)}{allows}: use {fewer_gpus(c, limit)}"


def _gpus(c: Component, total: int) -> str:
    """What the user typed for GPUs, with their number in all if the option counts them by node or by task."""
    asked, have = typed_gpus(c, total), counted(total, "GPU")
    return f"{asked}: " if asked.startswith("--gpus ") else f"{asked}: the job has {have}, and "


def more_than_there_is(case: Case) -> Iterator[str]:
    """More CPUs or GPUs in all than the nodes have together, if the profile counts the nodes."""
    c, kinds = case.component, case.kinds()
    cpus, gpus = there(case.site, list(kinds.values()), c)
    if cpus is None or gpus is None:
        return
    where = Where(case.site, case.place, ("nodes", next(iter(kinds)), "count"))
    if cpus and task_cpus(c) > cpus and all(most > cpus for most, _ in case.limit("max_cpus")):
        asked, nearest = fewer_cpus(c, cpus)
        yield f"{asked}: the job has {_tasks(c)}, and {where.says(f'has {cpus} CPUs in all')}: use {nearest}"
    if gpus and (total := all_gpus(c)) > gpus and all(most > gpus for most, _ in case.limit("max_gpus")):
        yield f"{_gpus(c, total)}{where.says(f'has {gpus} GPUs in all')}: use {fewer_gpus(c, gpus)}"


def cpus_beside_gpus(case: Case) -> Iterator[str]:
    """More CPUs than the partition gives with each GPU, where it wants CPUs to be asked for in this proportion."""
    c, each = case.component, case.partition.cpus_per_gpu if case.partition else None
    if each and case.name and (gpus := all_gpus(c)) and (cpus := task_cpus(c)) > gpus * each:
        gives = Where(case.site, case.place, ("partitions", case.name, "cpus_per_gpu")).says(f"gives {each} CPUs per GPU")
        have = f"{counted(cpus, 'CPU')} with {counted(gpus, 'GPU')}"
        yield f"{typed(c, 'cpus_per_task')}: the job has {have}, and {gives}: use {typed_gpus(c, ceil(cpus / each))}"


def partition_memory(case: Case) -> Iterator[str]:
    """More memory on a node than the partition gives."""
    c, need = case.component, node_memory(case.component)
    for limit, where in case.limit("max_mem"):
        if need and need > limit:
            allows = where.says(f"allows at most {size(limit)} on one node")
            node = "" if c.mem_mib else f"one node must have {size(need)}, and "
            yield f"{typed_memory(c)}: {node}{allows}: use {typed_memory(c, limit)}"


def node_hours_over(case: Case) -> Iterator[str]:
    """Nodes times time, or CPUs times time, is more than a job may have.

    The advised time goes with as many nodes or CPUs as the other limits leave: the smallest of all advised values passes.
    """
    c, seconds = case.component, case.job.time or 0
    for key, most, what, count in (
        ("max_node_time", "max_nodes", "node", c.nodes or 1),
        ("max_cpu_time", "max_cpus", "CPU", task_cpus(c)),
    ):
        for limit, where in case.limit(key):
            if count * seconds > limit:
                left = min([count, *(least for least, _ in case.limit(most))])
                fewer = f" with {counted(left, what)}" if left < count else ""
                hours = f"{counted(count, what)} for {clock(seconds)} is {count * seconds / 3600:.6g} {what}-hours"
                allows = where.says(f"allows {limit // 3600} {what}-hours per job")
                nearest = clock(max(60, limit // left // 60 * 60))
                yield f"--time {clock(seconds)}: {hours}, and {allows}: use --time {nearest}{fewer}"


def array_over(case: Case) -> Iterator[str]:
    """An array's indices reach the scheduler's MaxArraySize. Source: slurm.conf(5)."""
    limit = case.site.scheduler.array_max
    if limit is None or not case.job.array:
        return
    if max(max(part.first, part.last) for part in array(case.job.array).ranges) >= limit:
        where = Where(case.site, case.site.id, ("scheduler", "array_max")).says(f"takes only indices below {limit}")
        yield f"--array {case.job.array}: {where}: use --array 0-{limit - 1}"


def array_too_many(case: Case) -> Iterator[str]:
    """An array has more jobs than the site allows. Sources: PBS's max_array_size; the sites' own statements."""
    site, count = case.site, array(case.job.array).jobs if case.job.array else 0
    limits: List[Tuple[Any, str, Tuple[str, ...]]] = [(site.scheduler.array_jobs, site.id, ("scheduler", "array_jobs"))]
    if case.partition:
        limits.insert(0, (case.partition.array_jobs, f"partition {case.name}", ("partitions", str(case.name), "array_jobs")))
    for limit, who, place in limits:
        if limit and count > limit:
            where = Where(site, who, place).says(f"allows at most {limit}")
            nearest = f"use --array 1-{limit}" if limit > 1 else "leave out --array"
            yield f"--array {case.job.array}: the array has {counted(count, 'job')}, and {where}: {nearest}"
            return


def array_at_once(case: Case) -> Iterator[str]:
    """More of an array's jobs may run at a time than the partition allows: the rest would then never start."""
    asked = case.job.array
    for limit, where in case.limit("array_at_once") if asked else ():
        found = array(str(asked))
        if min(found.jobs, int(found.throttle or found.jobs)) > limit:
            fewer = f"{str(asked).partition('%')[0]}%{limit}"
            runs = where.says(f"runs at most {limit} jobs of an array at a time, and never starts the rest")
            yield f"--array {asked}: {runs}: use --array {fewer}"


# The rules in the order in which their refusals are read.
RULES: Tuple[Rule, ...] = (
    time_over, time_under, nodes_over, nodes_under, cpus_over, gpus_over, more_than_there_is, cpus_beside_gpus,
    node_too_small, partition_memory, node_hours_over, array_over, array_too_many, array_at_once,
)  # fmt: skip


def refusals(site: Site, job: Job, component: Component, partition: Optional[str]) -> List[str]:
    """Every limit of the partition or the site that this component, as it is allocated there, exceeds."""
    case = Case.of(site, job, settled(site, component, partition), component, partition)
    return [text for rule in RULES for text in rule(case)]


def over_together(site: Site, job: Job, parts: Sequence[Component], name: Optional[str]) -> Iterator[str]:
    """The limits that the components of a heterogeneous job exceed together, where all share a queue."""
    cpus = sum(all_cpus(c) for c in parts)
    totals = (("max_nodes", "node", sum(c.nodes or 1 for c in parts)), ("max_cpus", "CPU", cpus))
    for key, what, total in totals:
        for limit, where in Case.of(site, job, parts[-1], parts[-1], name).limit(key):
            if total > limit:
                allows = where.says(f"allows at most {limit} per job")
                yield (
                    f"--hetjob: the components have {counted(total, what)} together, and {allows}: "
                    "ask for fewer, or leave out --hetjob"
                )


def there(site: Site, kinds: Sequence[Node], component: Component) -> Tuple[Optional[int], Optional[int]]:
    """CPUs, as the component counts them, and GPUs of all such nodes together; None if the profile does not count the nodes."""
    if not kinds or not all(node.count for node in kinds):
        return None, None
    offers = [(node.count or 0, site.offer(node, component)) for node in kinds]
    return sum(count * offer.cpus for count, offer in offers), sum(count * offer.gpus for count, offer in offers)


def _longer(case: Case) -> str:
    """A partition that allows the time, as further advice."""
    for name, partition in sorted(case.site.partitions.items(), key=lambda item: item[1].max_time or 0):
        only_gpus = all(case.site.nodes[kind].gpus for kind in partition.nodes) and case.component.gpus is None
        there = Case.of(case.site, case.job, case.component, case.asked, name)
        limits = [limit for limit, _ in there.times()]
        long_enough = bool(limits) and min(limits) >= (case.job.time or 0)
        open_to_it = partition.auto and not only_gpus and long_enough and name != case.name
        if open_to_it and not any(text for rule in RULES for text in rule(there)):
            return f" or --partition {name}"
    return ""
