"""Site and request become a Job: scheduler-neutral, complete, and within the site's limits."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple, Union

import msgspec

from hpcgen import allocation, binding, check, header, heterogeneous, launchers, remarks, schedulers, staging, workloads
from hpcgen.errors import LimitError, RequestError
from hpcgen.inside import carried
from hpcgen.job import Component, Env, Gpus, Job, Origin
from hpcgen.origins import JOB_WIDE, explained, item_key
from hpcgen.partitions import choose
from hpcgen.profile import pmi_agrees
from hpcgen.programs import RANKS
from hpcgen.request import GPUS, Merged, Request, checked, gpus_asked
from hpcgen.site import Site
from hpcgen.software import container, interfaces, per_node, setup, step, unjoined, with_gpu_flag
from hpcgen.words import plain

replace = msgspec.structs.replace
TIME = 3600
DEFAULT_WORKLOAD = "dask-mpi"
# Whose tasks, where nothing was said, may have the CPUs that come with their GPUs; others count processes or threads by CPUs.
PLAIN = ("serial", "mpi")
# Options of one workload's own.
ONLY = {
    "nproc_per_node": "torchrun", "object_store_memory": "ray", "symmetric_run": "ray", "mpmd": "mpi",
    "commands": "array", "table": "array", "tasks": "array", "chunk": "array", "throttle": "array",
}  # fmt: skip
INDICES = r"\d{1,9}(-\d{1,9}(:\d{1,9})?)?"


def plan(site: Site, asked: Union[Request, Merged]) -> Job:
    """The job that the request means at this site.

    Raises RequestError for what contradicts itself or cannot be said to the scheduler, LimitError (a RequestError)
    for what is over the site's limits; each carries every refusal found, with the nearest request that would pass.
    """
    request, origins = asked if isinstance(asked, Merged) else checked(asked)
    made_by = header.lines(site, request, origins)
    name = request.workload or DEFAULT_WORKLOAD
    workload = workloads.get(name)
    scheduler = schedulers.get(site.scheduler.type)
    apart = request
    if request.hetjob and request.flatten and _no_hetjob(site, request, workload, scheduler):
        request = replace(request, hetjob=None, scheduler_cpus=None, scheduler_mem=None, share_core=None)
    request = binding.hyperthreads(site, request)
    _refuse_at_once(site, request, workload, scheduler)
    layout = workload.lay_out(request)
    notes = [*remarks.of_site(site, request, name, workload.MPI)]
    notes += [*remarks.of_python(site, request, name), *remarks.of_disk(site, request, name)]
    if silent := [f"--{key.replace('_', '-')}" for key in scheduler.SILENT if getattr(request, key) not in (None, {})]:
        why = getattr(scheduler, "WHY_SILENT", "nothing here acts on it: that takes a scheduler")
        notes.append(f"{', '.join(silent)}: {why}")
    time, assumed = _time(site, request)
    components = [_gpus(site, request, c) for c in layout.components]
    components = [_omitted(site, c) for c in scheduler.memory(components)]
    if name in PLAIN and not (request.cpus_per_task or request.cpus_per_gpu):
        components = [replace(c, origins={**c.origins, "cpus_per_task": allocation.UNASKED}) for c in components]
    if workload.ONE_A_NODE:
        components = [allocation.of_each_node(request, c) for c in components]
    components = [allocation.on_one_core(site, request, c) if c.role == workloads.SMALL else c for c in components]
    alone = launchers.alone(site.mpi.launcher)
    launcher = _launcher(site, request) if workload.MPI else per_node(site, name, components) if workload.ONE_A_NODE else alone
    wired = launcher if workload.MPI else "none"
    job = Job(
        scheduler=site.scheduler.type,
        scheduler_version=site.scheduler.version,
        site=site.id,
        workload=name,
        name=request.job_name or _job_name(request, name),
        shebang=site.shell.shebang,
        time=time,
        directives=(*site.scheduler.extra, *request.directive),
        resources=tuple(_resources(site, request).items()),
        dialect=_dialect(site),
        components=tuple(components),
        steps=(),
        setup=setup(site, request, origins, launcher, workload.MPI, layout.commands),
        container=container(site, request, origins, wired),
        carried=_carried(request, name, layout.parts),
        interfaces=interfaces(site, request) if workload.ONE_A_NODE else (),
        stage=staging.stage(site, request),
        script_max_kib=site.scheduler.script_max_kib,
        **{key: getattr(request, key) for key in JOB_WIDE},
    )
    tell: Any = getattr(workload, "tell", None)
    split: Any = getattr(workload, "split", None)
    if split:
        job, said = split(site, request, job)
        notes += said
    placed, over, choice = _placed(site, job, scheduler)
    known = placed if workload.ONE_A_NODE else job  # of what the nodes of such a job have, its program is told
    job = replace(placed, steps=(step(site, request, known, layout, tell, launcher, origins),))
    problems = scheduler.refuse(job)
    bare, left_out = allocation.untyped(site, job)
    if problems and left_out and (fewer := scheduler.refuse(bare)) != problems:  # it has no word for types
        job, problems, choice = bare, fewer, [*choice, *left_out]
    if problems:
        raise RequestError(*problems)
    if over:
        raise LimitError(*over)
    job = binding.told(site, with_gpu_flag(site, job), scheduler)
    notes += [*staging.notes(site, job.stage), *unjoined(site, request, job)]
    of_nodes = allocation.assumed(layout.assumed, components[-1], job.components[-1])
    assumed = (*of_nodes, *assumed, *allocation.sharing(request, job.components[0]))
    if assumed:
        notes.insert(0, f"assumed: {', '.join(assumed)}")
    notes += choice
    notes += layout.notes
    notes += heterogeneous.notes(job, apart, workload, flat=request.hetjob != apart.hetjob)
    if job.array and (variable := scheduler.index(job.dialect)):
        notes.append(f"each job of the array has its index in ${variable}")
    job = _shared_env(job, request)
    return replace(explained(site, job, origins), notes=tuple(notes), header=(*made_by, *header.by_hand(job)))


def _refuse_at_once(site: Site, request: Request, workload: workloads.Workload, scheduler: schedulers.Scheduler) -> None:
    problems = []
    for name in workload.REFUSES:
        if getattr(request, name) is not None:
            problems.append(f"--{name.replace('_', '-')}: --workload {request.workload} has no such roles: leave it out")
    for name, only in ONLY.items():
        if getattr(request, name) not in (None, ()) and (request.workload or DEFAULT_WORKLOAD) != only:
            problems.append(f"--{name.replace('_', '-')}: this is of --workload {only} alone: leave it out")
    if site.scheduler.account_required and not request.account:
        variable = f", or export {scheduler.ACCOUNT_VARIABLE}" if scheduler.ACCOUNT_VARIABLE else ""
        where = check.cited(site.cite("scheduler", "account_required"))
        problems.append(
            f"--account: {site.id} charges every job to an account {where}: give --account NAME, or write "
            f'account = "NAME" under [sites.{site.id}] in ~/.config/hpcgen/config.toml{variable}'
        )
    if request.hetjob and request.runner != "local" and (why := _no_hetjob(site, request, workload, scheduler)):
        problems.append(f"--hetjob: {why}")
    if request.array and site.scheduler.arrays is False:
        advice = site.scheduler.arrays_advice or "submit the jobs one by one"
        problems.append(f"--array: {site.id} takes no arrays {check.cited(site.cite('scheduler', 'arrays'))}: {advice}")
    if request.array and not re.fullmatch(f"{INDICES}(,{INDICES})*(%\\d{{1,9}})?", request.array):
        problems.append(f"--array: '{request.array}' is not a list of indices: write 1-10, 0-99:3 or 1,5,9%2")
    for name in GPUS:
        value = getattr(request, name)
        if value and not re.fullmatch(r"([A-Za-z][\w.-]*:)?[1-9]\d{0,5}", value):
            problems.append(f"--{name.replace('_', '-')}: '{value}' is not a number of GPUs: write 2 or h100:2")
    if any(getattr(request, name) for name in GPUS) and (asked := gpus_asked(replace(request, **dict.fromkeys(GPUS)))):
        problems.append(f"--gres gpu:{asked.number} and --gpus ask for GPUs twice: give one of them")
    if (request.bind or request.container_verb) and not request.image:
        problems.append("--bind and --container-verb are for a container: give its --image as well")
    launcher = _launcher(site, request) if workload.MPI else "none"
    if request.kill_on_bad_exit is not None and launcher != "srun":
        problems.append(f"--kill-on-bad-exit: only srun knows it, and this job is started by {launcher}: leave it out")
    if request.mpmd and workload.MPI and launcher not in RANKS:
        where = check.cited(site.cite("mpi", "launcher"))
        problems.append(f"--mpmd: {launcher} of {site.id} {where} starts one program over equal ranks: leave it out")
    if request.runner == "slurm" and site.scheduler.type != "slurm":
        problems.append(f"--runner slurm: {site.id} has no Slurm: leave out --runner")
    for name in ("mpi", "interface") if request.runner == "local" else ("mpi",) if request.runner == "slurm" else ():
        if value := getattr(request, name):
            problems.append(f"--{name} {value}: with --runner {request.runner} nothing uses it: leave out one of them")
    if request.mpi and site.mpi.flavour and not pmi_agrees(site.mpi.flavour, request.mpi):
        problems.append(f"--mpi {request.mpi}: {site.mpi.flavour} of {site.id} does not start under it: leave it out")
    if request.userbase and ":" in request.userbase:
        problems.append(f"--userbase: '{request.userbase}' has a ':' in it, which would part it in two on PATH")
    if problems:
        raise RequestError(*problems)


def _launcher(site: Site, request: Request) -> str:
    """Who starts the ranks: the site's launcher, unless Dask is asked to do without MPI."""
    return {"slurm": "srun", "local": launchers.alone(site.mpi.launcher)}.get(request.runner or "", site.mpi.launcher)


