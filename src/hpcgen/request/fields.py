"""What a person asks for: every field is a flag of the command line, a key of job.toml and of config.toml."""

import re
from typing import Annotated, Any, Callable, Dict, Literal, NamedTuple, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen.base import units
from hpcgen.base.given import Line, Memory, Module, Name, Text, Time, Token
from hpcgen.base.toml import MOST, Count
from hpcgen.model.job import Per

Number = Annotated[int, msgspec.Meta(le=MOST)]
Hint = Literal["compute_bound", "memory_bound", "multithread", "nomultithread"]
Verb = Literal["exec", "run"]
Runner = Literal["mpi", "slurm", "local"]
Launcher = Literal["carried", "installed"]


# The groups of options, in the order in which help shows them: the common ones come first.
PROGRAM, RESOURCES, TIME, OUTPUT = "Program", "Resources", "Time and queue", "Output"
ENVIRONMENT, CONTAINER, DASK, RAY = "Environment", "Container", "Dask", "Ray"
ARRAYS, PLACEMENT, EXPERT = "Arrays", "Placement", "Expert"
GROUPS = (PROGRAM, RESOURCES, TIME, OUTPUT, ENVIRONMENT, CONTAINER, DASK, RAY, ARRAYS, PLACEMENT, EXPERT)


def about(group: str, text: str, *flags: str) -> msgspec.Meta:
    """A field's group and help, and further flags of its option; the first flag is always the field's own name."""
    return msgspec.Meta(description=text, extra={"flags": flags, "group": group})


