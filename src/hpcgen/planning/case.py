"""What the rules of `limits` look at, and how a refusal cites the source of a limit."""

from __future__ import annotations

from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from hpcgen.base.units import counted
from hpcgen.model.job import Component, Job, Origin
from hpcgen.model.layout import all_cpus, all_gpus
from hpcgen.profiles.facts import Bin, Node, Partition
from hpcgen.profiles.site import Site

SIZES = {"cpus": "CPU", "nodes": "node", "gpus": "GPU"}


class Where(NamedTuple):
    """Who states a limit, and the place of the fact. It is put into words only when a refusal is written."""

    site: Site
    who: str
    place: Tuple[str, ...]

    def says(self, what: str) -> str:
        """``partition large allows at most 3 nodes [source, date]``."""
        return f"{self.who} {what} {cited(self.site.cite(*self.place))}"


class Case(NamedTuple):
    """What a rule looks at. `name` is the partition's, None if the scheduler chooses; `asked` is the component before it was
    allocated there."""

    site: Site
    job: Job
    component: Component
    asked: Component
    name: Optional[str]
    partition: Optional[Partition]

    @classmethod
    def of(cls, site: Site, job: Job, component: Component, asked: Component, name: Optional[str]) -> Case:
        return cls(site, job, component, asked, name, site.partitions.get(name) if name else None)

    @property
    def place(self) -> str:
        return f"partition {self.name}" if self.partition else self.site.id

    def limit(self, key: str) -> Iterator[Tuple[Any, Where]]:
        """The partition's and the site's value of this limit, each with where it is stated."""
        if self.partition is not None and (value := getattr(self.partition, key, None)) is not None:
            yield value, Where(self.site, self.place, ("partitions", str(self.name), key))
        if (value := getattr(self.site.limits, key, None)) is not None:
            yield value, Where(self.site, self.site.id, ("limits", key))

    def times(self) -> Iterator[Tuple[int, Where]]:
        """The time limits: that of the first bin that holds a job of this size; otherwise the partition's and the site's."""
        for bins, where in self.limit("bins"):
            if own := next((bin_ for bin_ in bins if _holds(bin_, self.component)), None):
                most = " and ".join(counted(n, what) for key, what in SIZES.items() if (n := getattr(own, key)))
                yield own.max_time, where._replace(who=f"for jobs of up to {most}, {where.who}")
                return
        yield from self.limit("max_time")

    def kinds(self) -> Dict[str, Node]:
        """The kinds of node that the component may run on."""
        return self.site.kinds(self.name)


def _holds(bin_: Bin, c: Component) -> bool:
    have = {"cpus": all_cpus(c), "nodes": c.nodes or 1, "gpus": all_gpus(c)}
    return all(have[key] <= (getattr(bin_, key) or have[key]) for key in SIZES)


def cited(origin: Origin) -> str:
    """A fact's source and its date in brackets, for a message."""
    return f"[{origin.source}, {origin.date}]" if origin.source else f"[{origin.text}]"
