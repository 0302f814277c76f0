"""How a site allocates a component: whole nodes, CPUs that come with GPUs, threads of one core."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.base.errors import RequestError
from hpcgen.base.units import clock, counted, in_units
from hpcgen.launch import launchers
from hpcgen.model.job import Component, Job, Open, Origin
from hpcgen.model.layout import all_gpus, held, holds, nodes_needed, task_cpus, tasks_by_node
from hpcgen.planning.case import cited
from hpcgen.profiles.facts import Node, Partition
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.schedulers import Scheduler
from hpcgen.workloads import HEAD, SMALL, Assumed, Workload, threads

replace = msgspec.structs.replace
# For the only task on a node; its processes share its CPUs.
SHARED = Origin("default", "one CPU per process, unless you set it")


class Place(NamedTuple):
    """Where a component may run: a partition, or anywhere at the site if `name` is None."""

    site: Site
    scheduler: Scheduler
    name: Optional[str]
    partition: Optional[Partition]

    def kinds(self, c: Component) -> Dict[str, Node]:
        """The kinds of node there. A component without GPUs goes to GPU nodes only if no other nodes can hold its tasks."""
        kinds = self.site.kinds(self.name)
        if c.gpus is not None:
            return kinds
        plain = {kind: node for kind, node in kinds.items() if not node.gpus and holds(self.site.offer(node, c), c)}
        return plain or kinds


def settled(site: Site, c: Component, name: Optional[str]) -> Component:
    """The component as it is allocated in this partition; unchanged if the site has no rule or no node is large enough."""
    place = Place(site, schedulers.get(site.scheduler.type), name, site.partitions.get(name) if name else None)
    made = _with_cpus_of_gpus(place, c)
    if made.mem_mib == 0 and not place.scheduler.all_memory:
        made = _all_memory(made, list(place.kinds(made).values()))
    if rule_of(site, place.partition) in (None, "never"):
        return _on_parts_of_nodes(place, c, made)
    return _on_whole_nodes(place, c, made)


# --- CPUs that come with GPUs


def _with_cpus_of_gpus(place: Place, c: Component) -> Component:
    """The component with the CPUs that the partition wants jobs to request with each GPU."""
    each, gpus = place.partition.cpus_per_gpu if place.partition else None, all_gpus(c)
    if not (each and gpus):
        return c
    why = place.site.cite("partitions", str(place.name), "cpus_per_gpu")
    made = replace(c, cpus=max(gpus * each, task_cpus(c)), origins={**c.origins, "cpus": why})
    if "cpus_per_task" in c.open and (c.one_a_node or c.ntasks == 1):
        return _wider(made, c, max(gpus * each // c.ntasks, c.cpus_per_task), why)
    return made


def _wider(made: Component, asked: Component, cpus: int, why: Origin) -> Component:
    """Its tasks with this many CPUs, where the user set none. Each process uses its share as threads."""
    env = threads(cpus // asked.cpus_per_task) if made.env else ()
    return replace(made, cpus_per_task=cpus, env=env, origins={**made.origins, "cpus_per_task": why})


# --- parts of nodes


def _on_parts_of_nodes(place: Place, asked: Component, made: Component) -> Component:
    """On one node if the scheduler must have a number of nodes; on all of it if the user asked for --exclusive."""
    if together(place.site, made) and _one_holds(place, made):
        made = replace(made, nodes=1)
    return _all_of_nodes(place, asked, made) if made.exclusive else made


def _one_holds(place: Place, c: Component) -> bool:
    return any(held(place.site.offer(node, c), c) >= c.ntasks for node in place.kinds(c).values())


def together(site: Site, c: Component) -> bool:
    """Whether tasks go to one node, if they fit, when the user gave no number of nodes."""
    if c.ntasks == 1 or tasks_by_node(c) is not None:
        return False
    wide = c.cpus_per_task > 1 and launchers.get(site.mpi.launcher).of_mpi
    return schedulers.get(site.scheduler.type).together(site.dialect, c, wide)


# --- whole nodes


def rule_of(site: Site, partition: Optional[Partition]) -> Optional[str]:
    """When jobs get whole nodes: always, where jobs ask only for a number of nodes."""
    stated = (partition.whole_nodes if partition else None) or site.scheduler.whole_nodes
    return stated or ("always" if schedulers.get(site.scheduler.type).nodes_only(site.dialect) else None)


def _on_whole_nodes(place: Place, asked: Component, made: Component) -> Component:
    """On whole nodes, of the smallest kind that can hold one node's share of the job."""
    site = place.site
    fitting = [(site.cpus(node), node) for node in place.kinds(made).values() if holds(site.offer(node, made), made)]
    if not fitting:
        return made
    cpus, node = min(fitting, key=lambda found: found[0])
    nodes = nodes_needed(site.offer(node, made), made)
    if rule_of(site, place.partition) == "above-one" and nodes == 1:
        return replace(made, nodes=1)
    why = _whose_rule(place)
    origins = {**made.origins, "whole_node_cpus": why, "cpus": why, **({} if made.nodes else {"nodes": why})}
    made = replace(made, nodes=nodes, whole_node_cpus=cpus, cpus=nodes * cpus, origins=origins)
    return _all_of_nodes(place, asked, made)


