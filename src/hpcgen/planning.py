"""Site and request become a Job: scheduler-neutral, complete, and within the site's limits."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple, Union

import msgspec

from hpcgen import check, header, launchers, schedulers, workloads
from hpcgen.errors import LimitError, RequestError
from hpcgen.job import Component, Container, Gpus, Job, Origin, Origins, Setup, Step
from hpcgen.partitions import choose
from hpcgen.profile import pmi_agrees
from hpcgen.request import Merged, Request, set_fields
from hpcgen.site import Site

replace = msgspec.structs.replace
TIME = 3600
DEFAULT_WORKLOAD = "dask-mpi"


def plan(site: Site, asked: Union[Request, Merged]) -> Job:
    """The job that the request means at this site.

    Raises RequestError for what contradicts itself or cannot be said to the scheduler, LimitError (a RequestError)
    for what is over the site's limits; each carries every refusal found, with the nearest request that would pass.
    """
    request, origins = asked if isinstance(asked, Merged) else (asked, _flags(asked))
    request, origins = _with_interface(site, request, origins)
    name = request.workload or DEFAULT_WORKLOAD
    workload = workloads.get(name)
    scheduler = schedulers.get(site.scheduler.type)
    _refuse_at_once(site, request, workload, scheduler)
    layout = workload.lay_out(request)
    notes = [*_site_notes(site, request, name)]
    if silent := [f"--{key.replace('_', '-')}" for key in scheduler.SILENT if getattr(request, key) is not None]:
        notes.append(f"{', '.join(silent)}: nothing here acts on it: that takes a scheduler")
    time, assumed = _time(site, request)
    components = [_gpus(site, request, c) for c in layout.components]
    components = [_omitted(site, c) for c in scheduler.memory(components)]
    job = Job(
        scheduler=site.scheduler.type,
        scheduler_version=site.scheduler.version,
        site=site.id,
        workload=name,
        name=request.job_name or _job_name(request, name),
        shebang=site.shell.shebang,
        time=time,
        directives=(*site.scheduler.extra, *request.directive),
        components=tuple(components),
        steps=(),
        setup=_setup(site, request, origins),
        container=_container(site, request, origins),
        selfcheck=_selfcheck(name) if request.program is None else None,
        script_max_kib=site.scheduler.script_max_kib,
        **{key: getattr(request, key) for key in JOB_WIDE},
    )
    launcher = site.mpi.launcher if workload.MPI else "none"
    job = _refused(site, replace(job, steps=(_step(site, request, job, layout.commands, launcher, origins),)), scheduler)
    job, choice = _placed(site, job)
    assumed = (*layout.assumed, *assumed)
    if assumed:
        notes.insert(0, f"assumed: {', '.join(assumed)}")
    notes += choice
    job = _shared_env(job, request)
    return replace(_explained(site, job, origins), notes=tuple(notes), header=header.lines(site, request, origins))


JOB_WIDE = (
    "account", "qos", "array", "output", "error", "open_mode", "mail_type", "mail_user", "dependency", "reservation",
    "requeue", "signal", "export", "chdir", "comment",
)  # fmt: skip


def _flags(request: Request) -> Origins:
    return {key: Origin("flag", f"--{key.replace('_', '-')}") for key in set_fields(request)}


def _with_interface(site: Site, request: Request, origins: Origins) -> Tuple[Request, Origins]:
    """The site's interface for the self-check; a program of one's own asks for it itself."""
    fits = request.program is None and (request.workload or DEFAULT_WORKLOAD) == DEFAULT_WORKLOAD
    if not fits or request.interface or not site.network.interface:
        return request, origins
    origin = site.cite("network", "interface")
    return replace(request, interface=site.network.interface), {**origins, "interface": origin}


def _refuse_at_once(site: Site, request: Request, workload: workloads.Workload, scheduler: schedulers.Scheduler) -> None:
    problems = []
    for name in workload.REFUSES:
        if getattr(request, name) is not None and name != "interface":
            problems.append(f"--{name.replace('_', '-')}: only --workload dask-mpi has roles: leave it out")
    if site.scheduler.account_required and not request.account:
        variable = f", or export {scheduler.ACCOUNT_VARIABLE}" if scheduler.ACCOUNT_VARIABLE else ""
        where = check.cited(site.cite("scheduler", "account_required"))
        problems.append(
            f"--account: {site.id} charges every job to an account {where}: give --account NAME, or write "
            f'account = "NAME" under [sites.{site.id}] in ~/.config/hpcgen/config.toml{variable}'
        )
    if request.hetjob and site.scheduler.hetjob is False:
        advice = site.scheduler.hetjob_advice or "leave out --hetjob: all ranks then get a worker's share"
        problems.append(f"--hetjob: {site.id} takes no heterogeneous jobs {check.cited(site.cite('scheduler', 'hetjob'))}: {advice}")
    if request.array and not re.fullmatch(r"\d+(-\d+(:\d+)?)?(,\d+(-\d+(:\d+)?)?)*(%\d+)?", request.array):
        problems.append(f"--array: '{request.array}' is not a list of indices: write 1-10, 0-99:3 or 1,5,9%2")
    for name in ("gpus", "gpus_per_node", "gpus_per_task"):
        value = getattr(request, name)
        if value and not re.fullmatch(r"([A-Za-z][\w.-]*:)?[1-9]\d*", value):
            problems.append(f"--{name.replace('_', '-')}: '{value}' is not a number of GPUs: write 2 or h100:2")
    if (request.bind or request.container_verb) and not request.image:
        problems.append("--bind and --container-verb are for a container: give its --image as well")
    if request.mpi and site.mpi.flavour and not pmi_agrees(site.mpi.flavour, request.mpi):
        problems.append(f"--mpi {request.mpi}: {site.mpi.flavour} of {site.id} does not start under it: leave it out")
    if problems:
        raise RequestError(*problems)


def _site_notes(site: Site, request: Request, workload: str) -> List[str]:
    notes = []
    if site.status == "retired":
        notes.append(f"{site.id} is retired" + (f": its successor is {site.successor}" if site.successor else f": {site.status_note}"))
    gpus = any(getattr(request, name) for name in ("gpus", "gpus_per_node", "gpus_per_task"))
    holds = {"always", workload, "gpus" if gpus else "", "hetjob" if request.hetjob else "", "conda" if request.conda else ""}
    holds.add("container" if request.image else "")
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when in holds]


def _time(site: Site, request: Request) -> Tuple[Optional[int], Tuple[str, ...]]:
    """The time limit; unasked, one hour or what the partition that was asked for has."""
    if request.time or site.scheduler.type == "local":
        return (int(request.time) if request.time else None), ()
    partition = site.partitions.get(request.partition or "")
    longest = (partition.max_time if partition else None) or TIME
    shortest = (partition.min_time if partition else None) or 0
    time = max(min(TIME, longest), shortest)
    return time, (f"{time // 60} minutes (--time)",)


def _job_name(request: Request, workload: str) -> str:
    stem = (request.program or "").rsplit("/", 1)[-1]
    stem = re.sub(r"[^\w.-]", "_", stem[:-3] if stem.endswith(".py") else stem).lstrip("-")[:40]
    return stem or workload


def _selfcheck(workload: str) -> str:
    from hpcgen.rendering import source

    return source(f"workloads/{workload.replace('-', '_')}.py").rstrip("\n")


def _gpus(site: Site, request: Request, c: Component) -> Component:
    """GPUs in the site's own way where that says the same; the small component of a heterogeneous job has none."""
    asked = next((n for n in ("gpus", "gpus_per_node", "gpus_per_task") if getattr(request, n)), None)
    if asked is None or c.role == "scheduler and client":
        return c
    kind, _, count = getattr(request, asked).rpartition(":")
    number, style = int(count), site.scheduler.gpu_request
    nodes = c.nodes or (1 if c.ntasks == 1 else None)
    per = {"gpus": "job", "gpus_per_node": "node", "gpus_per_task": "task"}[asked]
    if style != "gpus" and per == "job" and nodes and number % nodes == 0:
        number, per = number // nodes, "node"
    gpus = Gpus(number, per, kind or None, style if per == "node" else "gpus")  # type: ignore[arg-type]
    if gpus.per == "node" and gpus.style == "gres":
        return replace(c, gpus=gpus, gres=",".join(filter(None, [f"gpu:{f'{kind}:' if kind else ''}{number}", c.gres])))
    return replace(c, gpus=gpus)


