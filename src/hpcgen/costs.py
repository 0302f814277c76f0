"""What a job costs: core-, node- and GPU-hours, and the site's own units where its profile has the rule.

All of it is of the whole time limit, for all jobs of an array, and of what the job keeps from others, not of what it uses.
Sources of the rules: slurm.conf(5), SelectTypeParameters, for whole cores; the profile's table `charge` for the site's own.
"""

from __future__ import annotations

from math import ceil
from typing import Dict, Iterator, List, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import allocation
from hpcgen.charging import Rates
from hpcgen.check import refusals, threads
from hpcgen.facts import Node
from hpcgen.job import Component, Job
from hpcgen.site import Site
from hpcgen.spelling import array, by_node
from hpcgen.units import clock, size

HOUR = 3600


class Amount(Struct, frozen=True):
    """An amount in the site's unit; from `least` to `most` where the scheduler may take one partition or another."""

    unit: str
    least: float
    most: float


class Cost(Struct, frozen=True, kw_only=True):
    """Hours of cores, nodes and GPUs that `jobs` jobs of `seconds` each keep from others.

    `node_hours` is None where the job has no whole nodes and nodes are not charged for; `charges` is empty where the profile
    has no rates; `notes` are for the person.
    """

    seconds: int
    jobs: int = 1
    core_hours: float
    node_hours: Optional[float] = None
    gpu_hours: Optional[float] = None
    charges: Tuple[Amount, ...] = ()
    notes: Tuple[str, ...] = ()

    def to_json(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Cost:
        """Raises msgspec.ValidationError when the text is not a cost."""
        return msgspec.json.decode(text, type=cls)


class Share(Struct, frozen=True, kw_only=True):
    """What one component keeps from others in one partition: `cpus` as the scheduler counts them, `mem` in MiB."""

    node: Optional[Node]
    nodes: int
    cpus: int
    cores: float
    mem: int
    gpus: int
    whole: bool


def cost(site: Site, job: Job) -> Cost:
    """The cost of a planned job; without a time limit, that of an hour."""
    jobs, seconds = array(job.array).jobs if job.array else 1, job.time or HOUR
    hours = jobs * seconds / HOUR
    found = [[(_share(site, c, name), _rates(site, name)) for name in _partitions(site, job, c)] for c in job.components]
    shares = [ways[0][0] for ways in found]
    whole = any(share.whole or rates.node is not None for ways in found for share, rates in ways[:1])
    notes = [text for c, ways in zip(job.components, found) for text in _memory_notes(site, *ways[0], c)]
    amounts = [[_charged(site, *way, c) for way in ways] for c, ways in zip(job.components, found)]
    return Cost(
        seconds=seconds,
        jobs=jobs,
        core_hours=sum(share.cores for share in shares) * hours,
        node_hours=sum(share.nodes for share in shares) * hours if whole else None,
        gpu_hours=sum(share.gpus for share in shares) * hours or None,
        charges=_summed(amounts, site.charge.qos.get(job.qos or "", 1.0) * hours),
        notes=tuple(dict.fromkeys(notes)),
    )


def _summed(amounts: List[List[Optional[Tuple[str, float]]]], hours: float) -> Tuple[Amount, ...]:
    """The components' charges by unit; none where one of them has no price."""
    if any(way is None for ways in amounts for way in ways):
        return ()
    known = [[way for way in ways if way] for ways in amounts]
    units = list(dict.fromkeys(unit for ways in known for unit, _ in ways))
    by_unit = [(unit, [[rate if one == unit else 0.0 for one, rate in ways] for ways in known]) for unit in units]
    return tuple(Amount(unit, sum(map(min, rates)) * hours, sum(map(max, rates)) * hours) for unit, rates in by_unit)


def _partitions(site: Site, job: Job, c: Component) -> List[Optional[str]]:
    """Where the component may run: its partitions, or, where the scheduler routes, those that take it; [None] if unknown."""
    if c.partition:
        return [name for name in c.partition.split(",") if name in site.partitions] or [None]
    open_to = [
        name
        for name, partition in site.partitions.items()
        if partition.auto and suits(site, partition.nodes, c) and not refusals(site, job, c, name)
    ]
    return list(open_to) or [None]


def suits(site: Site, kinds: Tuple[str, ...], c: Component) -> bool:
    """Whether a component may go to these kinds of node: those with GPUs are for jobs that ask for some, and only these."""
    cards = [bool(site.nodes[kind].gpus) for kind in kinds]
    return any(cards) if c.gpus else not cards or not all(cards)


def _rates(site: Site, name: Optional[str]) -> Rates:
    own = site.partitions[name].charge if name else Rates()
    return own if own != Rates() else site.charge.rates


def _share(site: Site, c: Component, name: Optional[str]) -> Share:
    """What the component keeps from others in this partition.

    Slurm gives whole cores, and by --threads-per-core=1 or nomultithread all threads of as many cores as CPUs were asked
    for; memory by CPU is of the CPUs given, or in that case of those asked for. Source: slurm.conf(5), CR_Core; sbatch(1),
    --mem-per-cpu; runs of 22.05.8: tests/cluster/test_threads.py.
    """
    c = allocation.settled(site, c, name)
    rates = _rates(site, name)
    node = _node(site, c, name)
    counts = by_node(c) or _on_fewest_nodes(site, c, node)
    each = node.threads_per_core if node and site.cpu.unit == "thread" else 1
    cpus = c.cpus or sum(_cpus(site, c, tasks, each) for tasks in counts)
    of_cpus = cpus if each > 1 and threads(c) != 1 else c.ntasks * c.cpus_per_task
    mem = c.mem_mib * len(counts) if c.mem_mib else (c.mem_per_cpu_mib or 0) * of_cpus
    whole = bool(c.whole_node_cpus or c.exclusive or rates.basis == "nodes")
    cores = cpus / (each if site.cpu.unit == "thread" else c.threads_per_core or 1)
    if c.mem_mib == 0 and node:
        mem = (node.mem or 0) * len(counts)
    if whole and node:
        cpus, cores = len(counts) * site.cpus(node), float(len(counts) * node.cores)
    return Share(node=node, nodes=len(counts), cpus=cpus, cores=cores, mem=mem, gpus=allocation.all_gpus(c), whole=whole)


def _cpus(site: Site, c: Component, tasks: int, each: int) -> int:
    """CPUs of a node's tasks, in whole cores of `each` threads."""
    if each == 1 or site.scheduler.type != "slurm":
        return tasks * c.cpus_per_task
    if threads(c) == 1:
        return tasks * c.cpus_per_task * each
    apart = site.cpu.task_per_core if c.ntasks_per_core is None and c.hint != "multithread" else c.ntasks_per_core == 1
    cores = tasks * ceil(c.cpus_per_task / each) if apart else ceil(tasks * c.cpus_per_task / each)
    return cores * each


def _node(site: Site, c: Component, name: Optional[str]) -> Optional[Node]:
    """The smallest kind of node of the partition that holds what a node must."""
    kinds = [site.nodes[kind] for kind in (site.partitions[name].nodes if name else site.nodes)]
    fitting = [kind for kind in kinds if allocation.holds(site, kind, c) and (not kind.gpus or c.gpus)] or kinds
    return min(fitting, key=lambda kind: (kind.gpus, site.cpus(kind), kind.mem or 0), default=None)


def _on_fewest_nodes(site: Site, c: Component, node: Optional[Node]) -> List[int]:
    """Tasks of each node, on as few nodes as hold them: where nobody said how many."""
    room = allocation.room(site, node, c) if node else c.ntasks
    full, rest = divmod(c.ntasks, max(1, min(room, c.ntasks)))
    return [max(1, min(room, c.ntasks))] * full + [rest] * bool(rest)


def _charged(site: Site, share: Share, rates: Rates, c: Component) -> Optional[Tuple[str, float]]:
    """The unit, and the units an hour; None where the profile has no price for something that the component has."""
    of_gpus = _of_gpus(share, rates, c)
    if rates == Rates() or of_gpus is None:
        return None
    if site.charge.gpu_unit and share.gpus and (rates.gpus or rates.gpu is not None):
        return str(site.charge.gpu_unit), of_gpus
    unit = str(site.charge.unit or "units")
    if rates.basis == "share":
        return (unit, (rates.node or 0) * max(_fractions(site, share).values())) if share.node else None
    cpus = max(float(share.cpus), share.mem / rates.mem_per_cpu if rates.mem_per_cpu else 0.0)
    memory = share.mem / 1024 * (rates.mem or 0)
    return unit, cpus * (rates.cpu or 0) + memory + of_gpus + share.nodes * (rates.node or 0)


def _of_gpus(share: Share, rates: Rates, c: Component) -> Optional[float]:
    """Units an hour of the component's GPUs, of all on its nodes where these are what is counted; None where their model has
    no price."""
    node, gpus, rate = share.node, share.gpus, rates.gpu
    if rates.basis == "nodes" and node and gpus:
        gpus = share.nodes * node.gpus
    if rates.gpus and gpus:
        model = ((c.gpus.type if c.gpus else None) or (node.gpu if node else None) or "").lower()
        rate = {name.lower(): of_model for name, of_model in rates.gpus.items()}.get(model)
        if rate is None:
            return None
    return gpus * (rate or 0.0)


def _fractions(site: Site, share: Share) -> Dict[str, float]:
    """CPUs, memory and GPUs as fractions of a node's: 1.5 are those of one and a half nodes."""
    node = share.node
    if node is None:
        return {"cpus": 0.0}
    found = {"cpus": share.cpus / site.cpus(node), "gpus": share.gpus / node.gpus if node.gpus else 0.0}
    return {**found, "mem": share.mem / node.mem if node.mem else 0.0}


def _memory_notes(site: Site, share: Share, rates: Rates, c: Component) -> Iterator[str]:
    """Notes where memory makes the job dearer than its CPUs and GPUs do, with the most that would not."""
    mem = f"its memory, {size(share.mem)} ({c.role}),"
    if rates.mem_per_cpu and share.mem > 1.001 * (free := share.cpus * rates.mem_per_cpu):  # else it is but rounded
        as_cpus = f"{share.mem / rates.mem_per_cpu:.4g} CPUs, not {share.cpus}"
        yield f"{mem} is charged as {as_cpus}: {_cheaper_memory(share, c, free)} would not be"
    if rates.basis == "share" and share.node and share.node.mem:
        parts = _fractions(site, share)
        other = max(parts["cpus"], parts["gpus"])
        if parts["mem"] > other:
            what = f"{parts['mem']:.3g} of a node, where its CPUs and GPUs are {other:.3g}"
            yield f"{mem} is charged as {what}: {_cheaper_memory(share, c, other * share.node.mem)} would not be"


def _cheaper_memory(share: Share, c: Component, mib: float) -> str:
    """The option for so many MiB in all, in the style in which memory was asked for."""
    if c.mem_per_cpu_mib:
        return f"--mem-per-cpu {size(int(mib * c.mem_per_cpu_mib / share.mem))}"
    return f"--mem {size(int(mib / share.nodes))}"


def line(found: Cost) -> str:
    """The cost in one line."""
    amounts = [f"{number(charge)} {charge.unit}" for charge in found.charges if charge.unit != "core-hours"]
    hours = [f"{found.core_hours:.4g} core-hours"]
    hours += [f"{found.node_hours:.4g} node-hours"] if found.node_hours is not None else []
    hours += [f"{found.gpu_hours:.4g} GPU-hours"] if found.gpu_hours is not None else []
    each = f" of {found.jobs} jobs" if found.jobs > 1 else ""
    return f"{', '.join([*hours, *amounts])} in {clock(found.seconds)}{each}"


def number(charge: Amount) -> str:
    """``12.5``, or ``12.5 to 18`` where it depends on the partition."""
    return f"{charge.least:.5g}" if charge.least == charge.most else f"{charge.least:.5g} to {charge.most:.5g}"
