"""Workloads: one module and one template each, with the same name. They turn roles and rules into components and steps."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from hpcgen.base.errors import RequestError, among
from hpcgen.base.kinds import option
from hpcgen.base.units import counted
from hpcgen.model.job import Asked, Command, Component, Job, Origins
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked

# Assumed values by the option that sets them: {"mem_per_cpu": "1G per CPU"}.
Assumed = Mapping[str, str]


class Layout(NamedTuple):
    """Components, a command for each, assumed values, and notes.

    `parts`: the modules of the launcher that runs inside the job, package first. `pmi`: the step's PMI, if it is not the
    site's. `kill_on_bad_exit`: whether one failing process ends all, under srun. `through`: how bash starts the template's
    script that starts the program on each node. `exports`: variables of the script that its processes need.
    """

    components: List[Component]
    commands: List[Command]
    assumed: Assumed = {}
    notes: Tuple[str, ...] = ()
    parts: Tuple[str, ...] = ()
    pmi: Optional[str] = None
    kill_on_bad_exit: Optional[bool] = None
    through: Optional[str] = None
    exports: Tuple[str, ...] = ()


class Told(NamedTuple):
    """Settings for the launcher inside the job, written as JSON, and the origins of these values."""

    values: Dict[str, Any]
    origins: Origins


class Workload(NamedTuple):
    """A workload. Its module defines these members by the same names, constants in capitals. Only `lay_out` is required."""

    name: str
    # Roles as components and commands. Raises RequestError.
    lay_out: Callable[[Request], Layout]
    # The launcher's settings for each component, if the layout has `parts`.
    tell: Optional[Callable[[Site, Request, Job, Component, Origins], Told]] = None
    # The job as an array, and notes about it. Raises RequestError.
    split: Optional[Callable[[Site, Request, Job, Origins], Tuple[Job, List[str]]]] = None
    # Whether MPI's launcher starts it.
    mpi: bool = False
    # Whether the scheduler starts it once on each node, without MPI.
    one_a_node: bool = False
    # Whether ranks with several CPUs are each bound to their own CPUs.
    binds: bool = False
    # Whether a task gets the CPUs that come with its GPUs when the user set no number of CPUs. Workloads with one task per
    # node always do; other workloads derive their number of processes or threads from the CPUs.
    widens: bool = False
    # Whether it reads the number of GPUs itself: torchrun starts a process for each, unless --nproc-per-node sets the number,
    # and Ray gets the number from its settings. That needs no scheduler.
    counts_gpus: bool = False
    # Options that it does not take.
    refuses: Tuple[str, ...] = ()
    # Packages that its programs import, except mpi4py: the name on PyPI, and the name on conda-forge.
    packages: Mapping[str, str] = {}


# The default.
DEFAULT = "dask-mpi"


@cache
def names() -> Tuple[str, ...]:
    return tuple(sorted(p.stem.replace("_", "-") for p in Path(__file__).parent.glob("[!_]*.py")))


@cache
def get(name: str) -> Workload:
    """Raises RequestError for an unknown workload."""
    if name == "gpu":
        raise RequestError("--workload gpu: every workload takes GPUs: for one process, use --workload serial --gpus 1")
    if name not in names():
        raise RequestError(f"--workload {name}: unknown workload{among(name, names())}")
    module = vars(importlib.import_module(f"hpcgen.workloads.{name.replace('-', '_')}"))
    optional = {field: module[own] for field in Workload._field_defaults for own in (field, field.upper()) if own in module}
    return Workload(name, module["lay_out"], **optional)


def threads(count: int) -> Tuple[Tuple[str, str], ...]:
    """OpenMP's variable. MKL and OpenBLAS read it too; without it they start a thread for every CPU they see."""
    return (("OMP_NUM_THREADS", str(count)),)


