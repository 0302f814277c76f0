"""The tables of a profile: what is known of a machine, by the part of it that each is about."""

# Not `from __future__ import annotations`: these types are read at run time, and as strings each is compiled for that.
import datetime
from typing import Dict, Literal, Optional, Tuple

from msgspec import Struct

from hpcgen.base.kinds import Line, Name, Text, Token
from hpcgen.base.toml import Count, Table
from hpcgen.base.units import Memory, Time
from hpcgen.launch.mpis import FLAVOURS
from hpcgen.profiles.charging import Rates


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where facts come from: `date` is that of the source's version, `read` the day of reading where it has none."""

    title: Line
    url: Line
    date: Optional[datetime.date] = None
    read: Optional[datetime.date] = None


class SchedulerFacts(Table, frozen=True, kw_only=True):
    """The scheduler, and what the site has set in it. Further keys of its own are in the table of its `type`: see that
    module of hpcgen.schedulers.

    `routes`: it chooses the partition, so that none is written. `hetjob`, `arrays`: false where the site takes none, and
    `*_advice` what to do instead. `array_max`: Slurm's MaxArraySize, which no index reaches; `array_jobs`: how many jobs an
    array may have; `script_max_kib`: how large a script may be. `gpu_request`: the option by which GPUs are asked for;
    `gpu_types`: whether jobs name their type. `whole_nodes`: jobs get nodes with all their CPUs. `omit`, `extra`:
    directives that are never written, and always.
    """

    type: str
    version: Optional[Line] = None
    account_required: bool = False
    hetjob: Optional[bool] = None
    hetjob_advice: Optional[Line] = None
    routes: bool = False
    arrays: Optional[bool] = None
    arrays_advice: Optional[Line] = None
    array_max: Optional[Count] = None
    array_jobs: Optional[Count] = None
    script_max_kib: Optional[Count] = None
    gpu_request: Literal["gpus", "gpus-per-node", "gres"] = "gpus"
    gpu_types: bool = False
    whole_nodes: Optional[Literal["always", "above-one"]] = None
    omit: Tuple[str, ...] = ()
    extra: Tuple[Line, ...] = ()


class Shell(Table, frozen=True, kw_only=True):
    """The first line of scripts; `init`: files that they read first; `env`: variables that they export."""

    shebang: Line = "/bin/bash"  # type: ignore[assignment]
    init: Tuple[Line, ...] = ()
    env: Dict[Name, Text] = {}


class Modules(Table, frozen=True, kw_only=True):
    """Modules to load, each list where it applies; `purge` empties the environment first, `use` are folders to look in."""

    purge: Optional[Literal["purge", "--force purge", "reset"]] = None
    use: Tuple[Token, ...] = ()
    base: Tuple[Token, ...] = ()
    python: Tuple[Token, ...] = ()
    mpi: Tuple[Token, ...] = ()
    conda: Tuple[Token, ...] = ()
    container: Tuple[Token, ...] = ()


class Mpi(Table, frozen=True, kw_only=True):
    """The site's MPI and what starts it. `options`: words that the launcher always gets; `pmi`: the type for
    ``srun --mpi=``; `pmi_library`: for Intel MPI, the file by which it speaks that.
    """

    flavour: Optional[Literal[tuple(FLAVOURS)]] = None  # type: ignore[valid-type]
    launcher: str = "srun"
    options: Tuple[Line, ...] = ()
    pmi: Optional[Token] = None
    pmi_library: Optional[Token] = None


class Login(Table, frozen=True, kw_only=True):
    """Where one logs in, for ``ssh -L``: `host`, and `jump` where the way there is through another host."""

    host: Optional[Token] = None
    jump: Optional[Token] = None


class Network(Table, frozen=True, kw_only=True):
    """`interface` of the compute nodes; `fallback` are those to try, in this order, on a host that has not got it. `fabric` is
    for the reader."""

    interface: Optional[Token] = None
    fallback: Tuple[Token, ...] = ()
    fabric: Optional[Line] = None


