"""The partition of a component: the one requested, none if the scheduler routes jobs, otherwise one that fits."""

from __future__ import annotations

import sys
from math import prod
from typing import List, NamedTuple, Optional, Tuple

from hpcgen.base.errors import among
from hpcgen.model.job import Component, Job, Origin
from hpcgen.model.layout import all_gpus, node_cpus, node_gpus, node_memory, task_cpus
from hpcgen.planning.allocation import narrowest
from hpcgen.planning.limits import refusals, there
from hpcgen.profiles.site import Site

# Stands for a limit that no source states.
UNKNOWN = sys.maxsize


class Choice(NamedTuple):
    """The partition, None if the scheduler chooses; why this one; the refusals, if the job does not fit; and whether hpcgen
    chose it."""

    partition: Optional[str]
    origin: Origin
    refused: List[str]
    chosen: bool = False


def choose(site: Site, job: Job, component: Component) -> Choice:
    """The partition for a component. If none takes it, the refusals are those of the partition that comes closest."""
    if component.partition:
        return _asked(site, job, component)
    routed = Origin("fact", f"{site.id}: the scheduler chooses the partition")
    if not site.partitions:
        return Choice(None, routed, refusals(site, job, component, None))
    name, refused = _narrowest_that_fits(site, job, component)
    if refused and (named := _by_name(site, job, component)):
        refused[-1] += f", or {named}"
    if site.scheduler.routes:
        return Choice(None, site.cite("scheduler", "routes"), refused)
    why = "the site's default" if site.partitions[name].default else "the narrowest that fits"
    return Choice(name, Origin("rule", why), refused, chosen=True)


def _narrowest_that_fits(site: Site, job: Job, component: Component) -> Tuple[str, List[str]]:
    """The narrowest partition that takes the component or, if none does, the closest one with its refusals."""
    tried: List[Tuple[float, str, List[str]]] = []
    for name, _ in sorted(_candidates(site, component), key=lambda found: (narrowest(site, component, found[0]), found[1])):
        if not (refused := refusals(site, job, component, name)):
            return name, []
        tried.append((excess(site, job, component, name), name, refused))
    _, name, refused = min(tried, key=lambda found: found[0])
    return name, refused


def _by_name(site: Site, job: Job, component: Component) -> str:
    """The partitions that would take it, but only if the user names them."""
    named = [name for name, partition in site.partitions.items() if not partition.auto]
    fitting = [f"--partition {name}" for name in named if not refusals(site, job, component, name)]
    return " or ".join(fitting)


def excess(site: Site, job: Job, component: Component, name: str) -> float:
    """The factor by which the component exceeds the partition. The refusals of the closest partition are shown."""
    partition = site.partitions[name]
    kinds = [site.nodes[kind] for kind in partition.nodes]
    offers = [site.offer(node, component) for node in kinds]
    cpus, gpus = there(site, kinds, component)
    roomiest = partition.max_mem or max((offer.mem or UNKNOWN for offer in offers), default=None)
    pairs = (
        (job.time, partition.max_time),
        (component.nodes, partition.max_nodes),
        (task_cpus(component), min(filter(None, (partition.max_cpus, cpus)), default=None)),
        (all_gpus(component), gpus),
        (node_cpus(component), max((offer.cpus for offer in offers), default=None)),
        (node_memory(component), roomiest),
        (node_gpus(component), max((offer.gpus for offer in offers), default=None)),
    )
    return prod(max(1.0, asked / (limit or 0.01)) for asked, limit in pairs if asked and limit is not None)


def _asked(site: Site, job: Job, component: Component) -> Choice:
    """The requested partition, or several separated by commas, as Slurm accepts them: all must be known, and one must fit."""
    asked = Origin("flag", "--partition")
    names = str(component.partition).split(",")
    known = list(site.partitions)
    unknown = [f"--partition {n}: {site.id} has no such partition{among(n, known)}" for n in names if n not in known]
    if unknown and site.partitions:
        return Choice(component.partition, asked, unknown)
    if not site.partitions:
        return Choice(component.partition, asked, refusals(site, job, component, None))
    return Choice(component.partition, asked, min((refusals(site, job, component, n) for n in names), key=len))


def _candidates(site: Site, component: Component) -> List[Tuple[str, Tuple[int, int, int, int, int, int, str]]]:
    """Partitions with their rank, narrowest first: the default before the others, shared nodes before whole nodes, and GPU
    partitions only for jobs that ask for GPUs.

    If every node has GPUs, all partitions are candidates for every job.
    """
    ranked, plain = [], []
    for name, partition in site.partitions.items():
        kinds = [site.nodes[kind] for kind in partition.nodes]
        gpus = bool(kinds) and all(node.gpus for node in kinds)
        memory = max((node.mem or UNKNOWN for node in kinds), default=UNKNOWN)
        odd = int(gpus != (component.gpus is not None))
        if partition.auto:
            whole, nodes = int(partition.whole_nodes == "always"), partition.max_nodes or UNKNOWN
            longest = partition.max_time or UNKNOWN
            ranked.append((name, (odd, int(not partition.default), whole, longest, memory, nodes, name)))
            plain += [name] if not gpus else []
    if component.gpus is None and plain:
        ranked = [found for found in ranked if found[0] in plain]
    return ranked or [(name, (3, 0, 0, 0, 0, 0, name)) for name in site.partitions]
