"""The tables of a profile. Each contains the facts about one part of a machine.

`hpcgen sites schema` prints the text below each key as the description of the key.
"""

# Not `from __future__ import annotations`: these types are read at run time, and types that are strings are slow to read.
import datetime
from typing import Dict, Literal, Optional, Tuple

from msgspec import Struct

from hpcgen.base.kinds import Line, Name, Text, Token
from hpcgen.base.toml import Count, Table
from hpcgen.base.units import Memory, Time
from hpcgen.launch.mpis import FLAVOURS
from hpcgen.profiles.charging import Rates


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document that facts come from. Give `date`, or `read` if the document has no date."""

    title: Line
    """The document's title."""
    url: Line
    """The document's address."""
    date: Optional[datetime.date] = None
    """The date of the version that you read."""
    read: Optional[datetime.date] = None
    """The day on which you read a document that has no date."""


class SchedulerFacts(Table, frozen=True, kw_only=True):
    """The scheduler and its settings at the site. The table named after `type` contains the keys for only that scheduler."""

    type: str
    """The scheduler."""
    version: Optional[Line] = None
    """The scheduler's version."""
    account_required: bool = False
    """Every job must name an account."""
    hetjob: Optional[bool] = None
    """False if the site refuses heterogeneous jobs."""
    hetjob_advice: Optional[Line] = None
    """What to do instead of a heterogeneous job."""
    routes: bool = False
    """The scheduler chooses the partition, so scripts do not name one."""
    arrays: Optional[bool] = None
    """False if the site refuses job arrays."""
    arrays_advice: Optional[Line] = None
    """What to do instead of a job array."""
    array_max: Optional[Count] = None
    """Slurm's MaxArraySize: every array index must be below it."""
    array_jobs: Optional[Count] = None
    """The maximum number of jobs in one array."""
    script_max_kib: Optional[Count] = None
    """The maximum size of a script, in KiB."""
    gpu_request: Literal["gpus", "gpus-per-node", "gres"] = "gpus"
    """The option that requests GPUs at this site."""
    gpu_types: bool = False
    """Jobs must name the type of their GPUs."""
    whole_nodes: Optional[Literal["always", "above-one"]] = None
    """Jobs get whole nodes, with all CPUs: always, or only if they use more than one node."""
    omit: Tuple[str, ...] = ()
    """Names, without dashes, of directives that scripts never contain. `memory` means all options for memory."""
    extra: Tuple[Line, ...] = ()
    """Directives that every script contains."""


class Shell(Table, frozen=True, kw_only=True):
    """How scripts begin."""

    shebang: Line = "/bin/bash"  # type: ignore[assignment]
    """The path of bash, with at most one option, for the first line of scripts."""
    init: Tuple[Line, ...] = ()
    """Files that the script sources first."""
    env: Dict[Name, Text] = {}
    """Environment variables that the script exports."""


class Modules(Table, frozen=True, kw_only=True):
    """Environment modules that scripts load."""

    purge: Optional[Literal["purge", "--force purge", "reset"]] = None
    """The module command that first unloads all modules."""
    use: Tuple[Token, ...] = ()
    """Folders for `module use`, added before modules are loaded."""
    base: Tuple[Token, ...] = ()
    """Modules that every script loads."""
    python: Tuple[Token, ...] = ()
    """Modules that provide the site's Python."""
    mpi: Tuple[Token, ...] = ()
    """Modules that provide the site's MPI."""
    conda: Tuple[Token, ...] = ()
    """Modules that provide conda."""
    container: Tuple[Token, ...] = ()
    """Modules that provide the container runtime."""


class Mpi(Table, frozen=True, kw_only=True):
    """The site's MPI and its launcher."""

    flavour: Optional[Literal[tuple(FLAVOURS)]] = None  # type: ignore[valid-type]
    """The MPI implementation."""
    launcher: str = "srun"
    """The command that starts MPI programs."""
    options: Tuple[Line, ...] = ()
    """Options that hpcgen always passes to the launcher."""
    pmi: Optional[Token] = None
    """The type for `srun --mpi=`. It must agree with `flavour`."""
    pmi_library: Optional[Token] = None
    """The absolute path of the PMI library that Intel MPI loads."""


