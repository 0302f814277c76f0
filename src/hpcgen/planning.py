"""Site and request become a Job: scheduler-neutral, complete, and within the site's limits."""

from __future__ import annotations

import re
from typing import Dict, Optional, Tuple, Union

import msgspec

from hpcgen import allocation, binding, gpus, header, heterogeneous, placing, remarks, schedulers, staging, steps, workloads
from hpcgen.inside import carried
from hpcgen.job import Component, Env, Job, Origin, Origins
from hpcgen.origins import JOB_WIDE, explained, item_key
from hpcgen.refusing import meant, refuse
from hpcgen.request import Merged, Request, checked
from hpcgen.schedulers import Scheduler
from hpcgen.site import Site
from hpcgen.software import container, interfaces, setup, unjoined, with_gpu_flag
from hpcgen.workloads import Layout, Workload

replace = msgspec.structs.replace
TIME = 3600
DEFAULT_WORKLOAD = "dask-mpi"
# Whose tasks, where nothing was said, may have the CPUs that come with their GPUs; others count processes or threads by CPUs.
PLAIN = ("serial", "mpi")


def plan(site: Site, asked: Union[Request, Merged]) -> Job:
    """The job that the request means at this site.

    Raises RequestError for what contradicts itself or cannot be said to the scheduler, LimitError (a RequestError)
    for what is over the site's limits; each carries every refusal found, with the nearest request that would pass.
    """
    asked, origins = asked if isinstance(asked, Merged) else checked(asked)
    workload, scheduler = workloads.get(asked.workload or DEFAULT_WORKLOAD), schedulers.get(site.scheduler.type)
    asked, unused = meant(asked, origins, workload)
    made_by = header.lines(site, asked, origins)
    request = binding.hyperthreads(site, _flattened(site, asked, workload, scheduler))
    refuse(site, request, workload, scheduler)
    layout = workload.lay_out(request)
    components = _components(site, request, layout, workload, scheduler)
    launcher = steps.launcher(site, request, workload, components)
    job = _drafted(site, request, origins, layout, workload, components, launcher)
    job, counted = workload.split(site, request, job) if workload.split else (job, [])
    placed = placing.place(site, job, scheduler)
    placed = placed.with_step(steps.step(site, request, placed.job, layout, workload, launcher, origins))
    job, found = placing.sayable(site, placed, scheduler)
    job = _shared_env(binding.told(site, with_gpu_flag(site, job), scheduler), request)
    return replace(
        explained(site, job, origins),
        header=(*made_by, *header.by_hand(job)),
        assumed=_assumed(request, layout, components[-1], job),
        notes=(
            *unused,
            *remarks.before(site, request, workload, scheduler),
            *counted,
            *staging.notes(site, job.stage),
            *unjoined(site, request, job),
            *found,
            *layout.notes,
            *heterogeneous.notes(job, asked, workload, flat=request.hetjob != asked.hetjob),
            *remarks.of_array(job, scheduler),
        ),
    )


