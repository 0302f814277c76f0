"""Turns a request into the settings of dask-jobqueue, each with its origin."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, Optional, Tuple, Union

from hpcgen import schedulers
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.base.paths import Rooms
from hpcgen.base.shell import expanding, word
from hpcgen.jobqueue import task
from hpcgen.jobqueue.extras import DEATH_TIMEOUT, Extras, interface_fault
from hpcgen.jobqueue.native import BACKENDS, Backend, Shape, divided
from hpcgen.jobqueue.script import LOGS, MEMORY, Script, taken_apart
from hpcgen.jobqueue.settings import Export, Setting
from hpcgen.launch import launchers
from hpcgen.model.job import Job, Origin, Origins
from hpcgen.planning import header, remarks
from hpcgen.planning.plan import plan
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked
from hpcgen.request.layers import Merged, checked

COMMAND = "dask-jobqueue"
EMPTY: Dict[str, Any] = {"scheduler-options": {}, "worker-extra-args": []}
THEIRS = Origin("default", "dask-jobqueue's own")


def export(
    site: Site, asked: Union[Request, Merged], extras: Extras = Extras(), rooms: Optional[Rooms] = None
) -> Export:
    """The settings for dask-jobqueue. Raises RequestError and LimitError, as `plan` does."""
    request, origins = asked if isinstance(asked, Merged) else checked(asked)
    backend = BACKENDS.get(site.scheduler.type)
    if backend is None:
        raise RequestError(_no_class(site))
    if problems := list(_refused(request, extras)):
        raise RequestError(*problems)
    one_task, assumed = task.as_one_task(site, request, origins)
    job = task.with_thread_rule(plan(site, one_task), request, origins)
    settings = _settings(site, request, origins, extras, job, taken_apart(job, rooms), backend)
    found = {key: (key, value, why) for key, value, why in settings}
    for text in _strings(found.values()):
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise RequestError(f"{text!r} is not UTF-8, and dask-jobqueue writes its scripts in UTF-8: leave it out")
    _, interface, _ = found["interface"]
    return Export(
        backend.cluster,
        extras.section or backend.section,
        tuple(found.get(key, (key, EMPTY.get(key), ())) for key in backend.all_keys),
        header.lines(site, request, origins, COMMAND, *extras.said()),
        (
            *remarks.assumed({**assumed, **job.assumed}),
            *job.notes,
            *_notes(site, request, found["processes"][1], interface, extras),
        ),
        job,
        site.network.fallback if interface == site.network.interface else (),
        schedulers.get(job.scheduler).on_command_line(job),
    )


def _settings(
    site: Site, request: Request, origins: Origins, extras: Extras, job: Job, script: Script, backend: Backend
) -> Iterator[Setting]:
    part = job.components[0]
    processes, why = task.processes(request, origins, part.cpus_per_task)
    cores = processes * task.threads(request, part.cpus_per_task // processes)
    mib, whence = task.memory(site, request, part, any(MEMORY.search(text) for text in script.directives))
    yield _one("cores", cores, task.cores_origin(part, origins))
    yield _one("memory", f"{mib // 1024} GiB" if mib % 1024 == 0 else f"{mib} MiB", whence)
    yield _one("processes", processes, why)
    for key, value, whys in _of_script(script, backend, Shape(cores, mib), bool(extras.log_directory)):
        yield (key, value, whys) if key != "name" or request.job_name else _one(key, value, THEIRS)
    yield _one("shebang", f"#!{job.shebang}", site.cite("shell", "shebang"))
    yield _one("python", *_python(site, request, origins, job))
    yield _one("worker-command", "distributed.cli.dask_worker", THEIRS)
    yield from (_one(key, value, Origin("rule", reason)) for key, value, reason in backend.fixed)
    yield from _of_dask(site, request, origins, extras)


def _of_dask(site: Site, request: Request, origins: Origins, extras: Extras) -> Iterator[Setting]:
    """Where workers listen and spill, and their other options."""
    interface = request.interface or site.network.interface
    if problem := interface and interface_fault("--interface", interface):
        raise RequestError(problem)
    fact = site.cite("network", "interface") if interface else None
    yield _one("interface", interface, origins.get("interface") or fact)
    if request.local_directory:
        yield _one("local-directory", expanding(request.local_directory), origins.get("local_directory"))
    elif site.storage.in_memory:  # data that does not fit into memory must not go there
        yield _one("local-directory", expanding("$PWD"), site.cite("storage", "in_memory"))
    elif site.storage.local:
        yield _one("local-directory", expanding(site.storage.local), site.cite("storage", "local"))
    usual = extras.death_timeout == DEATH_TIMEOUT
    yield _one("death-timeout", extras.death_timeout, THEIRS if usual else _flag("death-timeout"))
    if extras.log_directory:
        yield _one("log-directory", extras.log_directory, _flag("log-directory"))
    if extras.scheduler_interface:
        yield _one("scheduler-options", {"interface": extras.scheduler_interface}, _flag("scheduler-interface"))
    args = [word(arg) for arg in extras.worker_args]
    yield "worker-extra-args", args, ((_flag("worker-arg"),),) * len(args)


def _one(key: str, value: Any, origin: Optional[Origin]) -> Setting:
    return key, value, ((origin,),) if origin else ()


def _flag(name: str) -> Origin:
    return Origin("flag", f"--{name}")


def _strings(settings: Iterable[Setting]) -> Iterator[str]:
    for _, value, _ in settings:
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _no_class(site: Site) -> str:
    if schedulers.get(site.scheduler.type).one_machine:
        return f"--site {site.id}: there is no scheduler: use dask.distributed.LocalCluster"
    known = ", ".join(sorted(BACKENDS))
    return f"--site {site.id}: dask-jobqueue has no cluster class for {site.scheduler.type}: it has classes for {known}"


# Options that do not apply to jobs of dask-jobqueue, and what to do instead.
JOBS = "each job is one task on one node: for more jobs, use cluster.scale(jobs=4)"
NO_SCHEDULER = "Dask's scheduler runs where you create the cluster, not in a job: leave it out"
STARTS = "dask-jobqueue starts the workers"
MEANINGLESS = {
    "program": "workers run the tasks that the client sends: leave the program out",
    "workload": "the jobs are Dask workers: leave it out",
    "array": JOBS,
    "hetjob": NO_SCHEDULER,
    "scheduler_cpus": NO_SCHEDULER,
    "scheduler_mem": NO_SCHEDULER,
    "mpi": "the job does not use MPI: leave it out",
    "runner": f"{STARTS}: leave it out",
    "stage": f"{STARTS}: copy the files in job_script_prologue instead",
    "plain": f"{STARTS}: leave it out",
    "launcher": f"{STARTS}: leave it out",
    "kill_on_bad_exit": f"{STARTS}: leave it out",
    "worker_class": "dask-jobqueue starts a nanny with each worker: for another class, use --worker-arg=--worker-class=NAME",
}


def _refused(request: Request, extras: Extras) -> Iterator[str]:
    for name, instead in MEANINGLESS.items():
        if getattr(request, name) not in (None, (), False, "distributed.Nanny"):
            yield f"{option(name) if name != 'program' else name}: {instead}"
    for name in ("nodes", "ntasks", "ntasks_per_node"):
        if (getattr(request, name) or 1) > 1:
            yield f"{option(name)} {getattr(request, name)}: {JOBS}"
    if request.workers is not None and request.workers < 1:
        yield f"--workers {request.workers}: a job has at least one worker: use --workers 1 or more"
    if extras.log_directory and (request.output or request.error):
        yield "--log-directory: --output and --error also set where the logs go: give one of them"


def _of_script(script: Script, backend: Backend, shape: Shape, logs: bool) -> Iterator[Setting]:
    """The settings from the job's script. `logs`: dask-jobqueue itself sets where the logs go."""
    directives = [text for text in script.directives if not (logs and LOGS.fullmatch(text))]
    keys, extra, skip = divided(directives, script.prefix, backend, shape)
    for key, (value, directive) in keys.items():
        yield key, value, (script.directives[directive],)
    yield "job-extra-directives", extra, tuple(script.directives[text] for text in extra)
    rule = Origin("rule", "dask-jobqueue's line differs from the site's script")
    yield "job-directives-skip", skip, ((rule,),) * len(skip)
    yield "job-script-prologue", [line.text for line in script.prologue], tuple(line.origins for line in script.prologue)


