"""Turns a site and a request into a Job: scheduler-neutral, complete, and within the site's limits."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import msgspec

from hpcgen import schedulers, workloads
from hpcgen.base.units import counted
from hpcgen.model.job import Carried, Component, Job, Origin, Origins
from hpcgen.planning import allocation, gpus, header, hetjob, placement, refusals, remarks, software, staging, steps, threads
from hpcgen.planning.origins import JOB_WIDE, explained, item_key
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged, checked
from hpcgen.schedulers import Scheduler
from hpcgen.workloads import Layout, Workload

replace = msgspec.structs.replace
TIME = 3600


class Inputs(NamedTuple):
    """What every pass may look at. `asked` is the request as the user meant it, `request` the form that this site can run."""

    site: Site
    scheduler: Scheduler
    workload: Workload
    asked: Request
    request: Request
    origins: Origins


def plan(site: Site, asked: Union[Request, Merged]) -> Job:
    """The job for this request at this site.

    A pure function: it reads no files. Each pass builds on the results of the passes before it:

        1. meant       the workload and the scheduler; settings for other workloads are dropped
        2. said        equal ranks instead of unequal ones, hardware threads: the request in the options that this site has
        3. refuse      what no job may ask for there
        4. lay out     roles become components, each with a command
        5. components  GPUs and memory as the site counts them; what the user left open
        6. draft       the job without its step, as an array if it has tasks
        7. place       a partition for each component, whole nodes, limits
        8. step        what starts the programs, and their settings
        9. say         refuses what the scheduler cannot express and what exceeds a limit
       10. threads     the meaning of a CPU, ranks per node, the environment of all ranks
       11. explain     origins, the header's last line, assumptions, notes

    Raises RequestError for contradictions and for what the scheduler cannot express, LimitError (a RequestError) for what
    exceeds the site's limits. Each error carries every refusal found, with the nearest request that passes.
    """
    given, unused = _meant(site, asked if isinstance(asked, Merged) else checked(asked))
    given = given._replace(request=threads.hyperthreads(site, _flattened(given)))
    refusals.refuse(site, given.request, given.workload, given.scheduler)
    layout = given.workload.lay_out(given.request)
    components = _components(given, layout)
    launcher = steps.launcher(site, given.request, given.workload, components)
    job, of_tasks = _as_array(given, _drafted(given, layout, components, launcher))
    placed = placement.place(site, job, given.scheduler)
    placed = placed.with_step(steps.step(site, given.request, placed.job, layout, given.workload, launcher, given.origins))
    job, found = placement.sayable(site, placed, given.scheduler)
    job = software.with_gpu_flag(site, job)
    job = _shared_env(threads.told(site, job, given.scheduler), given.request)
    job = replace(
        explained(site, job, given.origins),
        header=(*header.lines(site, given.asked, given.origins), *header.by_hand(job)),
        assumed=_assumed(given.request, layout, components[-1], job),
    )
    return replace(job, notes=_notes(given, layout, job, unused, of_tasks, found))


# --- 1 and 2: what the user means, in a form that this site can run


def _meant(site: Site, merged: Merged) -> Tuple[Inputs, List[str]]:
    """The inputs, and a note for each configured value that applies to other workloads only."""
    request, origins = merged
    workload = workloads.get(request.workload or workloads.DEFAULT)
    request, unused = refusals.meant(request, origins, workload)
    return Inputs(site, schedulers.get(site.scheduler.type), workload, request, request, origins), unused


def _flattened(given: Inputs) -> Request:
    """The nearest request of equal ranks, if the user accepts that and the site has no heterogeneous jobs."""
    request = given.request
    if not (request.hetjob and request.flatten):
        return request
    launcher = steps.mpi_launcher(given.site, request)
    if hetjob.lacking(given.site, given.scheduler, given.workload, launcher) is None:
        return request
    return replace(request, hetjob=None, scheduler_cpus=None, scheduler_mem=None, share_core=None)


# --- 5: components


def _components(given: Inputs, layout: Layout) -> Tuple[Component, ...]:
    """The components of the layout, with the options that the scheduler takes, marked with what the user left open."""
    site, request, workload = given.site, given.request, given.workload
    made = []
    for c in given.scheduler.memory([gpus.asked(site, request, c) for c in layout.components]):
        c = replace(_omitted(site, c), one_a_node=workload.one_a_node)
        if c.exclusive is False and "exclusive" in given.origins and given.origins["exclusive"].kind in ("config", "fact"):
            c = replace(c, exclusive=None)  # a default for all sites: where nodes are shared
        c = allocation.left_open(request, workload, c)
        made.append(allocation.on_one_core(site, request, c) if c.role == workloads.SMALL else c)
    return tuple(made)


def _omitted(site: Site, c: Component) -> Component:
    """The component without the options that the site does not take."""
    fields = {"memory": ("mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")}
    return replace(c, **{f: None for name in site.scheduler.omit for f in fields.get(name, (name.replace("-", "_"),))})


# --- 6: the draft


def _drafted(given: Inputs, layout: Layout, components: Tuple[Component, ...], launcher: str) -> Job:
    """The job without its step; its components are not yet placed."""
    site, request, workload = given.site, given.request, given.workload
    return Job(
        scheduler=site.scheduler.type,
        scheduler_version=site.scheduler.version,
        site=site.id,
        workload=workload.name,
        name=request.job_name or _job_name(request, workload.name),
        shebang=site.shell.shebang,
        time=_time(given),
        directives=(*site.scheduler.extra, *request.directive),
        resources=tuple(_resources(site, request).items()),
        dialect=site.dialect_values(),
        components=components,
        steps=(),
        setup=software.setup(site, request, given.origins, launcher, workload.mpi, layout.commands),
        container=software.container(site, request, given.origins, launcher if workload.mpi else "none"),
        carried=_carried(request, workload.name, layout),
        interfaces=software.interfaces(site, request) if workload.one_a_node else (),
        stage=staging.stage(site, request),
        script_max_kib=site.scheduler.script_max_kib,
        **{key: getattr(request, key) for key in JOB_WIDE},
    )


def _job_name(request: Request, workload: str) -> str:
    stem = (request.program or "").rsplit("/", 1)[-1]
    stem = re.sub(r"[^\w.-]", "_", stem[:-3] if stem.endswith(".py") else stem).lstrip("-")[:40]
    return stem or workload


def _time(given: Inputs) -> Optional[int]:
    """The time limit in seconds. The default is one hour, or what the requested partition allows."""
    request = given.request
    if request.time or given.scheduler.one_machine:
        return int(request.time) if request.time else None
    partition = given.site.partitions.get(request.partition or "")
    longest = (partition.max_time if partition else None) or TIME
    shortest = (partition.min_time if partition else None) or 0
    return int(max(min(TIME, longest), shortest))


def _resources(site: Site, request: Request) -> Dict[str, str]:
    """The site's own job-wide resources, then the requested ones."""
    known = getattr(site.dialect, "resources", {})
    own = {name: text.replace("{account}", str(request.account)) for name, text in known.items()}
    return {str(name): str(value) for name, value in {**own, **request.resource}.items()}