class ContainerFacts(Table, frozen=True, kw_only=True):
    """`build`: who may build images. `library_path`: folders whose MPI takes the place of the image's, $VARIABLES too.

    `wrapper`: the site's own command in the runtime's place, which binds the site's folders. It reads the image and the
    runtime's flags from its words, as the runtime does, or from the variables `wrapper_image` and `wrapper_flags`.
    `bind_command`: the site's command that prints the folders to bind, in the runtime's form.
    """

    runtime: Literal["apptainer", "singularity"] = "apptainer"
    verb: Literal["exec", "run"] = "exec"
    binds: Tuple[Token, ...] = ()
    gpu_flag: Literal["--nv", "--rocm"] = "--nv"
    wrapper: Optional[Token] = None
    wrapper_image: Optional[Name] = None
    wrapper_flags: Optional[Name] = None
    bind_command: Optional[Token] = None
    library_path: Optional[Line] = None
    build: Optional[Literal["fakeroot", "root", "remote"]] = None
    build_where: Optional[Line] = None


class EnvironmentFacts(Table, frozen=True, kw_only=True):
    """Python software of one's own, as the site's pages have it installed."""

    kind: Optional[Literal["conda", "venv", "userbase"]] = None
    place: Optional[Line] = None
    mpi4py: Optional[Literal["conda", "pip"]] = None
    carries: Tuple[Token, ...] = ()
    modules: Tuple[Token, ...] = ()
    compiler: Optional[Token] = None


class Dask(Table, frozen=True, kw_only=True):
    """`cuda`: the site's Python has dask-cuda, for workers with GPUs."""

    cuda: bool = False


class Storage(Table, frozen=True, kw_only=True):
    """`local` is a node's own; `in_memory` where it takes of the job's memory. `scratch` is for the reader."""

    local: Optional[Line] = None
    in_memory: bool = False
    scratch: Optional[Line] = None


class Cpu(Table, frozen=True, kw_only=True):
    """What the scheduler calls a CPU: a core, or a hardware thread. `task_per_core`: tasks share no core unless they ask to."""

    unit: Literal["core", "thread"] = "core"
    task_per_core: bool = False


class Node(Table, frozen=True, kw_only=True):
    """A kind of node. `cores` are those that jobs may use, `mem` what jobs may ask for on one node, in MiB. `count`: how many
    there are; `gpus`: how many each has, of the type `gpu`. `features` and `cpu` are for the reader."""

    cores: Count
    mem: Optional[Memory] = None
    count: Optional[Count] = None
    threads_per_core: Count = 1
    gpus: int = 0
    gpu: Optional[Token] = None
    features: Tuple[Token, ...] = ()
    cpu: Optional[Line] = None


class Bin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time that jobs of at most so many `cpus`, `nodes` or `gpus` may take."""

    cpus: Optional[Count] = None
    nodes: Optional[Count] = None
    gpus: Optional[Count] = None
    max_time: Time


class Partition(Table, frozen=True, kw_only=True):
    """A partition (a queue, elsewhere): `auto = false` keeps it out of the automatic choice.

    `bins`: times by the job's size, smallest first; a job has that of the first bin that holds it.
    `whole_nodes`: jobs get, and ask for, nodes with all their CPUs, or do so above one node; else as the scheduler's table
    says. `cpus_per_gpu`: CPUs that a job must ask for with each GPU, no more and no fewer.
    """

    nodes: Tuple[str, ...] = ()
    default: bool = False
    auto: bool = True
    max_time: Optional[Time] = None
    min_time: Optional[Time] = None
    bins: Tuple[Bin, ...] = ()
    max_nodes: Optional[Count] = None
    min_nodes: Optional[Count] = None
    max_cpus: Optional[Count] = None
    max_gpus: Optional[Count] = None
    max_mem: Optional[Memory] = None
    array_jobs: Optional[Count] = None
    array_at_once: Optional[Count] = None
    whole_nodes: Optional[Literal["always", "above-one", "never"]] = None
    cpus_per_gpu: Optional[Count] = None
    charge: Rates = Rates()
    note: Optional[Line] = None


class Limits(Table, frozen=True, kw_only=True):
    """What any one job may ask for, whatever its partition."""

    max_time: Optional[Time] = None
    bins: Tuple[Bin, ...] = ()
    max_nodes: Optional[Count] = None
    max_cpus: Optional[Count] = None
    max_node_time: Optional[Time] = None
    max_cpu_time: Optional[Time] = None


class Note(Table, frozen=True, kw_only=True):
    """What a person should know when the job is of this kind; `gpu-ranks`: with GPUs, and with MPI's ranks."""

    when: Literal["always", "gpus", "gpu-ranks", "hetjob", "container", "dask-mpi", "conda"]
    text: Line
