"""What a site's way of giving nodes makes of a component: whole nodes, and CPUs that come with GPUs."""

from __future__ import annotations

from math import ceil
from typing import Iterator, List, Optional, Tuple

import msgspec

from hpcgen.job import Component
from hpcgen.site import Node, Partition, Site
from hpcgen.spelling import by_node
from hpcgen.units import clock

replace = msgspec.structs.replace


def settled(site: Site, c: Component, name: Optional[str]) -> Component:
    """The component as it is allocated in this partition; as it was where the site has no rule, or no node is large enough."""
    partition = site.partitions.get(name) if name else None
    if partition and partition.cpus_per_gpu and (gpus := all_gpus(c)):
        why = site.cite("partitions", str(name), "cpus_per_gpu")
        c = replace(c, cpus=max(gpus * partition.cpus_per_gpu, c.ntasks * c.cpus_per_task), origins={**c.origins, "cpus": why})
    rule = rule_of(site, partition)
    kinds = partition.nodes if partition else tuple(site.nodes)
    if c.mem_mib == 0 and site.scheduler.type != "slurm":
        c = _all_memory(c, [site.nodes[kind] for kind in kinds])
    if rule in (None, "never"):
        fits = any(_room(site, site.nodes[kind], c) >= c.ntasks for kind in kinds)
        return replace(c, nodes=1) if fits and together(site, c) else c
    fitting = [(site.cpus(node), node) for node in (site.nodes[kind] for kind in kinds) if _room(site, node, c) >= _least(c)]
    if not fitting:
        return c
    have, node = min(fitting, key=lambda found: found[0])
    nodes = c.nodes or ceil(c.ntasks / (c.ntasks_per_node or _room(site, node, c)))
    if rule == "above-one" and nodes == 1:
        return replace(c, nodes=1)
    own = partition is not None and partition.whole_nodes is not None
    table = _by_nodes(site) if site.scheduler.whole_nodes is None else None
    stated = site.cite(table, "style") if table else site.cite("scheduler", "whole_nodes")
    why = site.cite("partitions", str(name), "whole_nodes") if own else stated
    origins = {**c.origins, "whole_node_cpus": why, "cpus": why, **({} if c.nodes else {"nodes": why})}
    return replace(c, nodes=nodes, whole_node_cpus=have, cpus=nodes * have, origins=origins)


def _all_memory(c: Component, nodes: List[Node]) -> Component:
    """Only Slurm has a word for all memory of a node: elsewhere it is that of the smallest that the job may land on. Where
    that is not known, a node of one's own comes with all of it."""
    known = [node.mem for node in nodes if node.mem]
    if nodes and len(known) == len(nodes):
        return replace(c, mem_mib=int(min(known)))
    return replace(c, mem_mib=None) if c.exclusive else c


def together(site: Site, c: Component) -> bool:
    """Whether tasks of which nothing was said go to one node, where they fit: their CPUs or their memory would else be
    counted on a number of nodes that nobody knows."""
    if c.ntasks == 1 or by_node(c) is not None:
        return False
    wide = c.cpus_per_task > 1 and site.mpi.launcher in ("mpirun", "mpiexec")
    if site.scheduler.type == "sge":
        return wide and site.sge.style == "slots"
    if site.scheduler.type != "lsf" or site.lsf.style != "slots":
        return False
    return site.lsf.memory_per == "node" or c.gpus is not None or (wide and site.lsf.cpus == "slots")


def rule_of(site: Site, partition: Optional[Partition]) -> Optional[str]:
    """Whether nodes are whole ones; where jobs ask for numbers of nodes and of nothing else, they always are."""
    stated = (partition.whole_nodes if partition else None) or site.scheduler.whole_nodes
    return stated or ("always" if _by_nodes(site) else None)


def _by_nodes(site: Site) -> Optional[str]:
    """The scheduler whose jobs ask for nodes only here."""
    styles = {"sge": (site.sge.style, "node-types"), "lsf": (site.lsf.style, "nodes")}
    style, by_nodes = styles.get(site.scheduler.type, ("", "-"))
    return site.scheduler.type if style == by_nodes else None


def narrowest(site: Site, c: Component, name: str) -> Tuple[int, int]:
    """Where types of node are asked for, the better is that of which fewer, and then smaller ones, are needed."""
    if site.scheduler.type != "sge" or site.sge.style != "node-types":
        return 0, 0
    c = settled(site, c, name)
    return c.nodes or 1, c.cpus or 0


def all_gpus(c: Component) -> int:
    """GPUs in all; a number for each node counts once where the nodes are not known."""
    if c.gpus is None:
        return 0
    return c.gpus.count * {"job": 1, "node": len(by_node(c) or [1]), "task": c.ntasks}[c.gpus.per]


def _least(c: Component) -> int:
    """Tasks that a node must hold."""
    return c.ntasks_per_node or max(by_node(c) or [1])


def _room(site: Site, node: Node, c: Component) -> int:
    """Tasks that such a node holds by its CPUs, its memory and its GPUs."""
    room = site.cpus(node, c.threads_per_core) // c.cpus_per_task
    if c.mem_per_cpu_mib and node.mem:
        room = min(room, node.mem // (c.mem_per_cpu_mib * c.cpus_per_task))
    if c.gpus is None:
        return room
    if c.gpus.per == "task":
        return min(room, node.gpus // c.gpus.count)
    if c.gpus.per == "job" and node.gpus and c.nodes is None and c.gpus.count > node.gpus:
        return min(room, c.ntasks * node.gpus // c.gpus.count)
    return room if node.gpus >= (c.gpus.count if c.gpus.per == "node" else 1) else 0


def idle(c: Component, seconds: Optional[int]) -> Iterator[str]:
    """What of whole nodes the tasks leave unused."""
    used = c.ntasks * c.cpus_per_task
    if c.cpus and c.cpus > used:
        over = f", {(c.cpus - used) * seconds / 3600:.4g} core-hours in {clock(seconds)}" if seconds else ""
        nodes = f"{c.nodes} whole node{'s' * (c.nodes != 1)} of {c.whole_node_cpus} CPUs"
        what = nodes if c.whole_node_cpus else f"{c.cpus} CPUs"
        tasks = f"{c.ntasks} task{'s' * (c.ntasks != 1)} of {c.cpus_per_task} ({c.role})"
        yield f"{what} for {tasks}: {c.cpus - used} CPUs stay idle{over}"
