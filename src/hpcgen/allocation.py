"""What a site's way of giving nodes makes of a component: whole nodes, CPUs that come with GPUs, threads of one core."""

from __future__ import annotations

from math import ceil
from typing import Dict, Iterator, List, Optional, Tuple

import msgspec

from hpcgen.errors import RequestError
from hpcgen.facts import Node, Partition
from hpcgen.job import Component, Job, Origin
from hpcgen.request import Request
from hpcgen.site import Site
from hpcgen.spelling import by_node
from hpcgen.units import clock
from hpcgen.workloads import HEAD, SMALL, Assumed, threads

replace = msgspec.structs.replace
# Of a task that may have more CPUs, where they come with its GPUs.
UNASKED = Origin("default", "one CPU a task, unless asked otherwise")
# Of the one task of a node, whose processes share it: also those of a node that is the job's own.
SHARED = Origin("default", "one CPU a process, unless asked otherwise")
MEMORY = Origin("default", "1G a CPU, unless asked otherwise")


def settled(site: Site, c: Component, name: Optional[str]) -> Component:
    """The component as it is allocated in this partition; as it was where the site has no rule, or no node is large enough."""
    partition, asked = site.partitions.get(name) if name else None, c
    if partition and partition.cpus_per_gpu and (gpus := all_gpus(c)):
        why = site.cite("partitions", str(name), "cpus_per_gpu")
        given = gpus * partition.cpus_per_gpu
        c = replace(c, cpus=max(given, c.ntasks * c.cpus_per_task), origins={**c.origins, "cpus": why})
        unasked = asked.origins.get("cpus_per_task")
        if unasked == SHARED or (unasked == UNASKED and c.ntasks == 1):
            c = _wider(c, asked, max(given // c.ntasks, c.cpus_per_task), why)
    rule = rule_of(site, partition)
    kinds = partition.nodes if partition else tuple(site.nodes)
    if c.gpus is None:  # a node with GPUs only where no other holds the tasks
        kinds = tuple(kind for kind in kinds if not site.nodes[kind].gpus and holds(site, site.nodes[kind], c)) or kinds
    if c.mem_mib == 0 and site.scheduler.type != "slurm":
        c = _all_memory(c, [site.nodes[kind] for kind in kinds])
    if rule in (None, "never"):
        fits = any(room(site, site.nodes[kind], c) >= c.ntasks for kind in kinds)
        c = replace(c, nodes=1) if fits and together(site, c) else c
        return _own(site, c, asked, kinds) if c.exclusive else c
    fitting = [(site.cpus(node), node) for node in (site.nodes[kind] for kind in kinds) if holds(site, node, c)]
    if not fitting:
        return c
    have, node = min(fitting, key=lambda found: found[0])
    nodes = c.nodes or ceil(c.ntasks / (c.ntasks_per_node or room(site, node, c)))
    if rule == "above-one" and nodes == 1:
        return replace(c, nodes=1)
    own = partition is not None and partition.whole_nodes is not None
    table = _by_nodes(site) if site.scheduler.whole_nodes is None else None
    stated = site.cite(table, "style") if table else site.cite("scheduler", "whole_nodes")
    why = site.cite("partitions", str(name), "whole_nodes") if own else stated
    origins = {**c.origins, "whole_node_cpus": why, "cpus": why, **({} if c.nodes else {"nodes": why})}
    return _own(site, replace(c, nodes=nodes, whole_node_cpus=have, cpus=nodes * have, origins=origins), asked, kinds)


def _wider(c: Component, asked: Component, cpus: int, why: Origin) -> Component:
    """Its tasks with so many CPUs, where nothing was said of them: a process then has one each."""
    env = threads(cpus // asked.cpus_per_task) if c.env else ()
    return replace(c, cpus_per_task=cpus, env=env, origins={**c.origins, "cpus_per_task": why})


def _own(site: Site, c: Component, asked: Component, kinds: Tuple[str, ...]) -> Component:
    """The one task of a node that is the job's own with all of it, of what nothing was said: CPUs, memory. Of nodes that
    differ, those of the smallest that may be given."""
    fitting = [kind for kind in kinds if holds(site, site.nodes[kind], asked)]
    if fitting and asked.origins.get("cpus_per_task") == SHARED:
        unasked = asked.origins.get("mem_per_cpu_mib") == MEMORY
        one = replace(
            asked,
            cpus_per_task=1,
            gpus=None,
            mem_per_cpu_mib=None if unasked else c.mem_per_cpu_mib,
            threads_per_core=1 if c.hint == "nomultithread" else c.threads_per_core,
        )
        have, kind = min((room(site, site.nodes[kind], one), kind) for kind in fitting)
        c = _wider(c, asked, have, site.cite("nodes", kind, "cores"))
    if asked.origins.get("mem_per_cpu_mib") == MEMORY:
        why = Origin("rule", "all memory of nodes that are not shared")
        c = replace(c, mem_mib=0, mem_per_cpu_mib=None, origins={**c.origins, "mem_mib": why})
        if site.scheduler.type != "slurm":
            c = _all_memory(c, [site.nodes[kind] for kind in fitting])
            c = replace(c, mem_mib=c.mem_mib or None)
    return c


def of_each_node(request: Request, c: Component) -> Component:
    """The one task of a node, marked with what was not said of it: CPUs and memory, which then may be all that there are."""
    cpus = (request.cpus_per_task, request.cpus_per_worker, request.cpus_per_gpu)
    mem = request.mem_per_cpu
    if c.role == HEAD:
        cpus, mem = (request.scheduler_cpus, None, None), request.scheduler_mem
    marks = {}
    if not any(cpus):
        marks["cpus_per_task"] = SHARED
    if c.mem_per_cpu_mib and not mem:
        marks["mem_per_cpu_mib"] = MEMORY
    return replace(c, origins={**c.origins, **marks})


def assumed(said: Assumed, c: Component, placed: Component) -> Dict[str, str]:
    """What stands for what was not said of a component: as it was, and as it is allocated."""
    found = dict(said)
    if "cpus_per_task" in found and placed.cpus_per_task != c.cpus_per_task:
        whole = placed.whole_node_cpus or placed.exclusive
        of = "of each node" if whole else "that come with the GPUs of each node"
        capped = whole and placed.mem_per_cpu_mib  # by the memory that was asked for each: `room` counts both
        found["cpus_per_task"] = f"{'' if capped else 'all '}{placed.cpus_per_task} CPUs {of}"
    if "mem_per_cpu" in found and c.mem_per_cpu_mib and placed.mem_per_cpu_mib is None:
        del found["mem_per_cpu"]
        found["mem"] = "all memory of each node"
    return found


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


def least(c: Component) -> int:
    """Tasks that a node must hold."""
    return c.ntasks_per_node or max(by_node(c) or [1])


def room(site: Site, node: Node, c: Component) -> int:
    """Tasks that such a node holds by its CPUs, its memory and its GPUs."""
    most = site.cpus(node, c.threads_per_core) // c.cpus_per_task
    if c.mem_per_cpu_mib and node.mem:
        most = min(most, node.mem // (c.mem_per_cpu_mib * c.cpus_per_task))
    if c.gpus is None:
        return most
    if c.gpus.per == "task":
        return min(most, node.gpus // c.gpus.count)
    if c.gpus.per == "job" and node.gpus and c.nodes is None and c.gpus.count > node.gpus:
        return min(most, c.ntasks * node.gpus // c.gpus.count)
    return most if node.gpus >= (c.gpus.count if c.gpus.per == "node" else 1) else 0


def holds(site: Site, node: Node, c: Component) -> bool:
    """Whether such a node has what one node must give."""
    return room(site, node, c) >= least(c) and (c.mem_mib or 0) <= (node.mem or c.mem_mib or 0)


def untyped(site: Site, job: Job) -> Tuple[Job, List[str]]:
    """The job without the types of GPU that all nodes with GPUs of their partitions have, and what is to be said of it."""
    parts, notes = [], []
    for c in job.components:
        partition = site.partitions.get(c.partition or "")
        nodes = [site.nodes[kind] for kind in (partition.nodes if partition else site.nodes)]
        models = {(node.gpu or "").lower() for node in nodes if node.gpus}
        if c.gpus and c.gpus.type and models == {c.gpus.type.lower()}:
            where = f"partition {c.partition}" if partition else site.id
            notes.append(f"the type {c.gpus.type} is not written, for all GPUs of {where} are of it")
            c = replace(c, gpus=replace(c.gpus, type=None))
        parts.append(c)
    return replace(job, components=tuple(parts)), list(dict.fromkeys(notes))


def idle(c: Component, seconds: Optional[int]) -> Iterator[str]:
    """What of whole nodes the tasks leave unused."""
    used = c.ntasks * c.cpus_per_task
    if c.cpus and c.cpus > used:
        over = f", {(c.cpus - used) * seconds / 3600:.4g} core-hours in {clock(seconds)}" if seconds else ""
        nodes = f"{c.nodes} whole node{'s' * (c.nodes != 1)} of {c.whole_node_cpus} CPUs"
        what = nodes if c.whole_node_cpus else f"{c.cpus} CPUs"
        tasks = f"{c.ntasks} task{'s' * (c.ntasks != 1)} of {c.cpus_per_task} ({c.role})"
        yield f"{what} for {tasks}: {c.cpus - used} CPUs stay idle{over}"


def on_one_core(site: Site, request: Request, c: Component) -> Component:
    """Scheduler and client, which mostly wait, on two hardware threads of one core, as NeSI's page on Dask-MPI advises.

    --ntasks-per-core=2 gives them one core also where tasks have one each by default; --threads-per-core=2 alone does not.
    A core each is --threads-per-core=1: with --ntasks-per-core=1 both are bound to one thread. Run on 22.05.8 with and
    without CR_ONE_TASK_PER_CORE: tests/cluster/test_threads.py. Unasked, it is done where a CPU of the scheduler's is a
    thread. Raises RequestError where it was asked for and cannot be had.
    """
    why = _no_sharing(site, request, c)
    if request.share_core and why:
        raise RequestError(f"--share-core: {why}: leave it out")
    if why or (site.cpu.unit == "core" and not request.share_core):
        return c
    if request.share_core is False:
        return replace(c, threads_per_core=1, origins={**c.origins, "threads_per_core": Origin("flag", "--no-share-core")})
    origin = Origin("rule", "scheduler and client mostly wait: one core's two threads are enough")
    own = {**c.origins, "ntasks_per_core": origin, "threads_per_core": origin}
    return replace(c, ntasks_per_core=2, threads_per_core=None if site.cpu.unit == "thread" else 2, origins=own)


def _no_sharing(site: Site, request: Request, c: Component) -> Optional[str]:
    """Why the tasks of this component cannot be two to a core, or None."""
    partition = site.partitions.get(c.partition or "")
    kinds = [site.nodes[name] for name in (partition.nodes if partition else site.nodes)]
    if site.scheduler.type != "slurm":
        return f"{site.scheduler.type} of {site.id} allocates no hardware threads"
    if not kinds or any(kind.threads_per_core < 2 for kind in kinds):
        return f"the profile of {site.id} does not say that all its cores have two hardware threads"
    if c.cpus_per_task > 1:
        return f"--scheduler-cpus {c.cpus_per_task} are more than a thread each"
    asked = (request.hint, request.threads_per_core, request.ntasks_per_core)
    return "--hint, --threads-per-core and --ntasks-per-core say it already" if any(asked) else None


def sharing(request: Request, c: Component) -> Dict[str, str]:
    """A core that is shared unasked, as something that was assumed."""
    if c.role == SMALL and request.share_core is None and "ntasks_per_core" in c.origins:
        return {"no_share_core": "one core for scheduler and client, a thread each"}
    return {}
