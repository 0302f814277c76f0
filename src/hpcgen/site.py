"""A machine and its facts: ``load("mahuika")`` reads and checks one profile of ``sites/``."""

# Not `from __future__ import annotations`: these types are read at run time, and as strings each is compiled for that.
import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import paths, tables
from hpcgen.charging import Charge, Rates
from hpcgen.dialects import Flux, Lsf, Pbs, Sge
from hpcgen.errors import SiteError, among
from hpcgen.job import Origin
from hpcgen.tables import Count, Table
from hpcgen.units import Memory, Time
from hpcgen.words import Line, Name, Text, Token, plain


class Source(Struct, frozen=True, kw_only=True):
    """Where facts come from: `date` is that of the source's version, `read` the day of reading where it has none."""

    title: Line
    url: Line
    date: Optional[datetime.date] = None
    read: Optional[datetime.date] = None


class Scheduler(Table, frozen=True, kw_only=True):
    """The scheduler, and what the site has set in it. Further keys of its own are in the table of its `type` (see dialects).

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

    flavour: Optional[Literal["intel", "mpich", "openmpi", "cray-mpich"]] = None
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


class Container(Table, frozen=True, kw_only=True):
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


class Environment(Table, frozen=True, kw_only=True):
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


class Bin(Struct, frozen=True, kw_only=True):
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


class Site(Struct, frozen=True, kw_only=True):
    """One machine. `path` is its profile; `id` the profile's file name."""

    id: str
    path: str
    name: Line
    operator: Line
    country: Line
    status: Literal["active", "retired"]
    status_note: Optional[Line] = None
    successor: Optional[Token] = None
    aliases: Tuple[Token, ...] = ()
    sources: Dict[str, Source]
    scheduler: Scheduler
    pbs: Pbs = Pbs()
    sge: Sge = Sge()
    lsf: Lsf = Lsf()
    flux: Flux = Flux()
    shell: Shell = Shell()
    modules: Modules = Modules()
    mpi: Mpi = Mpi()
    python: str = "python"
    login: Login = Login()
    network: Network = Network()
    container: Container = Container()
    dask: Dask = Dask()
    environment: Environment = Environment()
    storage: Storage = Storage()
    cpu: Cpu = Cpu()
    limits: Limits = Limits()
    charge: Charge = Charge()
    nodes: Dict[str, Node] = {}
    partitions: Dict[str, Partition] = {}
    notes: Tuple[Note, ...] = ()
    defaults: Dict[str, Any] = {}

    def cite(self, *place: str) -> Origin:
        """Where the fact at this place comes from, for example ``cite("partitions", "large", "max_time")``."""
        table: Any = self
        for step in place[:-1]:
            table = table[step] if isinstance(table, dict) else getattr(table, step)
        key = getattr(table, "sources", {}).get(place[-1]) or getattr(table, "source", None)
        source = self.sources.get(key) if isinstance(key, str) else None
        text = f"{self.id}: {'.'.join(place)}"
        if source is None:
            return Origin("fact", text)
        return Origin("fact", text, source.title, str(source.date or f"read {source.read}"), source.url)

    def dialect(self) -> Optional[Table]:
        """The table of this site's scheduler, where it has one."""
        return getattr(self, self.scheduler.type, None)

    def dialect_values(self) -> Dict[str, Any]:
        """What that table states, in JSON's own types."""
        table = self.dialect()
        stated = {} if table is None else {name: getattr(table, name) for name in table.stated()}
        return msgspec.json.decode(msgspec.json.encode(stated, enc_hook=plain))  # type: ignore[no-any-return]

    def facts_age(self) -> Tuple[datetime.date, datetime.date]:
        """The dates of the oldest and the newest source."""
        days = sorted(day for source in self.sources.values() for day in [source.date or source.read] if day)
        return days[0], days[-1]

    def cpus(self, node: Node, threads_per_core: Optional[int] = None) -> int:
        """CPUs, as this scheduler counts them, that a job may use on one such node with so many threads of each core."""
        threads = threads_per_core or (node.threads_per_core if self.cpu.unit == "thread" else 1)
        return node.cores * min(threads, node.threads_per_core)


def load(name: str, rooms: Tuple[str, ...] = ()) -> Site:
    """The site of this id or alias, or of the profile at this path (anything that ends in ``.toml``).

    Raises SiteError when there is none or when its profile is wrong, with every fault in it.
    """
    path = Path(name) if name.endswith(".toml") else find(name, rooms)
    return decode(path.stem, tables.read(path, SiteError), str(path))


def find(name: str, rooms: Tuple[str, ...] = ()) -> Path:
    """The profile of the site with this id or alias. Raises SiteError with the nearest name."""
    profiles = dict(listing(rooms))
    if name in profiles:
        return profiles[name]
    from hpcgen.profile import aliases

    if name in (known := aliases(profiles)):
        return known[name]
    raise SiteError(f"site: unknown site '{name}'{among(name, sorted({*profiles, *known}))}")


def listing(rooms: Tuple[str, ...] = ()) -> Iterator[Tuple[str, Path]]:
    """Id and profile of every site, by name; a stronger room's profile hides a weaker one's."""
    found: Dict[str, Path] = {}
    for room in paths.rooms(rooms):
        for path in sorted((room / "sites").glob("*.toml")):
            found.setdefault(path.stem, path)
    return iter(sorted(found.items()))


def decode(name: str, data: Dict[str, Any], path: str) -> Site:
    """A checked Site from a profile's tables. Raises SiteError with every fault."""
    problems: List[str] = []
    where = paths.shown(path)
    own = [f"{where}: unknown key '{key}'" for key in ("id", "path") if key in data]
    site = tables.struct(Site, {**data, "id": name, "path": path}, where, problems)
    if problems or own:
        raise SiteError(*own, *problems)
    from hpcgen.profile import faults

    if wrong := [f"{where}: {fault}" for fault in faults(site)]:
        raise SiteError(*wrong)
    return site  # type: ignore[no-any-return]
