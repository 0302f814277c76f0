"""The arithmetic of a component: what it needs of a node, how many tasks fit on a node, how tasks are divided over nodes.

Memory is in MiB. CPUs are what the scheduler counts: cores or hardware threads.
"""

from __future__ import annotations

from math import ceil
from typing import List, NamedTuple, Optional, Tuple

from hpcgen.base.kinds import option
from hpcgen.base.units import size
from hpcgen.model.job import Asked, Component


class Offer(NamedTuple):
    """What one node offers a component: CPUs as the component counts them; MiB, None if unknown; GPUs."""

    cpus: int
    mem: Optional[int]
    gpus: int


class Chunk(NamedTuple):
    """`times` equal parts of a component, each on one node. `mem` is in MiB, None for all memory of a node."""

    times: int
    tasks: int
    cpus: int
    mem: Optional[int]
    gpus: int


# --- the whole component


def task_cpus(c: Component) -> int:
    """CPUs that all its tasks use."""
    return c.ntasks * c.cpus_per_task


def all_cpus(c: Component) -> int:
    """CPUs that are allocated: more than the tasks use if the site gives whole nodes, or CPUs with each GPU."""
    return c.cpus or task_cpus(c)


def all_gpus(c: Component) -> int:
    """GPUs in all; a number per node counts once if the number of nodes is unknown."""
    if c.gpus is None:
        return 0
    return c.gpus.count * {"job": 1, "node": len(tasks_by_node(c) or [1]), "task": c.ntasks}[c.gpus.per]


def all_memory(c: Component) -> int:
    """MiB in all; an amount per node counts once if the number of nodes is unknown."""
    if c.mem_per_cpu_mib:
        return c.mem_per_cpu_mib * task_cpus(c)
    if c.mem_per_gpu_mib:
        return c.mem_per_gpu_mib * all_gpus(c)
    return (c.mem_mib or 0) * len(tasks_by_node(c) or [1])


def threads(c: Component) -> Optional[int]:
    """Hardware threads per core that the user asked for; None for the site's default.

    Source: sbatch(1), --hint: nomultithread is one thread of each core, multithread all of them.
    """
    return c.threads_per_core or {"nomultithread": 1, "multithread": 8}.get(c.hint or "")


# --- its tasks on nodes