def _omitted(site: Site, c: Component) -> Component:
    """Without what the site's scheduler does not want to hear."""
    fields = {"memory": ("mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")}
    return replace(c, **{f: None for name in site.scheduler.omit for f in fields.get(name, (name.replace("-", "_"),))})


def _setup(site: Site, request: Request, origins: Origins) -> Setup:
    """Modules for this workload, the person's environment, and variables for the whole job."""
    facts, own = site.modules, {}
    if request.module:
        modules = (*facts.base, *request.module)
        own["modules"] = origins.get("module")
    else:
        env = facts.conda if request.conda else facts.python
        key = "conda" if request.conda else "python"
        if request.image:
            env, key = (), "container"
        elif (request.workload == "mpi" and request.program and not request.program.endswith(".py")):
            env, key = facts.mpi or facts.python, "mpi"
        modules = (*facts.base, *env, *(facts.container if request.image else ()))
        own["modules"] = site.cite("modules", key)
    env_vars = {**site.shell.env, **request.env}
    if (request.export or "").startswith("NONE"):
        env_vars.setdefault("SLURM_EXPORT_ENV", "ALL")
    return Setup(
        init=site.shell.init,
        purge=facts.purge,
        modules=modules,
        conda=request.conda,
        venv=request.venv,
        userbase=request.userbase,
        env=tuple(env_vars.items()),
        origins=_own(origins, {"conda": "conda", "venv": "venv", "userbase": "userbase", "env": "env"}, own,
                     {"purge": site.cite("modules", "purge"), "init": site.cite("shell", "init")}),
    )  # fmt: skip


