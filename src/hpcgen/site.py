"""A machine and its facts: ``load("mahuika")`` reads and checks one profile of ``sites/``."""

# Not `from __future__ import annotations`: these types are read at run time, and as strings each is compiled for that.
import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import paths, tables
from hpcgen.charging import Charge
from hpcgen.dialects import Flux, Lsf, Pbs, Sge
from hpcgen.errors import SiteError, among
from hpcgen.facts import (
    Container,
    Cpu,
    Dask,
    Environment,
    Limits,
    Login,
    Modules,
    Mpi,
    Network,
    Node,
    Note,
    Partition,
    Scheduler,
    Shell,
    Source,
    Storage,
)  # fmt: skip
from hpcgen.job import Origin
from hpcgen.tables import Table
from hpcgen.words import Line, Token, plain


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