def tasks_by_node(c: Component) -> Optional[List[int]]:
    """The number of tasks on each node, or None if the scheduler decides.

    Each node gets `ntasks_per_node` tasks or, if that does not work out, all nodes get nearly equal numbers.
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
    """Tasks that the fullest node must hold at least: 1 if the number of nodes is unknown."""
    return c.ntasks_per_node or max(tasks_by_node(c) or [1])


def most_tasks_on_node(c: Component) -> int:
    """Tasks that one node may have to hold: all of them if the number of nodes is unknown."""
    return c.ntasks_per_node or max(tasks_by_node(c) or [c.ntasks])


def node_cpus(c: Component) -> int:
    """CPUs that one node must have for the job."""
    return tasks_on_node(c) * c.cpus_per_task


def node_memory(c: Component) -> Optional[int]:
    """MiB that one node must have for the job: 0 for all of its memory, None if the component asks for none."""
    if c.mem_per_cpu_mib:
        return c.mem_per_cpu_mib * node_cpus(c)
    if c.mem_per_gpu_mib:
        return c.mem_per_gpu_mib * node_gpus(c)
    return c.mem_mib


def node_gpus(c: Component) -> int:
    """GPUs that one node must have at least."""
    if c.gpus is None:
        return 0
    if c.gpus.per == "job":
        return ceil(c.gpus.count / (c.nodes or (1 if c.ntasks == 1 else c.gpus.count)))
    return c.gpus.count * (tasks_on_node(c) if c.gpus.per == "task" else 1)


# --- on a kind of node


def held(offer: Offer, c: Component) -> int:
    """The number of tasks that fit on such a node, by CPUs, memory and GPUs."""
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
    """Whether such a node has what the job needs of one node."""
    if held(offer, c) < tasks_on_node(c):
        return False
    return not offer.mem or (node_memory(c) or 0) <= offer.mem


def nodes_needed(offer: Offer, c: Component) -> int:
    """The number of such nodes that the tasks need. Each node must be able to hold `tasks_on_node`."""
    return c.nodes or ceil(c.ntasks / (c.ntasks_per_node or held(offer, c)))


def on_fewest_nodes(offer: Optional[Offer], c: Component) -> List[int]:
    """The number of tasks on each node, on as few such nodes as possible; on one node if the kind of node is unknown."""
    each = max(1, min(held(offer, c) if offer else c.ntasks, c.ntasks))
    full, rest = divmod(c.ntasks, each)
    return [each] * full + [rest] * bool(rest)


# --- in chunks


def chunks(c: Component) -> List[Chunk]:
    """A component in parts of one node each, or of one task each if the number of nodes is unknown."""
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
    """The part for one node with this many tasks, of this many parts."""
    gpus = _gpus_beside(c, tasks, parts)
    with_gpus = (c.cpus or 0) * gpus // all_its_gpus if all_its_gpus else 0  # CPUs that come with these GPUs
    if c.mem_per_cpu_mib:
        mem: Optional[int] = c.mem_per_cpu_mib * c.cpus_per_task * tasks
    elif c.mem_per_gpu_mib:
        mem = c.mem_per_gpu_mib * gpus
    else:
        mem = c.mem_mib or None
    return Chunk(1, tasks, c.whole_node_cpus or max(with_gpus, tasks * c.cpus_per_task), mem, gpus)


def _gpus_beside(c: Component, tasks: int, parts: int) -> int:
    """GPUs of a node with this many tasks, of this many parts."""
    if c.gpus is None:
        return 0
    if c.gpus.per == "task":
        return c.gpus.count * tasks
    return c.gpus.count if c.gpus.per == "node" else c.gpus.count // parts


# --- in the options that the user typed


def typed(c: Component, field: str) -> str:
    """The option behind this number of the component, with its value: ``--workers 3`` for five tasks of Dask."""
    return _typed(c, field, getattr(c, field) or 0) or option(field)


def at_most(c: Component, field: str, most: int) -> Optional[str]:
    """The same option with the largest value that makes the number no more than `most`; None if that would be 0."""
    return _typed(c, field, most)


def _typed(c: Component, field: str, number: int) -> Optional[str]:
    how = c.asked.get(field) or Asked(field)
    value = (number - how.plus) // how.times
    if value <= 0:
        return None
    if how.field == "mpmd":
        tasks, cpus = (value, c.cpus_per_task) if field == "ntasks" else (c.ntasks, value)
        return f"--mpmd '{tasks}x{cpus}: PROGRAM'"
    return f"{option(how.field)} {value}"


def fewer_cpus(c: Component, most: int) -> Tuple[str, str]:
    """The option to lower so that all tasks together have no more than `most` CPUs: as it is typed, and as it would pass."""
    for field, value in (("ntasks", most // c.cpus_per_task), ("cpus_per_task", most // c.ntasks)):
        if (field != "ntasks" or (c.ntasks > 1 and field in c.asked)) and (nearest := at_most(c, field, value)):
            return typed(c, field), nearest
    return typed(c, "cpus_per_task"), "fewer tasks, with fewer CPUs each"


def typed_gpus(c: Component, total: int, kind: Optional[str] = None) -> str:
    """The option that asks for this number of GPUs in all, in the way in which the user asked: ``--gpus-per-node a100:2``."""
    name = (c.asked.get("gpus") or Asked("gpus")).field
    nodes = len(tasks_by_node(c) or [1])
    each = max(1, ceil(total / {"gpus": 1, "gpus_per_task": c.ntasks}.get(name, nodes)))
    kind = kind or (c.gpus.type if c.gpus else None)
    words = f"{kind}:{each}" if kind else str(each)
    return f"{option(name)} gpu:{words}" if name == "gres" else f"{option(name)} {words}"


def fewer_gpus(c: Component, most: int) -> str:
    """The nearest request of no more than `most` GPUs in all."""
    parts = total // c.gpus.count if c.gpus and (total := all_gpus(c)) else 1
    if c.gpus is None or most >= parts:
        return typed_gpus(c, most // parts * parts)
    field = "ntasks" if c.gpus.per == "task" else "nodes"
    return at_most(c, field, max(1, most // c.gpus.count)) or "fewer GPUs"


def typed_memory(c: Component, on_node: Optional[int] = None) -> str:
    """The option for memory in the style in which it was asked for: as it is, or for `on_node` MiB on each node."""
    if c.mem_per_cpu_mib:
        each = c.mem_per_cpu_mib if on_node is None else max(1, on_node // node_cpus(c))
        if how := c.asked.get("mem_per_cpu_mib"):  # an amount for each task
            return f"{option(how.field)} {size(each * c.cpus_per_task)}"
        return f"--mem-per-cpu {size(each)}"
    if c.mem_per_gpu_mib:
        return f"--mem-per-gpu {size(c.mem_per_gpu_mib if on_node is None else max(1, on_node // node_gpus(c)))}"
    return f"--mem {size((c.mem_mib or 0) if on_node is None else on_node)}"