def _whose_rule(place: Place) -> Origin:
    """The fact that states the rule of whole nodes."""
    site = place.site
    if place.partition is not None and place.partition.whole_nodes is not None:
        return site.cite("partitions", str(place.name), "whole_nodes")
    if site.scheduler.whole_nodes is None and place.scheduler.nodes_only(site.dialect):
        return site.cite(site.scheduler.type, "style")
    return site.cite("scheduler", "whole_nodes")


def not_shared(site: Site, asked: Component, made: Component) -> Iterator[str]:
    """A refusal of --no-exclusive where the component gets whole nodes, with the partitions that share theirs."""
    if asked.exclusive is False and made.whole_node_cpus:
        shared = [name for name in site.partitions if _shares(site, name, made)]
        advice = f", or choose a partition with shared nodes: {', '.join(shared)}" if shared else ""
        where = cited(made.origins["whole_node_cpus"])
        yield f"--no-exclusive: {site.id} gives this job whole nodes {where}: leave it out{advice}"


def _shares(site: Site, name: str, c: Component) -> bool:
    """Whether the partition shares its nodes, and has nodes for the component's GPUs."""
    cards = [bool(node.gpus) for node in site.kinds(name).values()]
    return rule_of(site, site.partitions[name]) in (None, "never") and (any(cards) if c.gpus else not all(cards))


# --- all of a node


def _all_of_nodes(place: Place, asked: Component, made: Component) -> Component:
    """For the only task on an exclusive node: everything of the node that the user left open, CPUs and memory.

    If the possible nodes differ, the task gets what the smallest of them has.
    """
    site = place.site
    fitting = {kind: node for kind, node in place.kinds(made).items() if holds(site.offer(node, asked), asked)}
    if asked.one_a_node and "cpus_per_task" in asked.open and fitting:
        one = _one_cpu(asked, made)
        cpus, kind = min((held(site.offer(node, one), one), kind) for kind, node in fitting.items())
        made = _wider(made, asked, cpus, site.cite("nodes", kind, "cores"))
    if asked.one_a_node and "memory" in asked.open:
        why = Origin("rule", "all memory of nodes that are not shared")
        made = replace(made, mem_mib=0, mem_per_cpu_mib=None, origins={**made.origins, "mem_mib": why})
        if not place.scheduler.all_memory:
            made = _all_memory(made, list(fitting.values()))
            made = replace(made, mem_mib=made.mem_mib or None)
    return made


def _one_cpu(asked: Component, made: Component) -> Component:
    """A task of one CPU and the memory requested per CPU: a node gives as many CPUs as it can hold of these tasks."""
    mem = None if "memory" in asked.open else made.mem_per_cpu_mib
    return replace(asked, cpus_per_task=1, gpus=None, mem_per_cpu_mib=mem)


def _all_memory(c: Component, nodes: List[Node]) -> Component:
    """If the scheduler cannot request all memory of a node, the amount is that of the smallest node that the job may run on.

    If that is unknown, an exclusive node comes with all of its memory anyway.
    """
    known = [node.mem for node in nodes if node.mem]
    if nodes and len(known) == len(nodes):
        return replace(c, mem_mib=int(min(known)))
    return replace(c, mem_mib=None) if c.exclusive else c


# --- what the user left open


def left_open(request: Request, workload: Workload, c: Component) -> Component:
    """The component, marked with what the user left open: CPUs and memory, which may then be all that a node has."""
    if not (workload.one_a_node or workload.widens):
        return c
    cpus = (request.cpus_per_task, request.cpus_per_worker, request.cpus_per_gpu)
    mem = request.mem_per_cpu
    if c.role == HEAD:
        cpus, mem = (request.scheduler_cpus, None, None), request.scheduler_mem
    found: List[Open] = [] if any(cpus) else ["cpus_per_task"]
    if workload.one_a_node and c.mem_per_cpu_mib and not mem:
        found.append("memory")
    shared = {"cpus_per_task": SHARED} if workload.one_a_node and "cpus_per_task" in found else {}
    return replace(c, open=tuple(found), origins={**c.origins, **shared})


