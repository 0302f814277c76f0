"""A machine and its facts."""

# Not `from __future__ import annotations`: these types are read at run time, and types that are strings are slow to read.
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
    """The profile of one machine."""

    id: str
    """The name of the profile's file, without `.toml`."""
    path: str
    """The path of the profile."""
    name: Line
    """The machine's name."""
    operator: Line
    """The organisation that runs the machine."""
    country: Line
    """The country of the operator, for example NZ."""
    status: Literal["active", "retired"]
    """A retired machine no longer takes jobs."""
    status_note: Optional[Line] = None
    """A remark on the status, for example why a retired machine has no successor."""
    successor: Optional[Token] = None
    """The id of the machine that replaces a retired one."""
    aliases: Tuple[Token, ...] = ()
    """Other names of the machine."""
    sources: Dict[str, Source]
    """The documents that the facts come from, by the names that `source` and `sources` refer to."""
    scheduler: SchedulerFacts
    """The scheduler and its settings at the site."""
    dialect: Optional[Table] = None
    """The table named after the scheduler."""
    shell: Shell = Shell()
    """How scripts begin."""
    modules: Modules = Modules()
    """Environment modules that scripts load."""
    mpi: Mpi = Mpi()
    """The site's MPI and its launcher."""
    python: str = "python"
    """The command that starts Python."""
    login: Login = Login()
    """The login host, for `ssh -L`."""
    network: Network = Network()
    """The network between compute nodes."""
    container: ContainerFacts = ContainerFacts()
    """How the site runs and builds container images."""
    dask: Dask = Dask()
    """Dask at the site."""
    environment: EnvironmentFacts = EnvironmentFacts()
    """How the site's documentation tells users to install Python software."""
    storage: Storage = Storage()
    """Folders for temporary files."""
    cpu: Cpu = Cpu()
    """What the scheduler counts as a CPU."""
    limits: Limits = Limits()
    """Limits for all jobs, in every partition."""
    charge: Charge = Charge()
    """What jobs cost, in the site's unit."""
    nodes: Dict[str, Node] = {}
    """The types of nodes, by name."""
    partitions: Dict[str, Partition] = {}
    """The partitions (queues), by name."""
    notes: Tuple[Note, ...] = ()
    """Notes that hpcgen prints on stderr for certain jobs."""
    defaults: Dict[str, Any] = {}
    """Default values at this site for options of requests."""

    def cite(self, *place: str) -> Origin:
        """The origin of a fact, for example ``cite("partitions", "large", "max_time")``.

        Cached, because every plan asks for the same dozen origins.
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
            return Origin("default", f"hpcgen's value of {'.'.join(place)}")
        return Origin("fact", text, source.title, str(source.date or f"read {source.read}"), source.url)

    def dialect_values(self) -> Dict[str, Any]:
        """The values in the scheduler's table, as types of JSON."""
        stated = {} if self.dialect is None else {name: getattr(self.dialect, name) for name in self.dialect.stated()}
        return msgspec.json.decode(msgspec.json.encode(stated, enc_hook=plain))  # type: ignore[no-any-return]

    def facts_age(self) -> Tuple[datetime.date, datetime.date]:
        """The dates of the oldest and the newest source."""
        days = sorted(day for source in self.sources.values() for day in [source.date or source.read] if day)
        return days[0], days[-1]

    def kinds(self, partition: Optional[str]) -> Dict[str, Node]:
        """The types of nodes of a partition, or of the whole site if the partition is unknown or the scheduler chooses it."""
        found = self.partitions.get(partition or "")
        return {kind: self.nodes[kind] for kind in found.nodes} if found else self.nodes

    def cpus(self, node: Node, threads_per_core: Optional[int] = None) -> int:
        """The number of CPUs, as this scheduler counts them, that a job may use on one node with this many threads per core."""
        threads = threads_per_core or (node.threads_per_core if self.cpu.unit == "thread" else 1)
        return node.cores * min(threads, node.threads_per_core)

    def offer(self, node: Node, c: Component) -> Offer:
        """The CPUs, memory and GPUs that one node of this type offers to this component."""
        return Offer(self.cpus(node, threads(c)), node.mem, node.gpus)