def _no_hetjob(site: Site, request: Request, workload: workloads.Workload, scheduler: schedulers.Scheduler) -> Optional[str]:
    return heterogeneous.lacking(site, scheduler, _dialect(site), workload, _launcher(site, request))


def _resources(site: Site, request: Request) -> Dict[str, str]:
    """The site's own job-wide resources, then those asked for."""
    known = getattr(site.dialect(), "resources", {})
    own = {name: text.replace("{account}", str(request.account)) for name, text in known.items()}
    return {str(name): str(value) for name, value in {**own, **request.resource}.items()}


def _dialect(site: Site) -> Dict[str, Any]:
    table = site.dialect()
    stated = {} if table is None else {name: getattr(table, name) for name in table.stated()}
    return msgspec.json.decode(msgspec.json.encode(stated, enc_hook=plain))  # type: ignore[no-any-return]


def _time(site: Site, request: Request) -> Tuple[Optional[int], Tuple[str, ...]]:
    """The time limit; unasked, one hour or what the partition that was asked for has."""
    if request.time:
        return int(request.time), (f"{-(-request.time // 60)} whole minutes",) if request.time % 60 else ()
    if site.scheduler.type == "local":
        return None, ()
    partition = site.partitions.get(request.partition or "")
    longest = (partition.max_time if partition else None) or TIME
    shortest = (partition.min_time if partition else None) or 0
    time = max(min(TIME, longest), shortest)
    return time, (f"{time // 60} minutes (--time)",)


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


