"""A request becomes the settings of dask-jobqueue, each with its origin."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import msgspec

from hpcgen import check, explaining, header, launchers, schedulers
from hpcgen.errors import RequestError, among
from hpcgen.job import Component, Job, Origin, Origins
from hpcgen.jobqueue.native import BACKENDS, Backend, Shape, divided
from hpcgen.jobqueue.texts import Setting
from hpcgen.origins import item_key
from hpcgen.planning import plan
from hpcgen.request import Merged, Request, checked
from hpcgen.shell import expanding, word
from hpcgen.site import Site
from hpcgen.words import Line

COMMAND = "dask-jobqueue"
# Stands for the worker's command in the job that is planned; it gives the job dask-jobqueue's own name, too.
PROGRAM = "dask-worker.py"
DEATH_TIMEOUT = 60
EMPTY: Dict[str, Any] = {"scheduler-options": {}, "worker-extra-args": []}
THEIRS = Origin("default", "dask-jobqueue's own")


class Extras(NamedTuple):
    """What is about Dask and its scheduler, and so in no request. `death_timeout` is in seconds."""

    section: Optional[str] = None
    local_directory: Optional[str] = None
    log_directory: Optional[str] = None
    death_timeout: int = DEATH_TIMEOUT
    scheduler_interface: Optional[str] = None
    worker_args: Tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Extras:
        """Raises RequestError with all that is wrong."""
        problems = [f"{_flag(name)}: no such option{among(name, cls._fields)}" for name in given if name not in cls._fields]
        known = {name: value for name, value in given.items() if name in cls._fields and value not in (None, ())}
        problems += [problem for name, value in known.items() if (problem := _fault(name, value))]
        if problems:
            raise RequestError(*problems)
        if "worker_args" in known:
            known["worker_args"] = tuple(known["worker_args"])
        return cls(**known)

    def said(self) -> Iterator[str]:
        """The options again, for the line that says how the file was made."""
        for name, default in self._field_defaults.items():
            value = getattr(self, name)
            if value != default:
                words = value if isinstance(value, tuple) else (value,)
                yield from (part for one in words for part in (_flag(name), str(one)))


def _flag(name: str) -> str:
    return "--worker-arg" if name == "worker_args" else f"--{name.replace('_', '-')}"


def _fault(name: str, value: Any) -> Optional[str]:
    if name == "death_timeout":
        fine = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return None if fine else f"--death-timeout: {value!r} is not a number of seconds, 1 or more"
    if name == "worker_args" and (isinstance(value, str) or not all(isinstance(item, str) for item in value)):
        return f"--worker-arg: {value!r} is not a list of words: write ['--lifetime', '50m']"
    for item in value if name == "worker_args" else (value,):
        try:
            Line.parse(item)
        except ValueError as why:
            return f"{_flag(name)}: {why}"
    if name == "section" and not re.fullmatch(r"[A-Za-z][\w-]*", value, re.ASCII):
        return f"--section: '{value}' is no name for a section of Dask's configuration: letters, digits, _ and - only"
    if name == "log_directory" and re.search(r"[~$\s#'\"\\]", value):
        return f"--log-directory: neither dask-jobqueue nor the scheduler expands or quotes '{value}': write a plain path"
    return _interface_fault(_flag(name), value) if name == "scheduler_interface" else None


def _interface_fault(flag: str, value: str) -> Optional[str]:
    """dask-jobqueue writes it into a command line as it is."""
    fine = re.fullmatch(r"[A-Za-z][\w.:@-]*", value, re.ASCII)
    return None if fine else f"{flag}: '{value}' is not the name of a network interface: write ib0"


class Export(NamedTuple):
    """All that dask-jobqueue is told; `job` is the planned job that it comes from."""

    cluster: str
    section: str
    settings: Tuple[Setting, ...]
    header: Tuple[str, ...]
    notes: Tuple[str, ...]
    job: Job


def export(site: Site, asked: Union[Request, Merged], extras: Extras = Extras()) -> Export:
    """What dask-jobqueue is to be told. Raises RequestError, and LimitError as `plan` does."""
    request, origins = asked if isinstance(asked, Merged) else checked(asked)
    backend = BACKENDS.get(site.scheduler.type)
    if backend is None:
        raise RequestError(_no_class(site))
    if problems := list(_refused(request, extras)):
        raise RequestError(*problems)
    asked, assumed = _as_one_task(request, origins)
    job = _with_thread_rule(plan(site, asked), request)
    part = job.components[0]
    processes, why = _processes(request, origins, part.cpus_per_task)
    mib, memory = _memory(site, request, part)
    found: Dict[str, Setting] = {}

    def put(key: str, value: Any, *why: Optional[Origin]) -> None:
        found[key] = (key, value, (tuple(origin for origin in why if origin),))

    put("cores", part.cpus_per_task, _cores_origin(part, origins))
    put("memory", f"{mib // 1024} GiB" if mib % 1024 == 0 else f"{mib} MiB", memory)
    put("processes", processes, why)
    found.update(_of_script(job, site.scheduler.type, backend, Shape(part.cpus_per_task, mib)))
    if request.job_name is None and "name" in found:
        put("name", found["name"][1], THEIRS)
    put("shebang", f"#!{job.shebang}", site.cite("shell", "shebang"))
    put("python", *_python(request, origins, job))
    interface = request.interface or site.network.interface
    if problem := interface and _interface_fault("--interface", interface):
        raise RequestError(problem)
    put("interface", interface, origins.get("interface") or (site.cite("network", "interface") if interface else None))
    local, flag = extras.local_directory or site.storage.local, Origin("flag", "--local-directory")
    where = flag if extras.local_directory else site.cite("storage", "local")
    put("local-directory", expanding(local) if local else None, where if local else None)
    usual = extras.death_timeout == DEATH_TIMEOUT
    put("death-timeout", extras.death_timeout, THEIRS if usual else Origin("flag", "--death-timeout"))
    put("worker-command", "distributed.cli.dask_worker", THEIRS)
    if extras.log_directory:
        put("log-directory", extras.log_directory, Origin("flag", "--log-directory"))
    if extras.scheduler_interface:
        put("scheduler-options", {"interface": extras.scheduler_interface}, Origin("flag", "--scheduler-interface"))
    args = [word(arg) for arg in extras.worker_args]
    found["worker-extra-args"] = ("worker-extra-args", args, ((Origin("flag", "--worker-arg"),),) * len(args))
    if unwritable := [value for value in _strings(found.values()) if any("\ud800" <= c <= "\udfff" for c in value)]:
        raise RequestError(f"{unwritable[0]!r} is not UTF-8, which dask-jobqueue's scripts must be: leave it out")
    notes = [*_assumed(assumed, job.notes), *_notes(request, processes, interface, extras)]
    return Export(
        backend.cluster,
        extras.section or backend.section,
        tuple(found.get(key, (key, EMPTY.get(key), ())) for key in backend.all_keys),
        header.lines(site, request, origins, COMMAND, *extras.said()),
        tuple(notes),
        job,
    )


def _strings(settings: Iterable[Setting]) -> Iterator[str]:
    for _, value, _ in settings:
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _no_class(site: Site) -> str:
    if site.scheduler.type == "local":
        return f"--site: {site.id} has no scheduler to hand jobs to: use dask.distributed.LocalCluster there"
    known = ", ".join(sorted(BACKENDS))
    return f"--site: {site.id} runs {site.scheduler.type}, for which dask-jobqueue has no cluster: it has those for {known}"


# What means nothing to a job of dask-jobqueue, and what to do instead.
JOBS = "each job is one task on one node: ask for more jobs by cluster.scale(jobs=4)"
MEANINGLESS = {
    "program": "workers run what the client sends them: leave the program out",
    "workload": "the jobs are Dask's workers: leave it out",
    "array": JOBS,
    "hetjob": "Dask's scheduler runs where the cluster is made, and in no job: leave it out",
    "scheduler_cpus": "Dask's scheduler runs where the cluster is made, and in no job: leave it out",
    "scheduler_mem": "Dask's scheduler runs where the cluster is made, and in no job: leave it out",
    "mpi": "nothing of the job runs under MPI: leave it out",
}


def _refused(request: Request, extras: Extras) -> Iterator[str]:
    for name, instead in MEANINGLESS.items():
        if getattr(request, name):
            yield f"--{name.replace('_', '-')}: {instead}" if name != "program" else f"program: {instead}"
    for name in ("nodes", "ntasks", "ntasks_per_node"):
        if (getattr(request, name) or 1) > 1:
            yield f"--{name.replace('_', '-')} {getattr(request, name)}: {JOBS}"
    if request.workers is not None and request.workers < 1:
        yield f"--workers {request.workers}: a job has one worker at the least"
    if extras.log_directory and (request.output or request.error):
        yield "--log-directory: --output and --error say where the logs go already: give either"


def _as_one_task(request: Request, origins: Origins) -> Tuple[Merged, Tuple[str, ...]]:
    """The same request as a serial job whose task has the CPUs of all its workers, and what was assumed.

    Dask runs as many tasks at once as a worker has threads: a library with threads of its own would take each CPU twice.
    """
    each, total, workers = request.cpus_per_worker, request.cpus_per_task, request.workers
    assumed: Tuple[str, ...] = ()
    if each and total and total != each * (workers or max(1, total // each)):
        of = f"{workers or 'whole'} workers with {each} each"
        raise RequestError(f"--cpus-per-task {total}: not the CPUs of {of}: give --cpus-per-worker alone")
    if not (each or total or request.cpus_per_gpu):
        assumed = ("1 CPU a worker (--cpus-per-worker)",)
    if not (total or request.cpus_per_gpu):
        total = (each or 1) * (workers or 1)
    says = next((origins[key] for key in ("cpus_per_task", "cpus_per_worker", "workers") if key in origins), None)
    plain = msgspec.structs.replace(
        request, workload="serial", program=PROGRAM, workers=None, cpus_per_worker=None, interface=None, cpus_per_task=total,
        env={"OMP_NUM_THREADS": "1", **request.env},
    )  # fmt: skip
    return Merged(plain, {**origins, **({"cpus_per_task": says} if says else {})}), assumed


def _with_thread_rule(job: Job, request: Request) -> Job:
    if "OMP_NUM_THREADS" in request.env:
        return job
    rule = Origin("rule", "Dask runs a task on each CPU already")
    origins = {**job.setup.origins, item_key("env", ("OMP_NUM_THREADS",)): rule}
    return msgspec.structs.replace(job, setup=msgspec.structs.replace(job.setup, origins=origins))


def _processes(request: Request, origins: Origins, cores: int) -> Tuple[int, Origin]:
    """Workers of a job. dask-jobqueue would give each ``int(cores / processes)`` threads and lose the rest."""
    if request.workers:
        workers, why = request.workers, origins.get("workers", Origin("flag", "--workers"))
    elif request.cpus_per_worker:
        workers, why = cores // request.cpus_per_worker, origins.get("cpus_per_worker", Origin("flag", "--cpus-per-worker"))
    else:
        workers, why = usual_processes(cores), Origin("rule", "Dask's own: about as many workers as threads of each")
    if cores % workers:
        nearest = min((n for n in range(1, cores + 1) if cores % n == 0), key=lambda n: abs(n - workers))
        raise RequestError(f"--workers {workers}: {cores} CPUs are no whole number for each: ask for --workers {nearest}")
    return workers, why


def usual_processes(cores: int) -> int:
    """Workers for so many cores where nobody says. Source: nprocesses_nthreads of distributed 2026.8."""
    if cores <= 4:
        return cores
    return min(n for n in range(1, cores + 1) if cores % n == 0 and n >= math.sqrt(cores))


def _cores_origin(part: Component, origins: Origins) -> Optional[Origin]:
    return next((origins[key] for key in ("cpus_per_worker", "cpus_per_task", "workers") if key in origins),
                part.origins.get("cpus_per_task"))  # fmt: skip


def _memory(site: Site, request: Request, part: Component) -> Tuple[int, Optional[Origin]]:
    """MiB of a job, which its workers share as their limits: as asked, or what a node gives where that is all of it."""
    if part.mem_mib:
        return part.mem_mib, part.origins.get("mem_mib")
    if part.mem_per_cpu_mib:
        return part.mem_per_cpu_mib * part.cpus_per_task, part.origins.get("mem_per_cpu_mib")
    if part.mem_per_gpu_mib:
        return part.mem_per_gpu_mib * check.node_gpus(part), part.origins.get("mem_per_gpu_mib")
    if request.mem:
        return int(request.mem), part.origins.get("mem_mib")
    if request.mem_per_cpu:
        return int(request.mem_per_cpu) * part.cpus_per_task, part.origins.get("mem_per_cpu_mib")
    partition = site.partitions.get(part.partition or "")
    kinds = [kind for kind in (partition.nodes if partition else site.nodes) if site.nodes[kind].cores >= 1]
    shares = {kind: _share(site, kind, part) for kind in kinds}
    if not shares or not all(shares.values()):
        raise RequestError("--mem: Dask must know the memory of a job, and no fact says what a node gives: ask for --mem 40G")
    least = min(shares, key=lambda kind: shares[kind] or 0)
    return shares[least] or 0, site.cite("nodes", least, "mem")


def _share(site: Site, kind: str, part: Component) -> Optional[int]:
    """MiB that the job has of such a node: all of it where it was asked for, else by its CPUs."""
    node = site.nodes[kind]
    if node.mem is None or part.mem_mib == 0:
        return node.mem
    return int(node.mem * min(1, part.cpus_per_task / site.cpus(node)))


def _of_script(job: Job, scheduler: str, backend: Backend, shape: Shape) -> Iterator[Tuple[str, Setting]]:
    """The settings that stand in the job's script: its directives, and what it does before it launches."""
    prefix = str(schedulers.get(scheduler).DIRECTIVE)
    lines = explaining.explain(job)
    last = max(i for i, line in enumerate(lines) if line.text.startswith(f"{prefix} "))
    why = {line.text[len(prefix) + 1 :]: line.origins for line in lines[: last + 1] if line.text.startswith(f"{prefix} ")}
    keys, extra, skip = divided(list(why), prefix, backend, shape)
    for key, (value, directive) in keys.items():
        yield key, (key, value, (why[directive],))
    yield "job-extra-directives", ("job-extra-directives", extra, tuple(why[text] for text in extra))
    rule = Origin("rule", "dask-jobqueue would write another than the site's script")
    yield "job-directives-skip", ("job-directives-skip", skip, ((rule,),) * len(skip))
    launch = launchers.launch(job, job.steps[0])
    end = next(i for i, line in enumerate(lines) if line.text == launch)
    prologue = [line for line in lines[last + 1 : end] if line.text]
    whys = tuple(line.origins or (Origin("rule", f"template {line.template}"),) for line in prologue)
    yield "job-script-prologue", ("job-script-prologue", [line.text for line in prologue], whys)