def _carried(request: Request, workload: str, layout: Layout) -> Tuple[Carried, ...]:
    """The programs that the script carries: the launcher, and a self-check if no program was named."""
    found = []
    if layout.parts and request.launcher != "installed":
        found.append(Carried("launcher", package=layout.parts[0], modules=layout.parts[1:]))
    if request.table:
        found.append(Carried("row", template="workloads/array.py"))
    elif request.program is None and not request.commands:
        found.append(Carried("selfcheck", template=f"workloads/{workload.replace('-', '_')}.py"))
    return tuple(found)


def _as_array(given: Inputs, job: Job) -> Tuple[Job, List[str]]:
    """The job as an array over its tasks, if it has any, and notes about them."""
    split = given.workload.split
    return split(given.site, given.request, job, given.origins) if split else (job, [])


# --- 10: the environment of all ranks


def _shared_env(job: Job, request: Request) -> Job:
    """The environment of a single component is exported once; with several components it is written on the launch line."""
    parts = []
    for c in job.components:
        parts.append(replace(c, env=tuple((name, value) for name, value in c.env if name not in request.env)))
    job = replace(job, components=tuple(parts))
    if job.hetjob:
        return job
    of_tasks, of_ranks = Origin("rule", "one thread per CPU of a task"), Origin("rule", "each rank is bound to its own CPUs")
    bound = [pair for pair in threads.places(job) if pair[0] not in request.env]
    origins = {item_key("env", pair): of_tasks for pair in job.components[0].env}
    origins.update({item_key("env", pair): of_ranks for pair in bound})
    env = (*job.setup.env, *job.components[0].env, *bound)
    return replace(job, setup=replace(job.setup, env=env, origins={**job.setup.origins, **origins}))


# --- 11: notes


def _assumed(request: Request, layout: Layout, drafted: Component, job: Job) -> Dict[str, str]:
    """The assumed values, by the options that set them. `drafted` is the last component before it was placed."""
    found = allocation.assumed(layout.assumed, drafted, job.components[-1])
    if request.time and request.time % 60:
        found["time"] = f"{-(-int(request.time) // 60)} whole minutes"
    elif job.time and not request.time:
        found["time"] = counted(job.time // 60, "minute")
    return {**found, **allocation.sharing(request, job.components[0])}


def _notes(
    given: Inputs, layout: Layout, job: Job, unused: List[str], of_tasks: List[str], found: List[str]
) -> Tuple[str, ...]:
    """All notes, in the order in which they are shown."""
    site, request = given.site, given.request
    return (
        *unused,
        *remarks.before(site, request, given.workload, given.scheduler),
        *of_tasks,
        *staging.notes(site, job.stage),
        *software.unjoined(site, request, job),
        *found,
        *remarks.of_memory(site, request, job, given.scheduler),
        *layout.notes,
        *hetjob.notes(job, given.asked, given.workload, flat=request.hetjob != given.asked.hetjob),
        *remarks.of_array(job, given.scheduler),
        *remarks.of_signal(job, given.scheduler),
    )
