"""The cost of a job: core-, node- and GPU-hours, and the site's own units if its profile has the rule.

The cost is for the whole time limit, for all jobs of an array, and for the resources that the job occupies, used or not.
Sources of the rules: slurm.conf(5), SelectTypeParameters, for whole cores; the profile's table `charge` for the site's own.
"""

from __future__ import annotations

from math import ceil
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import schedulers
from hpcgen.base.units import clock, in_units, size
from hpcgen.model.forms import array
from hpcgen.model.job import Component, Job, Origin
from hpcgen.model.layout import all_gpus, all_memory, holds, on_fewest_nodes, task_cpus, tasks_by_node, threads
from hpcgen.planning.allocation import settled
from hpcgen.planning.limits import refusals
from hpcgen.profiles.charging import Rates
from hpcgen.profiles.facts import Node
from hpcgen.profiles.site import Site

HOUR = 3600


class Amount(Struct, frozen=True):
    """An amount in the site's unit; from `least` to `most` if the scheduler may choose between partitions."""

    unit: str
    least: float
    most: float


class Cost(Struct, frozen=True, kw_only=True):
    """Hours of cores, nodes and GPUs that `jobs` jobs of `seconds` each occupy.

    `node_hours` is None if the job has no whole nodes and nodes are not charged; `charges` is empty if the profile has no
    rates; `notes` are for the user.
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
    """What one component occupies in one partition: `cpus` as the scheduler counts them, `mem` in MiB."""

    node: Optional[Node]
    nodes: int
    cpus: int
    cores: float
    mem: int
    gpus: int
    whole: bool


class Part(NamedTuple):
    """One component in one partition: its share, the rates there, and the unit and units per hour; None without a price."""

    share: Share
    rates: Rates
    charged: Optional[Tuple[str, float]]


def cost(site: Site, job: Job) -> Cost:
    """The cost of a planned job; without a time limit, the cost of one hour."""
    jobs, seconds = array(job.array).jobs if job.array else 1, job.time or HOUR
    hours = jobs * seconds / HOUR
    found: List[List[Part]] = []
    notes: List[str] = []
    for c in job.components:
        ways = [_part(site, c, name) for name in _partitions(site, job, c)]
        notes += _memory_notes(site, ways[0].share, ways[0].rates, c)
        found.append(ways)
    first = [ways[0] for ways in found]
    whole = any(part.share.whole or part.rates.node is not None for part in first)
    return Cost(
        seconds=seconds,
        jobs=jobs,
        core_hours=sum(part.share.cores for part in first) * hours,
        node_hours=sum(part.share.nodes for part in first) * hours if whole else None,
        gpu_hours=sum(part.share.gpus for part in first) * hours or None,
        charges=_summed(found, site.charge.qos.get(job.qos or "", 1.0) * hours),
        notes=tuple(dict.fromkeys(notes)),
    )


def _part(site: Site, c: Component, name: Optional[str]) -> Part:
    share, rates = _share(site, c, name), _rates(site, name)
    return Part(share, rates, _charged(site, share, rates, c))


def _summed(found: List[List[Part]], hours: float) -> Tuple[Amount, ...]:
    """The components' charges by unit; empty if one of them has no price."""
    least: Dict[str, float] = {}
    most: Dict[str, float] = {}
    units = [part.charged[0] for ways in found for part in ways if part.charged]
    if len(units) < sum(map(len, found)):
        return ()
    for unit in dict.fromkeys(units):
        for ways in found:
            rates = [part.charged[1] if part.charged and part.charged[0] == unit else 0.0 for part in ways]
            least[unit] = least.get(unit, 0.0) + min(rates)
            most[unit] = most.get(unit, 0.0) + max(rates)
    return tuple(Amount(unit, least[unit] * hours, most[unit] * hours) for unit in least)


def whose_rule(site: Site, found: Cost) -> Origin:
    """The origin of a cost."""
    return site.cite("charge", "rates") if found.charges else KEPT


KEPT = Origin("rule", "cores that the job occupies, for the whole time limit")


def _partitions(site: Site, job: Job, c: Component) -> List[Optional[str]]:
    """Where the component may run: its partitions or, if the scheduler routes jobs, those that take it; [None] if unknown."""
    if c.partition:
        return [name for name in c.partition.split(",") if name in site.partitions] or [None]
    open_to = [
        name
        for name, partition in site.partitions.items()
        if partition.auto and suits(site, partition.nodes, c) and not refusals(site, job, c, name)
    ]
    return list(open_to) or [None]


def suits(site: Site, kinds: Tuple[str, ...], c: Component) -> bool:
    """Whether a component may go to these kinds of node: GPU nodes are for jobs that ask for GPUs, and only for these."""
    cards = [bool(site.nodes[kind].gpus) for kind in kinds]
    return any(cards) if c.gpus else not cards or not all(cards)


def _rates(site: Site, name: Optional[str]) -> Rates:
    own = site.partitions[name].charge if name else Rates()
    return own if own != Rates() else site.charge.rates