def _flattened(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> Request:
    """The nearest request of equal ranks, where that will do and the site has no heterogeneous jobs."""
    if not (request.hetjob and request.flatten):
        return request
    if heterogeneous.lacking(site, scheduler, workload, steps.mpi_launcher(site, request)) is None:
        return request
    return replace(request, hetjob=None, scheduler_cpus=None, scheduler_mem=None, share_core=None)


def _components(
    site: Site, request: Request, layout: Layout, workload: Workload, scheduler: Scheduler
) -> Tuple[Component, ...]:
    """The layout's, in the words that the site's scheduler wants to hear."""
    components = scheduler.memory([gpus.asked(site, request, c) for c in layout.components])
    components = [_omitted(site, c) for c in components]
    if workload.name in PLAIN and not (request.cpus_per_task or request.cpus_per_gpu):
        components = [replace(c, origins={**c.origins, "cpus_per_task": allocation.UNASKED}) for c in components]
    if workload.one_a_node:
        components = [allocation.of_each_node(request, c) for c in components]
    return tuple(allocation.on_one_core(site, request, c) if c.role == workloads.SMALL else c for c in components)


def _drafted(
    site: Site,
    request: Request,
    origins: Origins,
    layout: Layout,
    workload: Workload,
    components: Tuple[Component, ...],
    launcher: str,
) -> Job:
    """The job without its step, its components not yet placed."""
    return Job(
        scheduler=site.scheduler.type,
        scheduler_version=site.scheduler.version,
        site=site.id,
        workload=workload.name,
        name=request.job_name or _job_name(request, workload.name),
        shebang=site.shell.shebang,
        time=_time(site, request),
        directives=(*site.scheduler.extra, *request.directive),
        resources=tuple(_resources(site, request).items()),
        dialect=site.dialect_values(),
        components=components,
        steps=(),
        setup=setup(site, request, origins, launcher, workload.mpi, layout.commands),
        container=container(site, request, origins, launcher if workload.mpi else "none"),
        carried=_carried(request, workload.name, layout.parts),
        interfaces=interfaces(site, request) if workload.one_a_node else (),
        stage=staging.stage(site, request),
        script_max_kib=site.scheduler.script_max_kib,
        **{key: getattr(request, key) for key in JOB_WIDE},
    )


def _assumed(request: Request, layout: Layout, drafted: Component, job: Job) -> Dict[str, str]:
    """What stands for what was not said, by the options that would say it; of the last component as it was drafted."""
    found = allocation.assumed(layout.assumed, drafted, job.components[-1])
    if request.time and request.time % 60:
        found["time"] = f"{-(-request.time // 60)} whole minutes"
    elif job.time and not request.time:
        found["time"] = f"{job.time // 60} minutes"
    return {**found, **allocation.sharing(request, job.components[0])}


def _resources(site: Site, request: Request) -> Dict[str, str]:
    """The site's own job-wide resources, then those asked for."""
    known = getattr(site.dialect(), "resources", {})
    own = {name: text.replace("{account}", str(request.account)) for name, text in known.items()}
    return {str(name): str(value) for name, value in {**own, **request.resource}.items()}


def _time(site: Site, request: Request) -> Optional[int]:
    """The time limit in seconds; unasked, one hour or what the partition that was asked for has."""
    if request.time or site.scheduler.type == "local":
        return int(request.time) if request.time else None
    partition = site.partitions.get(request.partition or "")
    longest = (partition.max_time if partition else None) or TIME
    shortest = (partition.min_time if partition else None) or 0
    return max(min(TIME, longest), shortest)


def _job_name(request: Request, workload: str) -> str:
    stem = (request.program or "").rsplit("/", 1)[-1]
    stem = re.sub(r"[^\w.-]", "_", stem[:-3] if stem.endswith(".py") else stem).lstrip("-")[:40]
    return stem or workload


def _carried(request: Request, workload: str, parts: Tuple[str, ...]) -> Env:
    """The programs that the script holds: the launcher, and a check of the job where no program was named."""
    from hpcgen.rendering import source

    texts = {"launcher": carried(parts[0], parts[1:])} if parts else {}
    if request.table:
        texts["row"] = source("workloads/array.py").rstrip("\n")
    elif request.program is None and not request.commands:
        texts["selfcheck"] = source(f"workloads/{workload.replace('-', '_')}.py").rstrip("\n")
    return tuple(texts.items())


def _omitted(site: Site, c: Component) -> Component:
    """Without what the site's scheduler does not want to hear."""
    fields = {"memory": ("mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")}
    return replace(c, **{f: None for name in site.scheduler.omit for f in fields.get(name, (name.replace("-", "_"),))})


def _shared_env(job: Job, request: Request) -> Job:
    """One component's environment is exported once; several components' stands on the launch line."""
    kept = [tuple((n, v) for n, v in c.env if n not in request.env) for c in job.components]
    job = replace(job, components=tuple(replace(c, env=env) for c, env in zip(job.components, kept)))
    if job.hetjob:
        return job
    threads = Origin("rule", "a thread for each CPU of a task")
    bound = binding.places(job)
    shared = (*job.components[0].env, *(pair for pair in bound if pair[0] not in request.env))
    origins = {**job.setup.origins, **{item_key("env", pair): threads for pair in shared}}
    origins.update({item_key("env", pair): Origin("rule", "each rank is bound to its own CPUs") for pair in bound})
    return replace(job, setup=replace(job.setup, env=(*job.setup.env, *shared), origins=origins))
