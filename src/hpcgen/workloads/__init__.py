"""Workloads: a module and a template of the same name each, roles and rules -> components and steps."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from hpcgen.base.errors import RequestError, among
from hpcgen.base.kinds import option
from hpcgen.model.job import Command, Component, Job, Origins
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked

# What was not said and what stands for it, by the option that says it: {"mem_per_cpu": "1G a CPU"}.
Assumed = Mapping[str, str]


class Layout(NamedTuple):
    """Components, a command for each, what was assumed, and what else a person should know.

    `parts`: the modules that make the launcher which runs inside the job, package first. `pmi`: that of the
    step, where it is not the site's; `kill_on_bad_exit`: whether one process that fails ends all, where srun is
    asked. `through`: how bash starts the script of the workload's template that starts the program on each node.
    `exports`: variables of the script that its processes need.
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
    """What a launcher inside the job is told, as JSON, and where those values come from."""

    values: Dict[str, Any]
    origins: Origins


class Workload(NamedTuple):
    """What its module has, by the same names (the constants' in capitals): `lay_out` it must have, the rest it may."""

    name: str
    # Roles as components and commands. Raises RequestError.
    lay_out: Callable[[Request], Layout]
    # What the launcher is told for each component, of a workload whose layout has `parts`.
    tell: Optional[Callable[[Site, Request, Job, Component, Origins], Told]] = None
    # The job as an array, and what to say of it. Raises RequestError.
    split: Optional[Callable[[Site, Request, Job, Origins], Tuple[Job, List[str]]]] = None
    # Whether MPI's launcher starts it.
    mpi: bool = False
    # Whether the scheduler starts it, once on each node, without MPI.
    one_a_node: bool = False
    # Whether each rank of several CPUs is bound to its own.
    binds: bool = False
    # Whether a task of which the user said no CPUs may have those that come with its GPUs. Of a workload that has one task on
    # each node this is always so; others count their processes or threads by CPUs.
    widens: bool = False
    # Options that mean nothing to it.
    refuses: Tuple[str, ...] = ()
    # What its programs import, mpi4py apart: a package's name at PyPI, and conda-forge's for it.
    packages: Mapping[str, str] = {}


# What runs where nobody says.
DEFAULT = "dask-mpi"


@cache
def names() -> Tuple[str, ...]:
    return tuple(sorted(p.stem.replace("_", "-") for p in Path(__file__).parent.glob("[!_]*.py")))


@cache
def get(name: str) -> Workload:
    """Raises RequestError for a name that is no workload's."""
    if name == "gpu":
        raise RequestError("--workload gpu: GPUs are asked for with every workload: --workload serial --gpus 1 is one process")
    if name not in names():
        raise RequestError(f"--workload: unknown workload '{name}'{among(name, names())}")
    module = vars(importlib.import_module(f"hpcgen.workloads.{name.replace('-', '_')}"))
    optional = {field: module[own] for field in Workload._field_defaults for own in (field, field.upper()) if own in module}
    return Workload(name, module["lay_out"], **optional)


def threads(count: int) -> Tuple[Tuple[str, str], ...]:
    """OpenMP's own variable; MKL and OpenBLAS read it too, and would else start a thread for every CPU they see."""
    return (("OMP_NUM_THREADS", str(count)),)


def command(request: Request, selfcheck: Tuple[str, ...] = (), python: bool = False) -> Command:
    """The program as asked for: by Python where it must be or ends in .py, else itself; or the self-check."""
    interpreter = request.python or "python"
    if request.program is None:
        if request.args:
            raise RequestError("program: arguments without a program: name the program first")
        return Command(python=interpreter, args=selfcheck)
    if not request.program:
        raise RequestError("program: its name is empty")
    if request.program.startswith("-"):
        raise RequestError(f"program: '{request.program}' begins with '-': write './{request.program}'")
    by_python = python or request.program.endswith(".py")
    return Command(python=interpreter if by_python else None, file=request.program, args=request.args)


def component(request: Request, role: str, ntasks: int, cpus: int, **more: object) -> Component:
    """A component with what a request says of every one of its kind."""
    same = {name: getattr(request, name) for name in SHARED}
    if request.cpus_per_gpu and role not in (SMALL, HEAD):
        cpus = _by_gpu(request, ntasks)
    disk = None if request.tmp is None else int(request.tmp)
    own: Dict[str, Optional[object]] = {"ntasks": ntasks, "cpus_per_task": cpus, "tmp_mib": disk, "env": threads(cpus), **more}
    return Component(role=role, **{**same, **own})