class Request(Struct, frozen=True, kw_only=True):
    """A request; unset fields are None. Times are in seconds, memory in MiB."""

    site: Annotated[Optional[Line], about(PROGRAM, "the machine: its id, an alias, or a profile file.toml")] = None
    workload: Annotated[Optional[Token], about(PROGRAM, "how it runs; inferred if not given (in Python: dask-mpi)")] = None
    program: Annotated[Optional[Text], about(PROGRAM, "program file; without one, the script runs a self-check")] = None
    args: Annotated[Tuple[Text, ...], about(PROGRAM, "the program's arguments")] = ()
    mpmd: Annotated[Tuple[Text, ...], about(PROGRAM, "one more program of the MPI job: '2: ./program ARGS' (repeatable)")] = ()

    workers: Annotated[Optional[Number], about(DASK, "Dask workers, in addition to the scheduler and the client")] = None
    cpus_per_worker: Annotated[Optional[Count], about(DASK, "CPUs of each worker")] = None
    hetjob: Annotated[Optional[bool], about(DASK, "heterogeneous job: scheduler and client get a small component")] = None
    flatten: Annotated[Optional[bool], about(DASK, "use the nearest job of equal ranks where --hetjob is not possible")] = None
    threads_per_worker: Annotated[Optional[Count], about(DASK, "tasks that a worker runs at once, sharing its CPUs")] = None
    worker_class: Annotated[Optional[Module], about(DASK, "class of workers: distributed.Nanny, dask_cuda.CUDAWorker")] = None
    local_directory: Annotated[Optional[Line], about(DASK, "node-local directory for data that workers spill: $TMPDIR")] = None
    runner: Annotated[Optional[Runner], about(DASK, "how Dask starts: mpi (default), slurm, or local on one node")] = None
    plain: Annotated[Optional[bool], about(DASK, "start the program itself, without hpcgen's Dask launcher")] = None
    scheduler_cpus: Annotated[Optional[Count], about(DASK, "with --hetjob: CPUs of the scheduler and of the client")] = None
    scheduler_mem: Annotated[Optional[Memory], about(DASK, "with --hetjob: memory of the scheduler and of the client")] = None
    share_core: Annotated[Optional[bool], about(DASK, "with --hetjob: scheduler and client share one core")] = None

    symmetric_run: Annotated[Optional[bool], about(RAY, "start Ray with its own `ray symmetric-run` command")] = None

    commands: Annotated[Optional[Line], about(ARRAYS, "file with one command per line, each a task of the array")] = None
    table: Annotated[Optional[Line], about(ARRAYS, "CSV or TSV file; the program runs once for each row")] = None
    tasks: Annotated[Optional[Count], about(ARRAYS, "number of tasks in that file, if it cannot be counted here")] = None
    chunk: Annotated[Optional[Count], about(ARRAYS, "tasks that each job of the array runs, one after the other")] = None
    throttle: Annotated[Optional[Count], about(ARRAYS, "jobs of the array that run at the same time")] = None

    job_name: Annotated[Optional[Line], about(TIME, "name of the job", "-J")] = None
    account: Annotated[Optional[Token], about(TIME, "account (project) to charge", "-A")] = None
    time: Annotated[Optional[Time], about(TIME, "time limit: 90m, 2h, 1:30:00, 1-12:00:00", "-t")] = None
    partition: Annotated[Optional[Token], about(TIME, "partition (queue)", "-p", "--queue")] = None
    qos: Annotated[Optional[Token], about(TIME, "quality of service", "-q")] = None
    nodes: Annotated[Optional[Count], about(RESOURCES, "number of nodes", "-N")] = None
    ntasks: Annotated[Optional[Count], about(RESOURCES, "number of tasks (MPI ranks)", "-n")] = None
    ntasks_per_node: Annotated[Optional[Count], about(RESOURCES, "tasks on each node", "--tasks-per-node")] = None
    ntasks_per_core: Annotated[Optional[Count], about(PLACEMENT, "tasks on each core")] = None
    nproc_per_node: Annotated[Optional[Count], about(RESOURCES, "torchrun: processes on each node, else one per GPU")] = None
    cpus_per_task: Annotated[Optional[Count], about(RESOURCES, "CPUs of each task", "-c")] = None
    threads_per_core: Annotated[Optional[Count], about(PLACEMENT, "hardware threads of each core that the job uses")] = None
    hyperthreads: Annotated[Optional[bool], about(PLACEMENT, "whether CPUs are hardware threads or whole cores")] = None
    hint: Annotated[Optional[Hint], about(PLACEMENT, "what limits the program, or whether it uses hardware threads")] = None
    mem: Annotated[Optional[Memory], about(RESOURCES, "memory on each node: 40G; 0 for all of it")] = None
    mem_per_cpu: Annotated[Optional[Memory], about(RESOURCES, "memory for each CPU: 3G")] = None
    mem_per_gpu: Annotated[Optional[Memory], about(RESOURCES, "memory for each GPU: 80G")] = None
    object_store_memory: Annotated[Optional[Memory], about(RAY, "memory of each node for Ray's object store: 20G")] = None
    gpus: Annotated[Optional[Token], about(RESOURCES, "GPUs of the whole job: 2 or h100:2", "-G")] = None
    gpus_per_node: Annotated[Optional[Token], about(RESOURCES, "GPUs on each node: 2 or h100:2")] = None
    gpus_per_task: Annotated[Optional[Token], about(RESOURCES, "GPUs of each task: 1 or h100:1")] = None
    cpus_per_gpu: Annotated[Optional[Count], about(RESOURCES, "CPUs for each GPU")] = None
    gres: Annotated[Optional[Token], about(EXPERT, "generic resources on each node, in the scheduler's syntax")] = None
    constraint: Annotated[Optional[Token], about(PLACEMENT, "node features that the job needs", "-C")] = None
    exclusive: Annotated[Optional[bool], about(RESOURCES, "whole nodes, not shared with other jobs")] = None
    nodelist: Annotated[Optional[Token], about(PLACEMENT, "nodes that the job must include")] = None
    exclude: Annotated[Optional[Token], about(PLACEMENT, "nodes that the job must not use", "-x")] = None
    distribution: Annotated[Optional[Token], about(PLACEMENT, "how tasks are distributed over nodes and cores", "-m")] = None
    licenses: Annotated[Optional[Token], about(EXPERT, "licences that the job uses", "-L")] = None
    tmp: Annotated[Optional[Memory], about(RESOURCES, "local disk on each node: 100G")] = None
    resource: Annotated[Dict[Token, Token], about(EXPERT, "job-wide PBS or Grid Engine resource NAME=VALUE (repeatable)")] = {}

    output: Annotated[Optional[Line], about(OUTPUT, "file for the job's standard output", "-o")] = None
    error: Annotated[Optional[Line], about(OUTPUT, "file for the job's standard error", "-e")] = None
    open_mode: Annotated[Optional[Literal["append", "truncate"]], about(OUTPUT, "how these files are opened")] = None
    mail_type: Annotated[Optional[Token], about(OUTPUT, "when to send mail: BEGIN, END, FAIL, ALL …")] = None
    mail_user: Annotated[Optional[Token], about(OUTPUT, "address for this mail")] = None
    array: Annotated[Optional[Token], about(ARRAYS, "array of jobs: 1-10, 0-99%8", "-a")] = None
    dependency: Annotated[Optional[Token], about(TIME, "jobs to wait for: afterok:1234", "-d")] = None
    reservation: Annotated[Optional[Token], about(TIME, "reservation to use")] = None
    requeue: Annotated[Optional[bool], about(EXPERT, "whether the scheduler may restart the job")] = None
    signal: Annotated[Optional[Token], about(EXPERT, "signal to send before the time limit: B:USR1@120")] = None
    export: Annotated[Optional[Token], about(EXPERT, "variables that the job inherits: ALL, NONE, A,B=c")] = None
    chdir: Annotated[Optional[Line], about(ENVIRONMENT, "working directory of the job", "-D")] = None
    comment: Annotated[Optional[Line], about(EXPERT, "comment that the scheduler stores with the job")] = None
    directive: Annotated[Tuple[Line, ...], about(EXPERT, "any other directive, in the scheduler's syntax (repeatable)")] = ()

    module: Annotated[Tuple[Token, ...], about(ENVIRONMENT, "module to load instead of the site's Python (repeatable)")] = ()
    conda: Annotated[Optional[Line], about(ENVIRONMENT, "conda environment to activate: a name or a path")] = None
    venv: Annotated[Optional[Line], about(ENVIRONMENT, "virtual environment to activate: its directory")] = None
    userbase: Annotated[Optional[Line], about(ENVIRONMENT, "PYTHONUSERBASE, the directory of `pip install --user`")] = None
    python: Annotated[Optional[Line], about(ENVIRONMENT, "Python interpreter to run")] = None
    launcher: Annotated[Optional[Launcher], about(ENVIRONMENT, "launcher of Dask or Ray: in the script, or installed")] = None
    env: Annotated[Dict[Name, Text], about(ENVIRONMENT, "environment variable NAME=VALUE for the job (repeatable)")] = {}
    stage: Annotated[Tuple[Line, ...], about(ENVIRONMENT, "file, folder or archive to copy to each node (repeatable)")] = ()
    interface: Annotated[Optional[Token], about(EXPERT, "network interface for traffic between nodes: ib0, hsn0")] = None
    mpi: Annotated[Optional[Token], about(EXPERT, "type for `srun --mpi=`, instead of the profile's")] = None
    kill_on_bad_exit: Annotated[Optional[bool], about(EXPERT, "whether srun ends the whole job when one rank fails")] = None
    image: Annotated[Optional[Line], about(CONTAINER, "container image (.sif) that the program runs in")] = None
    container_verb: Annotated[Optional[Verb], about(CONTAINER, "`exec IMAGE python PROGRAM` or `run IMAGE PROGRAM`")] = None
    bind: Annotated[Tuple[Token, ...], about(CONTAINER, "file or folder to bind into the container (repeatable)")] = ()