def _python(request: Request, origins: Origins, job: Job) -> Tuple[Optional[str], Optional[Origin]]:
    """What runs the workers, quoted: an environment that was asked for has its own, else whoever makes the cluster."""
    named = [name for name in ("python", "image", "conda", "venv", "userbase", "module") if getattr(request, name)]
    if not named:
        return None, Origin("default", "the Python that makes the cluster")
    python, program, _ = launchers.launch(job, job.steps[0]).rpartition(f" {PROGRAM}")
    if not program or python.startswith("bash -c "):
        raise RequestError(f"--python: dask-jobqueue cannot write '{request.python}': give a path without ':' and '='")
    return python, origins.get(named[0])


def _assumed(more: Tuple[str, ...], notes: Tuple[str, ...]) -> List[str]:
    """The job's notes, with what was assumed here among what was assumed there."""
    first, rest = (notes[:1], notes[1:]) if notes and notes[0].startswith("assumed: ") else ((), notes)
    texts = [*more, *(text[len("assumed: ") :] for text in first)]
    return [*([f"assumed: {', '.join(texts)}"] if texts else []), *rest]


def _notes(request: Request, processes: int, interface: Optional[str], extras: Extras) -> Iterator[str]:
    """What of dask-jobqueue a person should know."""
    from hpcgen.request import gpus_asked

    if gpus_asked(request) and processes > 1:
        yield "all workers of a job see all its GPUs: ask for one worker a job, or use dask-cuda's worker"
    for name in ("output", "error"):
        folder, slash, _ = (getattr(request, name) or "").rpartition("/")
        if slash and folder:
            yield f"--{name}: make the folder {folder} first; that of --log-directory is made by dask-jobqueue"
    if interface and not extras.scheduler_interface:
        yield f"Dask's scheduler listens on {interface} too, where the cluster is made: elsewhere say --scheduler-interface"
