"""All arithmetic of a component: what a node must give it, how much of it a node holds, how its tasks are dealt out.

Memory is in MiB. CPUs are what the scheduler counts: cores, or hardware threads.
"""

from __future__ import annotations

from math import ceil
from typing import List, NamedTuple, Optional

from hpcgen.model.job import Component


class Offer(NamedTuple):
    """What one node offers a component: CPUs as the component counts them, MiB or None if unknown, GPUs."""

    cpus: int
    mem: Optional[int]
    gpus: int


class Chunk(NamedTuple):
    """`times` equal parts of a component, each on one node. `mem` is in MiB, None for all of a node's."""

    times: int
    tasks: int
    cpus: int
    mem: Optional[int]
    gpus: int


# --- the whole component


def task_cpus(c: Component) -> int:
    """CPUs that its tasks use together."""
    return c.ntasks * c.cpus_per_task


def all_cpus(c: Component) -> int:
    """CPUs that are allocated: more than its tasks use where the site gives whole nodes, or CPUs with each GPU."""
    return c.cpus or task_cpus(c)


def all_gpus(c: Component) -> int:
    """GPUs in all; a number for each node counts once where the number of nodes is unknown."""
    if c.gpus is None:
        return 0
    return c.gpus.count * {"job": 1, "node": len(tasks_by_node(c) or [1]), "task": c.ntasks}[c.gpus.per]


def all_memory(c: Component) -> int:
    """MiB in all; an amount for each node counts once where the number of nodes is unknown."""
    if c.mem_per_cpu_mib:
        return c.mem_per_cpu_mib * task_cpus(c)
    if c.mem_per_gpu_mib:
        return c.mem_per_gpu_mib * all_gpus(c)
    return (c.mem_mib or 0) * len(tasks_by_node(c) or [1])


def threads(c: Component) -> Optional[int]:
    """Hardware threads of each core that the user asked for; None leaves it to the site.

    Source: sbatch(1), --hint: nomultithread is one thread of each core, multithread all of them.
    """
    return c.threads_per_core or {"nomultithread": 1, "multithread": 8}.get(c.hint or "")


# --- its tasks on nodes


def tasks_by_node(c: Component) -> Optional[List[int]]:
    """The number of tasks on each node, or None where that is left to the scheduler.

    Tasks are dealt out `ntasks_per_node` to each node or, where that does not come out even, in near equal parts.
    """
    each = c.ntasks_per_node
    nodes = c.nodes or (ceil(c.ntasks / each) if each else None)
    if nodes is None:
        return [1] if c.ntasks == 1 else None
    if each:
        full, rest = divmod(c.ntasks, each)
        if full + bool(rest) == nodes:
            return [each] * full + [rest] * bool(rest)
    fewer, more = divmod(c.ntasks, nodes)
    return [fewer + 1] * more + [fewer] * (nodes - more)


def tasks_on_node(c: Component) -> int:
    """Tasks that the fullest node must hold at least: 1 where nobody said how many nodes there are."""
    return c.ntasks_per_node or max(tasks_by_node(c) or [1])


def most_tasks_on_node(c: Component) -> int:
    """Tasks that one node may have to hold: all of them where nobody said how many nodes there are."""
    return c.ntasks_per_node or max(tasks_by_node(c) or [c.ntasks])


def node_cpus(c: Component) -> int:
    """CPUs that one node must give."""
    return tasks_on_node(c) * c.cpus_per_task


def node_memory(c: Component) -> Optional[int]:
    """MiB that one node must give: 0 for all of its memory, None where the component asks for none."""
    if c.mem_per_cpu_mib:
        return c.mem_per_cpu_mib * node_cpus(c)
    if c.mem_per_gpu_mib:
        return c.mem_per_gpu_mib * node_gpus(c)
    return c.mem_mib


def node_gpus(c: Component) -> int:
    """GPUs that one node must give at least."""
    if c.gpus is None:
        return 0
    if c.gpus.per == "job":
        return ceil(c.gpus.count / (c.nodes or (1 if c.ntasks == 1 else c.gpus.count)))
    return c.gpus.count * (tasks_on_node(c) if c.gpus.per == "task" else 1)


# --- on a kind of node


def held(offer: Offer, c: Component) -> int:
    """Tasks that such a node has room for, by its CPUs, its memory and its GPUs."""
    most = offer.cpus // c.cpus_per_task
    if c.mem_per_cpu_mib and offer.mem:
        most = min(most, offer.mem // (c.mem_per_cpu_mib * c.cpus_per_task))
    if c.gpus is None:
        return most
    if c.gpus.per == "task":
        return min(most, offer.gpus // c.gpus.count)
    if c.gpus.per == "job" and offer.gpus and c.nodes is None and c.gpus.count > offer.gpus:
        return min(most, c.ntasks * offer.gpus // c.gpus.count)
    return most if offer.gpus >= (c.gpus.count if c.gpus.per == "node" else 1) else 0


def holds(offer: Offer, c: Component) -> bool:
    """Whether such a node has what one node must give."""
    if held(offer, c) < tasks_on_node(c):
        return False
    return not offer.mem or (node_memory(c) or 0) <= offer.mem


def nodes_needed(offer: Offer, c: Component) -> int:
    """Such nodes that the tasks need. The node must hold what `tasks_on_node` says."""
    return c.nodes or ceil(c.ntasks / (c.ntasks_per_node or held(offer, c)))


def on_fewest_nodes(offer: Optional[Offer], c: Component) -> List[int]:
    """The number of tasks on each node, on as few such nodes as hold them; on one where the kind of node is unknown."""
    each = max(1, min(held(offer, c) if offer else c.ntasks, c.ntasks))
    full, rest = divmod(c.ntasks, each)
    return [each] * full + [rest] * bool(rest)


# --- in chunks


def chunks(c: Component) -> List[Chunk]:
    """A component in parts of one node each, or of one task each where the number of nodes is unknown."""
    counts = tasks_by_node(c) or [1] * c.ntasks
    total = sum(_gpus_beside(c, tasks, len(counts)) for tasks in counts)
    made: List[Chunk] = []
    for tasks in counts:
        chunk = _chunk(c, tasks, len(counts), total)
        if made and made[-1][1:] == chunk[1:]:
            made[-1] = made[-1]._replace(times=made[-1].times + 1)
        else:
            made.append(chunk)
    return made


def _chunk(c: Component, tasks: int, parts: int, all_its_gpus: int) -> Chunk:
    """The part of one node with so many tasks, of so many parts."""
    gpus = _gpus_beside(c, tasks, parts)
    with_gpus = (c.cpus or 0) * gpus // all_its_gpus if all_its_gpus else 0  # the CPUs that come with these GPUs
    if c.mem_per_cpu_mib:
        mem: Optional[int] = c.mem_per_cpu_mib * c.cpus_per_task * tasks
    elif c.mem_per_gpu_mib:
        mem = c.mem_per_gpu_mib * gpus
    else:
        mem = c.mem_mib or None
    return Chunk(1, tasks, c.whole_node_cpus or max(with_gpus, tasks * c.cpus_per_task), mem, gpus)


def _gpus_beside(c: Component, tasks: int, parts: int) -> int:
    """GPUs of a node with so many tasks, of so many parts."""
    if c.gpus is None:
        return 0
    if c.gpus.per == "task":
        return c.gpus.count * tasks
    return c.gpus.count if c.gpus.per == "node" else c.gpus.count // parts