def undivided(number: int, what: str, cpus: int) -> str:
    """Why CPUs cannot be divided, with the possible numbers: ``3 threads do not divide 4 CPUs: use 1, 2 or 4``."""
    whole = [str(n) for n in range(1, cpus + 1) if cpus % n == 0]
    nearest = " or ".join(filter(None, (", ".join(whole[:-1]), whole[-1])))
    return f"{counted(number, what)} do not divide {counted(cpus, 'CPU')}: use {nearest}"


def command(request: Request, selfcheck: Tuple[str, ...] = (), python: bool = False) -> Command:
    """The requested program: run by Python if it must be or ends in .py, otherwise by itself; or the self-check."""
    interpreter = request.python or "python"
    if request.program is None:
        if request.args:
            raise RequestError("program: arguments were given without a program: name the program first")
        return Command(python=interpreter, args=selfcheck)
    if not request.program:
        raise RequestError("program: its name is empty")
    if request.program.startswith("-"):
        raise RequestError(f"program: '{request.program}' begins with '-': write './{request.program}'")
    by_python = python or request.program.endswith(".py")
    return Command(python=interpreter if by_python else None, file=request.program, args=request.args)


def component(request: Request, role: str, ntasks: int, cpus: int, **more: object) -> Component:
    """A component with the values that the request gives for all components of its kind."""
    same = {name: getattr(request, name) for name in SHARED}
    if request.cpus_per_gpu and role not in (SMALL, HEAD):
        cpus = _by_gpu(request, ntasks)
    disk = None if request.tmp is None else int(request.tmp)
    own: Dict[str, object] = {"ntasks": ntasks, "cpus_per_task": cpus, "tmp_mib": disk, "env": threads(cpus)}
    return Component(role=role, **{**same, **own, "asked": asked(request, role, ntasks, cpus), **more})