def _share(site: Site, c: Component, name: Optional[str]) -> Share:
    """What the component occupies in this partition."""
    c = settled(site, c, name)
    node = _node(site, c, name)
    counts = tasks_by_node(c) or on_fewest_nodes(site.offer(node, c) if node else None, c)
    each = node.threads_per_core if node and site.cpu.unit == "thread" else 1
    cpus = c.cpus or sum(_cpus(site, c, tasks, each) for tasks in counts)
    cores = cpus / (each if site.cpu.unit == "thread" else c.threads_per_core or 1)
    whole = bool(c.whole_node_cpus or c.exclusive or _rates(site, name).basis == "nodes")
    mem = _memory(c, node, len(counts), cpus if each > 1 and threads(c) != 1 else task_cpus(c))
    if whole and node:
        cpus, cores = len(counts) * site.cpus(node), float(len(counts) * node.cores)
    return Share(node=node, nodes=len(counts), cpus=cpus, cores=cores, mem=mem, gpus=all_gpus(c), whole=whole)


def _cpus(site: Site, c: Component, tasks: int, each: int) -> int:
    """CPUs of a node's tasks, in whole cores of `each` threads.

    Slurm gives whole cores. With --threads-per-core=1 or nomultithread, it gives all threads of one core for each requested
    CPU. Source: slurm.conf(5), CR_Core; runs of 22.05.8: tests/cluster/test_threads.py.
    """
    if each == 1 or not schedulers.get(site.scheduler.type).hardware_threads:
        return tasks * c.cpus_per_task
    if threads(c) == 1:
        return tasks * c.cpus_per_task * each
    apart = site.cpu.task_per_core if c.ntasks_per_core is None and c.hint != "multithread" else c.ntasks_per_core == 1
    cores = tasks * ceil(c.cpus_per_task / each) if apart else ceil(tasks * c.cpus_per_task / each)
    return cores * each


def _memory(c: Component, node: Optional[Node], nodes: int, cpus: int) -> int:
    """MiB in all. Memory per CPU applies to the allocated CPUs or, with one thread per core, to the requested CPUs. Source:
    sbatch(1), --mem-per-cpu."""
    if c.mem_mib == 0 and node:
        return (node.mem or 0) * nodes
    if c.mem_mib:
        return c.mem_mib * nodes
    return c.mem_per_cpu_mib * cpus if c.mem_per_cpu_mib else all_memory(c)


def _node(site: Site, c: Component, name: Optional[str]) -> Optional[Node]:
    """The smallest kind of node of the partition that can hold one node's share of the job."""
    kinds = list(site.kinds(name).values())
    fitting = [kind for kind in kinds if holds(site.offer(kind, c), c) and (not kind.gpus or c.gpus)] or kinds
    return min(fitting, key=lambda kind: (kind.gpus, site.cpus(kind), kind.mem or 0), default=None)


def _charged(site: Site, share: Share, rates: Rates, c: Component) -> Optional[Tuple[str, float]]:
    """The unit, and the units per hour; None if the profile has no price for a part of the component."""
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
    """Units per hour of the component's GPUs, or of all GPUs on its nodes if whole nodes are charged; None if their model has
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
    """CPUs, memory and GPUs as fractions of a node: 1.5 means one and a half nodes."""
    node = share.node
    if node is None:
        return {"cpus": 0.0}
    found = {"cpus": share.cpus / site.cpus(node), "gpus": share.gpus / node.gpus if node.gpus else 0.0}
    return {**found, "mem": share.mem / node.mem if node.mem else 0.0}


def _memory_notes(site: Site, share: Share, rates: Rates, c: Component) -> Iterator[str]:
    """Notes if the memory makes the job more expensive than its CPUs and GPUs do, with the largest amount that does not."""
    mem = f"{size(share.mem)} of memory ({c.role}) is charged as"
    if rates.mem_per_cpu and share.mem > 1.001 * (free := share.cpus * rates.mem_per_cpu):  # otherwise it is only rounded
        as_cpus = f"{share.mem / rates.mem_per_cpu:.4g} CPUs in place of {share.cpus}"
        yield f"{mem} {as_cpus}: with {_cheaper_memory(share, c, free)} it costs nothing extra"
    if rates.basis == "share" and share.node and share.node.mem:
        parts = _fractions(site, share)
        other = max(parts["cpus"], parts["gpus"])
        if parts["mem"] > other:
            what = f"{parts['mem']:.3g} of a node in place of {other:.3g} for the CPUs and GPUs"
            yield f"{mem} {what}: with {_cheaper_memory(share, c, other * share.node.mem)} it costs nothing extra"


def _cheaper_memory(share: Share, c: Component, mib: float) -> str:
    """The option for this many MiB in all, in the style that the user chose."""
    if c.mem_per_cpu_mib:
        return f"--mem-per-cpu {size(int(mib * c.mem_per_cpu_mib / share.mem))}"
    return f"--mem {size(int(mib / share.nodes))}"


def line(found: Cost) -> str:
    """The cost in one line."""
    amounts = [in_units(number(charge), charge.unit) for charge in found.charges if charge.unit != "core-hours"]
    hours = [in_units(f"{found.core_hours:.4g}", "core-hours")]
    hours += [in_units(f"{found.node_hours:.4g}", "node-hours")] if found.node_hours is not None else []
    hours += [in_units(f"{found.gpu_hours:.4g}", "GPU-hours")] if found.gpu_hours is not None else []
    each = f" of {found.jobs} jobs" if found.jobs > 1 else ""
    return f"{', '.join([*hours, *amounts])} in {clock(found.seconds)}{each}"


def number(charge: Amount) -> str:
    """``12.5``, or ``12.5 to 18`` if it depends on the partition."""
    return f"{charge.least:.5g}" if charge.least == charge.most else f"{charge.least:.5g} to {charge.most:.5g}"