def _own(origins: Origins, keys: Dict[str, str], *more: Dict[str, Optional[Origin]]) -> Origins:
    found = {attr: origins[key] for attr, key in keys.items() if key in origins}
    for extra in more:
        found.update({attr: origin for attr, origin in extra.items() if origin is not None and attr not in found})
    return found


def _container(site: Site, request: Request, origins: Origins) -> Optional[Container]:
    if request.image is None:
        return None
    facts, library = site.container, site.mpi.pmi_library
    gpus = any(getattr(request, name) for name in ("gpus", "gpus_per_node", "gpus_per_task"))
    return Container(
        image=request.image,
        runtime=facts.runtime,
        verb=request.container_verb or facts.verb,
        binds=(*([library] if library else []), *facts.binds, *request.bind),
        gpu_flag=facts.gpu_flag if gpus else None,
        pmi_library=library,
        origins=_own(origins, {"image": "image", "binds": "bind"}, {
            "pmi_library": site.cite("mpi", "pmi_library"),
            "binds": site.cite("mpi", "pmi_library"),
            "runtime": site.cite("container", "runtime"),
        }),
    )  # fmt: skip


def _step(site: Site, request: Request, job: Job, commands: List[Any], launcher: str, origins: Origins) -> Step:
    python = request.python or (site.python if not request.image else "python")
    commands = [replace(c, python=python) if c.python else c for c in commands]
    pmi = (request.mpi or site.mpi.pmi) if launcher == "srun" else None
    return Step(
        components=tuple(range(len(job.components))),
        commands=tuple(commands),
        launcher=launcher,
        pmi=pmi,
        origins=_own(origins, {"commands": "program", "pmi": "mpi"}, {
            "launcher": site.cite("mpi", "launcher"), "pmi": site.cite("mpi", "pmi") if pmi else None,
        }),
    )  # fmt: skip