def assumed(said: Assumed, c: Component, placed: Component) -> Dict[str, str]:
    """The defaults that apply to a component: as it was laid out, and as it is allocated."""
    found = dict(said)
    if "cpus_per_task" in found and placed.cpus_per_task != c.cpus_per_task:
        whole = placed.whole_node_cpus or placed.exclusive
        of = "of each node" if whole else "that come with the GPUs of each node"
        capped = whole and placed.mem_per_cpu_mib  # by the memory requested per CPU
        found["cpus_per_task"] = f"{'' if capped else 'all '}{placed.cpus_per_task} CPUs {of}"
    if "mem_per_cpu" in found and c.mem_per_cpu_mib and placed.mem_per_cpu_mib is None:
        del found["mem_per_cpu"]
        found["mem"] = "all memory of each node"
    return found


# --- comparing partitions, and notes about them


def narrowest(site: Site, c: Component, name: str) -> Tuple[int, int]:
    """Where partitions are types of node: the nodes and CPUs that the job would need there, the fewer the better."""
    if not schedulers.get(site.scheduler.type).node_types(site.dialect):
        return 0, 0
    c = settled(site, c, name)
    return c.nodes or 1, c.cpus or 0


def untyped(site: Site, job: Job) -> Tuple[Job, List[str]]:
    """The job without GPU types that every GPU node of the partition has, and a note for each."""
    parts, notes = [], []
    for c in job.components:
        models = {(node.gpu or "").lower() for node in site.kinds(c.partition).values() if node.gpus}
        if c.gpus and c.gpus.type and models == {c.gpus.type.lower()}:
            where = f"partition {c.partition}" if c.partition in site.partitions else site.id
            notes.append(f"the script does not name the GPU type {c.gpus.type}: all GPUs of {where} have this type")
            c = replace(c, gpus=replace(c.gpus, type=None))
        parts.append(c)
    return replace(job, components=tuple(parts)), list(dict.fromkeys(notes))


def idle(c: Component, seconds: Optional[int]) -> Iterator[str]:
    """A note on the CPUs of whole nodes that the tasks do not use."""
    used = task_cpus(c)
    if c.cpus and c.cpus > used:
        hours = in_units(f"{(c.cpus - used) * (seconds or 0) / 3600:.4g}", "core-hours")
        over = f", {hours} in {clock(seconds)}" if seconds else ""
        nodes = f"{counted(c.nodes or 1, 'whole node')} of {c.whole_node_cpus} CPUs"
        what = nodes if c.whole_node_cpus else counted(c.cpus, "CPU")
        tasks = f"{counted(c.ntasks, 'task')} of {c.cpus_per_task} ({c.role})"
        yield f"the job gets {what} for {tasks}: {counted(c.cpus - used, 'CPU')} stay idle{over}"


# --- two tasks on one core


def on_one_core(site: Site, request: Request, c: Component) -> Component:
    """Scheduler and client, which mostly wait, on two hardware threads of one core, as NeSI's page on Dask-MPI advises.

    --ntasks-per-core=2 puts them on one core even if the default is one core per task; --threads-per-core=2 alone does not.
    --threads-per-core=1 gives each its own core; with --ntasks-per-core=1 both are bound to one thread. Run on 22.05.8 with
    and without CR_ONE_TASK_PER_CORE: tests/cluster/test_threads.py. This is the default where the scheduler counts hardware
    threads as CPUs. Raises RequestError if the user asked for it and it is not possible.
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
    """Why the tasks of this component cannot share a core, or None."""
    kinds = site.kinds(c.partition).values()
    if not schedulers.get(site.scheduler.type).hardware_threads:
        return f"{site.scheduler.type} at {site.id} does not allocate hardware threads"
    if not kinds or any(kind.threads_per_core < 2 for kind in kinds):
        return f"the profile of {site.id} does not state that all cores have two hardware threads"
    if c.cpus_per_task > 1:
        return f"--scheduler-cpus {c.cpus_per_task} is more than one thread each"
    return "--hint, --threads-per-core and --ntasks-per-core already decide this" if _says_threads(request) else None


def _says_threads(request: Request) -> bool:
    return any((request.hint, request.threads_per_core, request.ntasks_per_core))


def sharing(request: Request, c: Component) -> Dict[str, str]:
    """A core shared by default, as an assumption to report."""
    if c.role == SMALL and c.ntasks_per_core and request.share_core is None and not _says_threads(request):
        return {"no_share_core": "scheduler and client share one core, a hardware thread each"}
    return {}