# The options of GPUs' own, each with what it counts by.
GPUS: Dict[str, Per] = {"gpus": "job", "gpus_per_node": "node", "gpus_per_task": "task"}

class GpusAsked(NamedTuple):
    """The option's name, the GPUs' type and number, and per what: job, node or task."""

    name: str
    type: Optional[str]
    number: int
    per: Per


def gpus_asked(request: Request) -> Optional[GpusAsked]:
    """The GPUs that a request asks for, by an option of their own or as ``--gres gpu:h100:2``."""
    for name, per in GPUS.items():
        if text := getattr(request, name):
            kind, _, count = text.rpartition(":")
            return GpusAsked(name, kind or None, int(count), per)
    for item in (request.gres or "").split(","):
        if found := re.fullmatch(r"(?:gres:)?gpu(?::([A-Za-z][\w.-]*))?(?::([1-9]\d{0,5}))?(?:\(.*\))?", item):
            return GpusAsked("gres", found[1], int(found[2] or 1), "node")
    return None


# A plain number in these is seconds or MiB in Python, though on the command line it would be minutes.
UNITS: Dict[str, Callable[[int], int]] = {
    "time": units.Time, "mem": units.Memory, "mem_per_cpu": units.Memory, "mem_per_gpu": units.Memory,
    "scheduler_mem": units.Memory, "object_store_memory": units.Memory, "tmp": units.Memory,
}  # fmt: skip


def set_fields(request: Request) -> Dict[str, Any]:
    """The fields that are set, by name."""
    values = zip(request.__struct_fields__, msgspec.structs.astuple(request))
    return {name: value for name, value in values if value is not None and value != () and value != {}}