class Login(Table, frozen=True, kw_only=True):
    """The login host, for `ssh -L`."""

    host: Optional[Token] = None
    """The host to log in to."""
    jump: Optional[Token] = None
    """The jump host on the way to `host`."""


class Network(Table, frozen=True, kw_only=True):
    """The network between compute nodes."""

    interface: Optional[Token] = None
    """The network interface of the compute nodes."""
    fallback: Tuple[Token, ...] = ()
    """Interfaces to try, in this order, on a host that lacks `interface`."""
    fabric: Optional[Line] = None
    """The network's name. For information only."""


class ContainerFacts(Table, frozen=True, kw_only=True):
    """How the site runs and builds container images."""

    runtime: Literal["apptainer", "singularity"] = "apptainer"
    """The container runtime."""
    verb: Literal["exec", "run"] = "exec"
    """The runtime's command that starts the program."""
    binds: Tuple[Token, ...] = ()
    """Files and folders of the host to bind into every container."""
    gpu_flag: Literal["--nv", "--rocm"] = "--nv"
    """The runtime's option for GPUs."""
    wrapper: Optional[Token] = None
    """The site's command that replaces the runtime. It binds the site's folders, so `binds` lists only other folders."""
    wrapper_image: Optional[Name] = None
    """The environment variable that passes the image to the wrapper, if the wrapper does not take it as an argument."""
    wrapper_flags: Optional[Name] = None
    """The environment variable that passes the runtime's options to the wrapper, if it does not take them as arguments."""
    bind_command: Optional[Token] = None
    """The site's command that prints what to bind, for `--bind="$(...)"`."""
    library_path: Optional[Line] = None
    """Folders, separated by `:`, of the host's MPI, which replaces the MPI in the image. May contain $VARIABLES of the job."""
    build: Optional[Literal["fakeroot", "root", "remote"]] = None
    """How users build images: at the site with `fakeroot`, as `root` on their own machine, or with a `remote` service."""
    build_where: Optional[Line] = None
    """Where users build images."""


class EnvironmentFacts(Table, frozen=True, kw_only=True):
    """How the site's documentation tells users to install Python software."""

    kind: Optional[Literal["conda", "venv", "userbase"]] = None
    """The type of environment that contains the software."""
    place: Optional[Line] = None
    """The folder of the environment."""
    mpi4py: Optional[Literal["conda", "pip"]] = None
    """How to install mpi4py into a conda environment: conda's package, or a build by pip with the loaded MPI."""
    carries: Tuple[Token, ...] = ()
    """Python packages that the modules in `modules.python` already contain."""
    modules: Tuple[Token, ...] = ()
    """Additional modules to load when building mpi4py."""
    compiler: Optional[Token] = None
    """The MPI compiler, if it is not `mpicc`."""


class Dask(Table, frozen=True, kw_only=True):
    """Dask at the site."""

    cuda: bool = False
    """The site's Python has dask-cuda, for workers with GPUs."""


class Storage(Table, frozen=True, kw_only=True):
    """Folders for temporary files."""

    local: Optional[Line] = None
    """The node's local folder for temporary files."""
    in_memory: bool = False
    """Files in `local` count against the job's memory."""
    scratch: Optional[Line] = None
    """The shared folder for temporary files. For information only."""


class Cpu(Table, frozen=True, kw_only=True):
    """What the scheduler counts as a CPU."""

    unit: Literal["core", "thread"] = "core"
    """Whether one CPU is a core or a hardware thread."""
    task_per_core: bool = False
    """If a CPU is a hardware thread: tasks do not share a core unless the job requests it (Slurm's CR_ONE_TASK_PER_CORE)."""


