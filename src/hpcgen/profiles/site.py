"""A machine and its facts."""

# Not `from __future__ import annotations`: these types are read at run time, and as strings each is compiled for that.
import datetime
from typing import Any, Dict, Literal, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen.base.kinds import Line, Token, plain
from hpcgen.base.toml import Table
from hpcgen.model.job import Component, Origin
from hpcgen.model.layout import Offer, threads
from hpcgen.profiles.charging import Charge
from hpcgen.profiles.facts import (  # fmt: skip
    ContainerFacts,
    Cpu,
    Dask,
    EnvironmentFacts,
    Limits,
    Login,
    Modules,
    Mpi,
    Network,
    Node,
    Note,
    Partition,
    SchedulerFacts,
    Shell,
    Source,
    Storage,
)


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One machine. `id` is the name of its profile's file, `path` that file; `dialect` the table of its scheduler, where the
    profile has one."""

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
    scheduler: SchedulerFacts
    dialect: Optional[Table] = None
    shell: Shell = Shell()
    modules: Modules = Modules()
    mpi: Mpi = Mpi()
    python: str = "python"
    login: Login = Login()
    network: Network = Network()
    container: ContainerFacts = ContainerFacts()
    dask: Dask = Dask()
    environment: EnvironmentFacts = EnvironmentFacts()
    storage: Storage = Storage()
    cpu: Cpu = Cpu()
    limits: Limits = Limits()
    charge: Charge = Charge()
    nodes: Dict[str, Node] = {}
    partitions: Dict[str, Partition] = {}
    notes: Tuple[Note, ...] = ()
    defaults: Dict[str, Any] = {}

    def cite(self, *place: str) -> Origin:
        """Where the fact at this place comes from, for example ``cite("partitions", "large", "max_time")``.

        Each is made once: every plan asks for the same dozen.
        """
        known: Dict[Tuple[str, ...], Origin] = self.__dict__.setdefault("cited", {})
        if place not in known:
            known[place] = self._cited(place)
        return known[place]

    def _cited(self, place: Tuple[str, ...]) -> Origin:
        table: Any = self
        for step in place[:-1]:
            if isinstance(table, dict):
                table = table[step]
            else:
                table = self.dialect if step == self.scheduler.type else getattr(table, step)
        key = getattr(table, "sources", {}).get(place[-1]) or getattr(table, "source", None)
        source = self.sources.get(key) if isinstance(key, str) else None
        text = f"{self.id}: {'.'.join(place)}"
        if source is None:
            return Origin("fact", text)
        return Origin("fact", text, source.title, str(source.date or f"read {source.read}"), source.url)

    def dialect_values(self) -> Dict[str, Any]:
        """What the table of the scheduler states, in JSON's own types."""
        stated = {} if self.dialect is None else {name: getattr(self.dialect, name) for name in self.dialect.stated()}
        return msgspec.json.decode(msgspec.json.encode(stated, enc_hook=plain))  # type: ignore[no-any-return]

    def facts_age(self) -> Tuple[datetime.date, datetime.date]:
        """The dates of the oldest and the newest source."""
        days = sorted(day for source in self.sources.values() for day in [source.date or source.read] if day)
        return days[0], days[-1]

    def kinds(self, partition: Optional[str]) -> Dict[str, Node]:
        """The kinds of node of a partition, or of the whole site where the partition is unknown or left to the scheduler."""
        found = self.partitions.get(partition or "")
        return {kind: self.nodes[kind] for kind in found.nodes} if found else self.nodes

    def cpus(self, node: Node, threads_per_core: Optional[int] = None) -> int:
        """CPUs, as this scheduler counts them, that a job may use on one such node with so many threads of each core."""
        threads = threads_per_core or (node.threads_per_core if self.cpu.unit == "thread" else 1)
        return node.cores * min(threads, node.threads_per_core)

    def offer(self, node: Node, c: Component) -> Offer:
        """What one such node offers this component."""
        return Offer(self.cpus(node, threads(c)), node.mem, node.gpus)
