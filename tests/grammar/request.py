"""What a job script asks for, in neutral words: the same fields whatever the scheduler. Times are in seconds, memory in MiB."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Dict, Mapping, Optional, Tuple, Union

# A whole number where it is one: 1536 MiB, but also the 1/1024 MiB of a kilobyte.
Amount = Union[int, Fraction]
Pairs = Tuple[Tuple[str, str], ...]


class Refused(Exception):
    """The scheduler, or its manual, does not take this script: the line (from 1; 0 is the script as a whole), and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(line, why)
        self.line = line
        self.why = why

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" if self.line else self.why


@dataclass(frozen=True)
class Component:
    """`count` equal parts – chunks, nodes, slots, resource sets – and what each of them has.

    `mem_per_proc_mib` is for schedulers that say so: Torque's pmem. What has no field here is in `extra`, as written.
    """

    count: int = 1
    cpus: Optional[int] = None
    mpiprocs: Optional[int] = None
    ompthreads: Optional[int] = None
    mem_mib: Optional[Amount] = None
    mem_per_proc_mib: Optional[Amount] = None
    gpus: Optional[int] = None
    extra: Pairs = ()


@dataclass(frozen=True)
class Array:
    """Indices as first, last and step of each range, and how many may run at a time."""

    ranges: Tuple[Tuple[int, int, int], ...]
    throttle: Optional[int] = None

    @property
    def indices(self) -> Tuple[int, ...]:
        return tuple(i for first, last, step in self.ranges for i in range(first, last + 1, step))


@dataclass(frozen=True)
class Mail:
    """Events in the words begin, end, fail, suspend, each; empty for none at all. `None` where it was not said."""

    events: Optional[Tuple[str, ...]] = None
    users: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """Whether all of the submitting shell's variables reach the job (None: the scheduler's default), and single ones.

    A variable whose value is None is copied from the submitting shell.
    """

    all: Optional[bool] = None
    variables: Tuple[Tuple[str, Optional[str]], ...] = ()


@dataclass(frozen=True)
class Request:
    """A whole script. `joined` is which stream holds both: "oe" output, "eo" error, None neither.

    `mem_mib` is for the whole job where the scheduler counts so and there are several components. `extra` has what is left,
    by the option's own name; `place` and resources of the whole job among them.
    """

    name: Optional[str] = None
    account: Optional[str] = None
    project: Optional[str] = None
    queue: Optional[str] = None
    walltime: Optional[Amount] = None
    components: Tuple[Component, ...] = ()
    mem_mib: Optional[Amount] = None
    array: Optional[Array] = None
    output: Optional[str] = None
    error: Optional[str] = None
    joined: Optional[str] = None
    mail: Mail = Mail()
    dependency: Optional[str] = None
    environment: Environment = Environment()
    workdir: Optional[str] = None
    rerun: Optional[bool] = None
    shell: Optional[str] = None
    extra: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def said(self) -> Dict[str, object]:
        """The fields that are not at their defaults."""
        default = Request()
        named = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in named if value != getattr(default, name)}