def _by_gpu(request: Request, ntasks: int) -> int:
    """CPUs of a task where they were asked for by GPU: sbatch takes no --cpus-per-task beside --cpus-per-gpu, but srun
    and OpenMP need to hear the task's number."""
    if request.cpus_per_task or request.cpus_per_worker:
        raise RequestError("--cpus-per-gpu and --cpus-per-task exclude each other: give one of them")
    times = {"job": 1, "node": request.nodes or (1 if ntasks == 1 else 0), "task": ntasks}
    if asked := gpus_asked(request):
        total = asked.number * times[asked.per] * (request.cpus_per_gpu or 0)
        if total and total % ntasks == 0:
            return total // ntasks
    raise RequestError("--cpus-per-gpu: the GPUs give no whole number of CPUs a task: ask for --cpus-per-task")


SMALL = "scheduler and client"
HEAD = "head"
# What only Dask's roles have, and some of it Ray's.
ROLES = (
    "workers", "cpus_per_worker", "threads_per_worker", "worker_class", "local_directory", "runner", "plain", "hetjob",
    "flatten", "scheduler_cpus", "scheduler_mem", "share_core", "interface",
)  # fmt: skip
SHARED = (
    "nodes", "ntasks_per_node", "ntasks_per_core", "threads_per_core", "hint", "gres", "partition",
    "constraint", "exclusive", "nodelist", "exclude", "distribution", "licenses",
)  # fmt: skip


def worker_cpus(request: Request, alike: str) -> int:
    """CPUs of a worker. `alike` says what there is in a plain job in place of the small component. Raises RequestError."""
    if request.cpus_per_worker and request.cpus_per_task and request.cpus_per_worker != request.cpus_per_task:
        raise RequestError("--cpus-per-worker and --cpus-per-task disagree: give one of them")
    for name in ("scheduler_cpus", "scheduler_mem", "share_core"):
        if getattr(request, name) not in (None, False) and not request.hetjob:
            raise RequestError(f"{option(name)}: in a plain job {alike}: add --hetjob, or leave it out")
    return request.cpus_per_worker or request.cpus_per_task or 1


def small_mib(request: Request, cpus: int, mib: int) -> int:
    """MiB for each CPU of the small component, of whose tasks each has `mib` unless asked otherwise. Raises RequestError."""
    each = int(request.scheduler_mem or mib)
    if each % cpus:
        nearest = f"{each // cpus * cpus}M"
        raise RequestError(f"--scheduler-mem: {each} MiB on {cpus} CPUs is no whole number a CPU: ask for {nearest}")
    return each // cpus


MIB_PER_CPU = 1024


def memory(request: Request) -> Tuple[Dict[str, Optional[int]], Assumed]:
    """The memory fields of a component, in the style that was asked for, and what was assumed.

    Unasked: 1 GiB a CPU; of a node that is not shared all, for --exclusive alone gives no more than the default.
    """
    asked = {f"{name}_mib": getattr(request, name) for name in ("mem", "mem_per_cpu", "mem_per_gpu")}
    asked = {name: None if value is None else int(value) for name, value in asked.items()}
    for name in ("mem_per_cpu", "mem_per_gpu", "scheduler_mem"):
        if getattr(request, name) == 0:
            raise RequestError(f"{option(name)} 0: only --mem takes 0, which is all memory of each node")
    if any(value is not None for value in asked.values()):
        return asked, {}
    if request.exclusive:
        return {**asked, "mem_mib": 0}, {"mem": "all memory of each node"}
    return {**asked, "mem_per_cpu_mib": MIB_PER_CPU}, {"mem_per_cpu": "1G a CPU"}


def gpus_on_each(request: Request, nodes: int) -> int:
    """GPUs of each node where one task has them all. Raises RequestError where nodes would have different numbers."""
    asked = gpus_asked(request)
    if asked is None or asked.per != "job":
        return asked.number if asked else 0
    if asked.number % nodes:
        raise RequestError(
            f"--gpus {asked.number}: {nodes} nodes cannot have the same number of them: ask for "
            f"--gpus-per-node {-(-asked.number // nodes)}"
        )
    return asked.number // nodes


def refuse_ranks(request: Request, why: str, instead: str) -> None:
    """Raises RequestError for numbers of ranks, where there is one process a node."""
    for name in ("ntasks", "ntasks_per_node", "ntasks_per_core"):
        if (count := getattr(request, name)) is not None and (name, count) != ("ntasks_per_node", 1):
            raise RequestError(f"{option(name)} {count}: {why}: {instead}")


def refuse_several(request: Request, why: str, names: Tuple[str, ...] = ("ntasks", "nodes", "ntasks_per_node")) -> None:
    """Raises RequestError for numbers of tasks or nodes, where there is one of each."""
    for name in names:
        if (count := getattr(request, name) or 1) != 1:
            raise RequestError(f"{option(name)} {count}: {why}")