def asked(request: Request, role: str, ntasks: int, cpus: int) -> Dict[str, Asked]:
    """How the user asked for the tasks of a component of this role, for their CPUs and their memory."""
    if role in (SMALL, HEAD):
        return {"cpus_per_task": Asked("scheduler_cpus"), "mem_per_cpu_mib": Asked("scheduler_mem")}
    if request.workers is not None:
        tasks = Asked("workers", plus=ntasks - request.workers)
    elif request.ntasks is None and request.nodes and ntasks % request.nodes == 0:
        tasks = Asked("nodes", times=ntasks // request.nodes)
    elif request.ntasks is None and role in WORKERS:
        tasks = Asked("workers", plus=WORKERS[role])
    else:
        tasks = Asked("ntasks", plus=ntasks - (request.ntasks or ntasks))
    found = {"ntasks": tasks, **({"nodes": tasks} if role == "node" and request.workers is not None else {})}
    if request.cpus_per_gpu and not (request.cpus_per_worker or request.cpus_per_task):
        return {**found, "cpus_per_task": Asked("cpus_per_gpu", times=max(1, cpus // request.cpus_per_gpu))}
    of_workers = request.cpus_per_worker or (role in WORKERS and not request.cpus_per_task)
    return {**found, "cpus_per_task": Asked("cpus_per_worker" if of_workers else "cpus_per_task")}


def _by_gpu(request: Request, ntasks: int) -> int:
    """CPUs of a task if the user asked for CPUs per GPU: sbatch takes no --cpus-per-task with --cpus-per-gpu, but srun and
    OpenMP need the number of each task."""
    if request.cpus_per_task or request.cpus_per_worker:
        raise RequestError("--cpus-per-gpu and --cpus-per-task exclude each other: give one of them")
    times = {"job": 1, "node": request.nodes or (1 if ntasks == 1 else 0), "task": ntasks}
    if asked := gpus_asked(request):
        total = asked.number * times[asked.per] * (request.cpus_per_gpu or 0)
        if total and total % ntasks == 0:
            return total // ntasks
    raise RequestError(f"--cpus-per-gpu {request.cpus_per_gpu}: not a whole number of CPUs per task: use --cpus-per-task")


SMALL = "scheduler and client"
HEAD = "head"
# Roles of Dask's tasks, each with the number of tasks besides the workers.
WORKERS = {"worker": 0, "all": 2}
# Options for Dask's roles; Ray takes some of them.
ROLES = (
    "workers", "cpus_per_worker", "threads_per_worker", "worker_class", "local_directory", "runner", "plain", "hetjob",
    "flatten", "scheduler_cpus", "scheduler_mem", "share_core", "interface", "launcher",
)  # fmt: skip
SHARED = (
    "nodes", "ntasks_per_node", "ntasks_per_core", "threads_per_core", "hint", "gres", "partition",
    "constraint", "exclusive", "nodelist", "exclude", "distribution", "licenses",
)  # fmt: skip


def worker_cpus(request: Request, alike: str) -> int:
    """CPUs of a worker. `alike` describes a job without --hetjob, for the message. Raises RequestError."""
    if request.cpus_per_worker and request.cpus_per_task and request.cpus_per_worker != request.cpus_per_task:
        raise RequestError("--cpus-per-worker and --cpus-per-task differ: give one of them")
    for name in ("scheduler_cpus", "scheduler_mem", "share_core"):
        if getattr(request, name) not in (None, False) and not request.hetjob:
            raise RequestError(f"{option(name)}: without --hetjob, {alike}: add --hetjob, or leave it out")
    return request.cpus_per_worker or request.cpus_per_task or 1


def small_mib(request: Request, cpus: int, mib: int) -> int:
    """MiB per CPU of the small component; the default for each of its tasks is `mib`. Raises RequestError."""
    each = int(request.scheduler_mem or mib)
    if each % cpus:
        nearest = f"{each // cpus * cpus}M"
        raise RequestError(f"--scheduler-mem {each}M: {cpus} CPUs do not divide it into whole MiB: use {nearest}")
    return each // cpus


MIB_PER_CPU = 1024


def memory(request: Request) -> Tuple[Dict[str, Optional[int]], Assumed]:
    """The memory fields of a component, in the style that was asked for, and the assumed values.

    The default is 1 GiB per CPU. With --exclusive it is all memory of the node, because --exclusive alone does not change the
    scheduler's default.
    """
    asked = {f"{name}_mib": getattr(request, name) for name in ("mem", "mem_per_cpu", "mem_per_gpu")}
    asked = {name: None if value is None else int(value) for name, value in asked.items()}
    for name in ("mem_per_cpu", "mem_per_gpu", "scheduler_mem"):
        if getattr(request, name) == 0:
            raise RequestError(f"{option(name)} 0: only --mem accepts 0, for all memory of each node: give an amount")
    if any(value is not None for value in asked.values()):
        return asked, {}
    if request.exclusive:
        return {**asked, "mem_mib": 0}, {"mem": "all memory of each node"}
    return {**asked, "mem_per_cpu_mib": MIB_PER_CPU}, {"mem_per_cpu": "1G per CPU"}


def gpus_on_each(request: Request, nodes: int) -> int:
    """GPUs of each node, where one task uses all of them. Raises RequestError if the nodes would get different numbers."""
    asked = gpus_asked(request)
    if asked is None or asked.per != "job":
        return asked.number if asked else 0
    if asked.number % nodes:
        raise RequestError(
            f"--gpus {asked.number}: {nodes} nodes do not divide {counted(asked.number, 'GPU')}: use "
            f"--gpus-per-node {-(-asked.number // nodes)}"
        )
    return asked.number // nodes


def refuse_ranks(request: Request, why: str, instead: str) -> None:
    """Raises RequestError for numbers of ranks, if the workload has one process per node."""
    for name in ("ntasks", "ntasks_per_node", "ntasks_per_core"):
        if (count := getattr(request, name)) is not None and (name, count) != ("ntasks_per_node", 1):
            raise RequestError(f"{option(name)} {count}: {why}: {instead}")


def refuse_several(request: Request, why: str, names: Tuple[str, ...] = ("ntasks", "nodes", "ntasks_per_node")) -> None:
    """Raises RequestError for numbers of tasks or nodes above one."""
    for name in names:
        if (count := getattr(request, name) or 1) != 1:
            raise RequestError(f"{option(name)} {count}: {why}")
