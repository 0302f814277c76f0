"""What a CPU means to a job, and where the threads of its ranks run."""

from __future__ import annotations

from typing import Literal, Optional

import msgspec

from hpcgen import schedulers
from hpcgen.base.errors import RequestError
from hpcgen.launch import mpis
from hpcgen.launch.binding import undivided
from hpcgen.launch.launchers import binds, rank_variable
from hpcgen.model.job import Component, Env, Job, Step
from hpcgen.model.layout import tasks_by_node
from hpcgen.planning.case import cited
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

replace = msgspec.structs.replace
# One thread on each core of its rank, on consecutive cores. Source: OpenMP 5, chapter 6.
PLACES = (("OMP_PLACES", "cores"), ("OMP_PROC_BIND", "close"))


def places(job: Job) -> Env:
    """OpenMP's variables that keep a rank's threads on its CPUs, if the launcher binds each rank to its own CPUs."""
    return PLACES if binds(job, job.steps[0]) else ()


def hyperthreads(site: Site, request: Request) -> Request:
    """The request with --hyperthreads as --hint or --threads-per-core, depending on what a CPU is at this site.

    Raises RequestError if the scheduler has no option for it.
    """
    if request.hyperthreads is None:
        return request
    flag = "--hyperthreads" if request.hyperthreads else "--no-hyperthreads"
    if request.hint or request.threads_per_core:
        raise RequestError(f"{flag}: --hint and --threads-per-core set the same thing: give one of them")
    if request.hyperthreads == (site.cpu.unit == "thread"):
        return request
    where = cited(site.cite("cpu", "unit"))
    if not schedulers.get(site.scheduler.type).hardware_threads:
        more = "request two CPUs for each core, and start fewer threads" if site.cpu.unit == "thread" else "leave it out"
        raise RequestError(f"{flag}: a CPU at {site.id} is a {site.cpu.unit} {where}, and only Slurm can change that: {more}")
    if not request.hyperthreads:
        return replace(request, hint="nomultithread")
    if site.nodes and all(node.threads_per_core == 1 for node in site.nodes.values()):
        raise RequestError(f"{flag}: no node of {site.id} is known to have hardware threads: leave it out")
    return replace(request, threads_per_core=2)


def told(site: Site, job: Job, scheduler: schedulers.Scheduler) -> Job:
    """The job with a step that states what a CPU is and, if the launcher cannot find out, how many ranks each node has."""
    c = job.components[-1]
    step = replace(job.steps[0], cpu=meaning(site, c), core_each=site.cpu.task_per_core)
    step = replace(step, per_node=_ranks_a_node(job, step, c, scheduler.tells_ranks(job.dialect)))
    return replace(job, steps=(replace(step, rank=rank_variable(step)),))


def _ranks_a_node(job: Job, step: Step, c: Component, scheduler_tells: bool) -> Optional[int]:
    """Ranks per node, if the launcher needs the number; None if it finds out by itself, or if the number is unknown."""
    counts = tasks_by_node(c)
    if job.hetjob or counts is None:
        return None
    must = mpis.get(step.flavour).needs_per_node and c.cpus_per_task > 1 and undivided(c)
    if scheduler_tells and not (must and len(set(counts)) == 1):
        return None
    return None if len(counts) == 1 and not must else max(counts)


def meaning(site: Site, c: Component) -> Optional[Literal["core", "thread"]]:
    """What a CPU of these tasks is, if the cores of their nodes have several hardware threads; else None."""
    if c.hint == "nomultithread" or c.threads_per_core == 1:
        return "core"
    if c.hint == "multithread" or c.threads_per_core or site.cpu.unit == "thread":
        return "thread"
    return "core" if any(node.threads_per_core > 1 for node in site.kinds(c.partition).values()) else None
