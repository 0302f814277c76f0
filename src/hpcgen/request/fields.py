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


def about(text: str, *flags: str) -> msgspec.Meta:
    """A field's help and the further flags of its option; the first flag is always the field's own name."""
    return msgspec.Meta(description=text, extra={"flags": flags})


class Request(Struct, frozen=True, kw_only=True):
    """A request; unset fields are None. Times are in seconds, memory in MiB."""

    site: Annotated[Optional[Line], about("machine whose profile to use: an id, an alias or a file.toml")] = None
    workload: Annotated[Optional[Token], about("what runs, dask-mpi unless told")] = None
    program: Annotated[Optional[Text], about("program file; without one, the script carries a self-check")] = None
    args: Annotated[Tuple[Text, ...], about("the program's arguments")] = ()
    mpmd: Annotated[Tuple[Text, ...], about("another program of the same MPI job: '2: ./program ARGS' (repeatable)")] = ()

    workers: Annotated[Optional[Number], about("Dask workers, beside the scheduler and the client")] = None
    cpus_per_worker: Annotated[Optional[Count], about("CPUs of each worker")] = None
    hetjob: Annotated[Optional[bool], about("heterogeneous job: a part for scheduler and client, or for each program")] = None
    flatten: Annotated[Optional[bool], about("where --hetjob cannot be said: the nearest job of equal ranks instead")] = None
    threads_per_worker: Annotated[Optional[Count], about("tasks that a worker runs at once, sharing its CPUs")] = None
    worker_class: Annotated[Optional[Module], about("class of the workers: distributed.Nanny, dask_cuda.CUDAWorker")] = None
    local_directory: Annotated[Optional[Line], about("node-local folder for what workers spill: $TMPDIR")] = None
    runner: Annotated[Optional[Runner], about("how Dask is started: mpi (default), slurm, or local on one node")] = None
    plain: Annotated[Optional[bool], about("start the program itself, without hpcgen's launcher for Dask")] = None
    scheduler_cpus: Annotated[Optional[Count], about("with --hetjob: CPUs of the scheduler and of the client, each")] = None
    scheduler_mem: Annotated[Optional[Memory], about("with --hetjob: memory of the scheduler and of the client, each")] = None
    share_core: Annotated[Optional[bool], about("with --hetjob: scheduler and client on one core's hardware threads")] = None

    symmetric_run: Annotated[Optional[bool], about("start Ray by its own `ray symmetric-run`, where it has that")] = None

    commands: Annotated[Optional[Line], about("with --workload array: file with a command on each line")] = None
    table: Annotated[Optional[Line], about("with --workload array: CSV or TSV, a run of the program for each row")] = None
    tasks: Annotated[Optional[Count], about("how many tasks that file has, where it cannot be counted here")] = None
    chunk: Annotated[Optional[Count], about("how many of the tasks each job of the array runs, one after the other")] = None
    throttle: Annotated[Optional[Count], about("how many jobs of the array run at a time")] = None

    job_name: Annotated[Optional[Line], about("name of the job", "-J")] = None
    account: Annotated[Optional[Token], about("account (project) to charge", "-A")] = None
    time: Annotated[Optional[Time], about("time limit: 90m, 2h, 1:30:00, 1-12:00:00", "-t")] = None
    partition: Annotated[Optional[Token], about("partition (queue)", "-p", "--queue")] = None
    qos: Annotated[Optional[Token], about("quality of service", "-q")] = None
    nodes: Annotated[Optional[Count], about("number of nodes", "-N")] = None
    ntasks: Annotated[Optional[Count], about("number of tasks (MPI ranks)", "-n")] = None
    ntasks_per_node: Annotated[Optional[Count], about("tasks on each node", "--tasks-per-node")] = None
    ntasks_per_core: Annotated[Optional[Count], about("tasks on each core")] = None
    nproc_per_node: Annotated[Optional[Count], about("torchrun's processes on each node, unless one for each GPU")] = None
    cpus_per_task: Annotated[Optional[Count], about("CPUs of each task", "-c")] = None
    threads_per_core: Annotated[Optional[Count], about("hardware threads to use of each core")] = None
    hyperthreads: Annotated[Optional[bool], about("CPUs are hardware threads, or whole cores, as the site counts them")] = None
    hint: Annotated[Optional[Hint], about("what the program is bound by, or whether it takes hardware threads")] = None
    mem: Annotated[Optional[Memory], about("memory on each node: 40G; 0 for all of it")] = None
    mem_per_cpu: Annotated[Optional[Memory], about("memory for each CPU: 3G")] = None
    mem_per_gpu: Annotated[Optional[Memory], about("memory for each GPU: 80G")] = None
    object_store_memory: Annotated[Optional[Memory], about("of each node's memory, what Ray keeps objects in: 20G")] = None
    gpus: Annotated[Optional[Token], about("GPUs of the whole job: 2 or h100:2", "-G")] = None
    gpus_per_node: Annotated[Optional[Token], about("GPUs on each node: 2 or h100:2")] = None
    gpus_per_task: Annotated[Optional[Token], about("GPUs of each task: 1 or h100:1")] = None
    cpus_per_gpu: Annotated[Optional[Count], about("CPUs for each GPU")] = None
    gres: Annotated[Optional[Token], about("generic resources on each node, as the scheduler spells them")] = None
    constraint: Annotated[Optional[Token], about("node features", "-C")] = None
    exclusive: Annotated[Optional[bool], about("whole nodes, not shared with other jobs")] = None
    nodelist: Annotated[Optional[Token], about("nodes that must be among the job's")] = None
    exclude: Annotated[Optional[Token], about("nodes to leave out", "-x")] = None
    distribution: Annotated[Optional[Token], about("placement of tasks on nodes and cores", "-m")] = None
    licenses: Annotated[Optional[Token], about("licences that the job takes", "-L")] = None
    tmp: Annotated[Optional[Memory], about("local disk on each node: 100G")] = None
    resource: Annotated[Dict[Token, Token], about("job-wide resource NAME=VALUE of PBS or Grid Engine (repeatable)")] = {}

    output: Annotated[Optional[Line], about("file of the job's output", "-o")] = None
    error: Annotated[Optional[Line], about("file of the job's errors", "-e")] = None
    open_mode: Annotated[Optional[Literal["append", "truncate"]], about("how those files are opened")] = None
    mail_type: Annotated[Optional[Token], about("when to send mail: BEGIN, END, FAIL, ALL …")] = None
    mail_user: Annotated[Optional[Token], about("address for that mail")] = None
    array: Annotated[Optional[Token], about("array of jobs: 1-10, 0-99%8", "-a")] = None
    dependency: Annotated[Optional[Token], about("jobs to wait for: afterok:1234", "-d")] = None
    reservation: Annotated[Optional[Token], about("reservation to run in")] = None
    requeue: Annotated[Optional[bool], about("whether the job may be started again")] = None
    signal: Annotated[Optional[Token], about("signal before the time limit: B:USR1@120")] = None
    export: Annotated[Optional[Token], about("variables that the job inherits: ALL, NONE, A,B=c")] = None
    chdir: Annotated[Optional[Line], about("working directory of the job", "-D")] = None
    comment: Annotated[Optional[Line], about("a comment kept with the job")] = None
    directive: Annotated[Tuple[Line, ...], about("any other directive, as the scheduler spells it (repeatable)")] = ()

    module: Annotated[Tuple[Token, ...], about("modules to load in place of the site's Python (repeatable)")] = ()
    conda: Annotated[Optional[Line], about("conda environment to activate: a name or a path")] = None
    venv: Annotated[Optional[Line], about("virtual environment to activate: its folder")] = None
    userbase: Annotated[Optional[Line], about("PYTHONUSERBASE, the folder of `pip install --user`")] = None
    python: Annotated[Optional[Line], about("Python interpreter to run")] = None
    env: Annotated[Dict[Name, Text], about("environment variable NAME=VALUE for the job (repeatable)")] = {}
    stage: Annotated[Tuple[Line, ...], about("file, folder or archive to copy to each node's own disk (repeatable)")] = ()
    interface: Annotated[Optional[Token], about("network interface for the traffic between nodes: ib0, hsn0")] = None
    mpi: Annotated[Optional[Token], about("type for `srun --mpi=`, in place of the profile's")] = None
    kill_on_bad_exit: Annotated[Optional[bool], about("whether a rank that fails ends the whole job, in srun's own way")] = None
    image: Annotated[Optional[Line], about("container image (.sif) that the program runs in")] = None
    container_verb: Annotated[Optional[Verb], about("`exec IMAGE python PROGRAM` or `run IMAGE PROGRAM`")] = None
    bind: Annotated[Tuple[Token, ...], about("file or folder to bind into the container (repeatable)")] = ()


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