class Node(Table, frozen=True, kw_only=True):
    """A type of node."""

    cores: Count
    """The number of cores of one node that jobs may use."""
    mem: Optional[Memory] = None
    """The memory of one node that jobs may request. A number without a unit is in MiB."""
    count: Optional[Count] = None
    """The number of nodes of this type."""
    threads_per_core: Count = 1
    """The number of hardware threads of each core."""
    gpus: int = 0
    """The number of GPUs of one node."""
    gpu: Optional[Token] = None
    """The type of these GPUs, as the scheduler spells it."""
    features: Tuple[Token, ...] = ()
    """Features for `--constraint`. For information only."""
    cpu: Optional[Line] = None
    """The processor's name. For information only."""


class Bin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The maximum time limit of jobs up to this size."""

    cpus: Optional[Count] = None
    """The maximum number of CPUs."""
    nodes: Optional[Count] = None
    """The maximum number of nodes."""
    gpus: Optional[Count] = None
    """The maximum number of GPUs."""
    max_time: Time
    """The maximum time limit of these jobs."""


class Partition(Table, frozen=True, kw_only=True):
    """A partition. Other schedulers call it a queue."""

    nodes: Tuple[str, ...] = ()
    """The types of nodes in the partition: the names of [nodes.NAME] tables."""
    default: bool = False
    """The scheduler uses this partition if a job names none."""
    auto: bool = True
    """False if hpcgen must not choose the partition itself, for example because it is for debugging or needs approval."""
    max_time: Optional[Time] = None
    """The maximum time limit of a job."""
    min_time: Optional[Time] = None
    """The minimum time limit of a job."""
    bins: Tuple[Bin, ...] = ()
    """Time limits by the job's size, smallest size first. The first bin that is large enough for the job applies."""
    max_nodes: Optional[Count] = None
    """The maximum number of nodes of a job."""
    min_nodes: Optional[Count] = None
    """The minimum number of nodes of a job."""
    max_cpus: Optional[Count] = None
    """The maximum number of CPUs of a job."""
    max_gpus: Optional[Count] = None
    """The maximum number of GPUs of a job."""
    max_mem: Optional[Memory] = None
    """The maximum memory of a job on each node."""
    array_jobs: Optional[Count] = None
    """The maximum number of jobs in one array."""
    array_at_once: Optional[Count] = None
    """The maximum number of an array's jobs in the queue at a time. If an array exceeds it, the other jobs never start."""
    whole_nodes: Optional[Literal["always", "above-one", "never"]] = None
    """Jobs get whole nodes, with all CPUs. Overrides `scheduler.whole_nodes`."""
    cpus_per_gpu: Optional[Count] = None
    """The number of CPUs that a job must request with each GPU."""
    charge: Rates = Rates()
    """The rates of this partition, in place of `charge.rates`."""
    note: Optional[Line] = None
    """A note that hpcgen prints on stderr for jobs in this partition."""


class Limits(Table, frozen=True, kw_only=True):
    """Limits for all jobs, in every partition."""

    max_time: Optional[Time] = None
    """The maximum time limit of a job."""
    bins: Tuple[Bin, ...] = ()
    """Time limits by the job's size, smallest size first. The first bin that is large enough for the job applies."""
    max_nodes: Optional[Count] = None
    """The maximum number of nodes of a job."""
    max_cpus: Optional[Count] = None
    """The maximum number of CPUs of a job."""
    max_node_time: Optional[Time] = None
    """The maximum of a job's nodes multiplied by its time limit."""
    max_cpu_time: Optional[Time] = None
    """The maximum of a job's CPUs multiplied by its time limit."""


class Note(Table, frozen=True, kw_only=True):
    """A note that hpcgen prints on stderr."""

    when: Literal["always", "gpus", "gpu-ranks", "hetjob", "container", "dask-mpi", "conda"]
    """The jobs that the note is for. `gpu-ranks`: jobs with both GPUs and MPI ranks."""
    text: Line
    """The note."""