def _python(site: Site, request: Request, origins: Origins, job: Job) -> Tuple[Optional[str], Optional[Origin]]:
    """The Python that runs the workers, quoted: that of the requested environment, else the one that creates the cluster."""
    named = [name for name in ("python", "image", "conda", "venv", "userbase", "module") if getattr(request, name)]
    if not named and job.steps[0].launcher == "none":
        return None, Origin("default", "the Python that creates the cluster")
    python, program, _ = launchers.launch(job, job.steps[0]).rpartition(f" {task.PROGRAM}")
    if not program or python.startswith("bash -c "):
        raise RequestError(f"--python {request.python}: dask-jobqueue cannot use it: give a path without ':' and '='")
    return python, origins.get(named[0]) if named else site.cite("mpi", "launcher")


def _notes(site: Site, request: Request, processes: int, interface: Optional[str], extras: Extras) -> Iterator[str]:
    """Notes on dask-jobqueue for the user."""
    if gpus_asked(request) and processes > 1:
        yield "all workers of a job see all of its GPUs: use one worker per job, or dask-cuda's worker class"
    for name in ("output", "error"):
        folder, slash, _ = (getattr(request, name) or "").rpartition("/")
        if slash and folder:
            yield f"--{name}: create the folder {folder} first; with --log-directory, dask-jobqueue creates it"
    yield from remarks.of_disk(site, request, "dask-mpi")
    if interface and not extras.scheduler_interface:
        yield f"Dask's scheduler, where you create the cluster, also listens on {interface}: --scheduler-interface changes it"