def _refused(site: Site, job: Job, scheduler: schedulers.Scheduler) -> Job:
    problems = scheduler.refuse(job)
    if not problems and (why := launchers.refuse(job.steps[0].launcher, job.hetjob)):
        problems.append(f"--hetjob: {why} {check.cited(site.cite('mpi', 'launcher'))}: leave out --hetjob")
    if problems:
        raise RequestError(*problems)
    return job


def _placed(site: Site, job: Job) -> Tuple[Job, List[str]]:
    """The job with a partition for each component, and what is to be said of the choice."""
    placed, problems, notes = [], [], []
    for c in job.components:
        partition, origin, wrong = choose(site, job, c)
        problems += [text for text in wrong if text not in problems]
        placed.append(replace(c, partition=partition, origins={**c.origins, "partition": origin}))
        if partition and origin.kind == "rule" and (text := f"partition {partition} ({origin.text})") not in notes:
            notes.append(text)
    if problems:
        raise LimitError(*problems)
    return replace(job, components=tuple(placed)), notes


def _shared_env(job: Job, request: Request) -> Job:
    """One component's environment is exported once; several components' stands on the launch line."""
    kept = [tuple((n, v) for n, v in c.env if n not in request.env) for c in job.components]
    job = replace(job, components=tuple(replace(c, env=env) for c, env in zip(job.components, kept)))
    if job.hetjob:
        return job
    return replace(job, setup=replace(job.setup, env=(*job.setup.env, *job.components[0].env)))


def _explained(site: Site, job: Job, origins: Origins) -> Job:
    """The job with the origin of every value that its lines show."""
    wide = {key: origins[key] for key in (*JOB_WIDE, "time") if key in origins}
    wide.setdefault("time", Origin("default", "one hour, unless the partition has less"))
    wide["name"] = origins.get("job_name", Origin("rule", "the program's name, or the workload's"))
    wide["shebang"] = site.cite("shell", "shebang")
    wide["scheduler_version"] = origins.get("hetjob", Origin("rule", "between components"))
    wide["header"] = Origin("rule", "how the script was made")
    wide["selfcheck"] = Origin("rule", f"no program was named: templates/workloads/{job.workload.replace('-', '_')}.py")
    wide["directives"] = origins.get("directive", site.cite("scheduler", "extra"))
    parts = []
    for c in job.components:
        own = {f: origins[f] for f in c.__struct_fields__ if f in origins}
        for field, keys in DERIVED.items():
            own.setdefault(field, next((origins[k] for k in keys if k in origins), Origin("rule", f"{job.workload}: {c.role}")))
        if c.role == "scheduler and client":
            small = Origin("rule", "one CPU and 1G for the scheduler and for the client, each")
            own.update(ntasks=Origin("rule", "scheduler and client, a rank each"), nodes=Origin("rule", "both on one node"),
                       cpus_per_task=origins.get("scheduler_cpus", small), mem_per_cpu_mib=origins.get("scheduler_mem", small))
        if c.gpus and c.gpus.style != "gpus":
            own["gres"] = own["gpus"] = site.cite("scheduler", "gpu_request")
        parts.append(replace(c, origins={**own, **c.origins}))
    return replace(job, components=tuple(parts), origins=wide)


# Which keys of a request a component's fields come from, where the names differ.
DERIVED = {
    "ntasks": ("workers", "ntasks"),
    "cpus_per_task": ("cpus_per_worker", "cpus_per_task"),
    "mem_mib": ("mem",),
    "mem_per_cpu_mib": ("mem_per_cpu",),
    "mem_per_gpu_mib": ("mem_per_gpu",),
    "gpus": ("gpus", "gpus_per_node", "gpus_per_task"),
    "gres": ("gres",),
    "env": ("env",),
}