def _gpus(site: Site, request: Request, c: Component) -> Component:
    """GPUs in the site's own way where that says the same; the small component of a heterogeneous job has none."""
    asked = gpus_asked(request)
    if asked is None or c.role in (workloads.SMALL, workloads.HEAD):
        return c
    name, kind, number, per = asked
    if name == "gres":
        return replace(c, gpus=Gpus(number, "node", kind, "gres"))
    style, nodes = site.scheduler.gpu_request, c.nodes or (1 if c.ntasks == 1 else None)
    if (style != "gpus" or (c.ntasks_per_node == 1 and c.ntasks > 1)) and per == "job" and nodes and number % nodes == 0:
        number, per = number // nodes, "node"
    gpus = Gpus(number, per, kind, style if per == "node" else "gpus")  # type: ignore[arg-type]
    if gpus.per == "node" and gpus.style == "gres":
        return replace(c, gpus=gpus, gres=",".join(filter(None, [f"gpu:{f'{kind}:' if kind else ''}{number}", c.gres])))
    return replace(c, gpus=gpus)


def _omitted(site: Site, c: Component) -> Component:
    """Without what the site's scheduler does not want to hear."""
    fields = {"memory": ("mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")}
    return replace(c, **{f: None for name in site.scheduler.omit for f in fields.get(name, (name.replace("-", "_"),))})


def _placed(site: Site, job: Job, scheduler: schedulers.Scheduler) -> Tuple[Job, List[str], List[str]]:
    """The job with a partition for each component (one for all, where a job has one), as it is allocated there; the
    limits that it is over; and what is to be said of it."""
    placed: List[Component] = []
    problems: List[str] = []
    notes: List[str] = []
    whole = choose(site, job, job.components[-1]) if scheduler.ONE_QUEUE else None
    for c in job.components:
        if whole and c is not job.components[-1] and whole.partition:
            c = replace(c, partition=whole.partition)
        partition, origin, wrong = choose(site, job, c)
        origin = whole.origin if whole else origin
        problems += [text for text in wrong if text not in problems]
        one_node = allocation.together(site, c)
        c = allocation.settled(site, c, partition)
        if one_node and c.nodes == 1:
            notes.append(f"the {c.ntasks} tasks go to one node, where they fit: --nodes says otherwise")
        notes += allocation.idle(c, job.time)
        placed.append(replace(c, partition=partition, origins={**c.origins, "partition": origin}))
        if partition and origin.kind == "rule":
            notes.append(f"partition {partition} ({origin.text})")
        if (facts := site.partitions.get(partition or "")) and facts.note:
            notes.append(f"partition {partition}: {facts.note}")
    if scheduler.ONE_QUEUE and len(placed) > 1 and not problems:
        problems += check.over_together(site, job, placed, placed[-1].partition)
    return replace(job, components=tuple(placed)), problems, list(dict.fromkeys(notes))


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
