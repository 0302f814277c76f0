"""The syntax of a job's texts, taken from sbatch: arrays, dependencies, mail events, exported variables, file names.

Schedulers parse them and write them in their own syntax. Source: sbatch(1).
"""

from __future__ import annotations

import re
from typing import List, Mapping, NamedTuple, Optional, Tuple


class Indices(NamedTuple):
    """One range of an array's indices, ``1-10:2``; for a single index, first and last are equal."""

    first: int
    last: int
    step: int

    @property
    def jobs(self) -> int:
        return len(range(self.first, self.last + 1, self.step)) if self.step else 0


class Array(NamedTuple):
    """The ranges of an array's indices, and how many of its jobs may run at a time."""

    ranges: List[Indices]
    throttle: Optional[str]

    @property
    def jobs(self) -> int:
        return sum(part.jobs for part in self.ranges)


INDICES = r"\d{1,9}(-\d{1,9}(:\d{1,9})?)?"
ARRAY = f"{INDICES}(,{INDICES})*(%\\d{{1,9}})?"


def array(text: str) -> Array:
    """Parses ``1-10:2,15%3``. The text must match ARRAY."""
    indices, _, throttle = text.partition("%")
    ranges = []
    for part in indices.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part)
        assert found is not None  # plan has checked it against ARRAY
        first, last, step = found.groups()
        ranges.append(Indices(int(first), int(last or first), int(step or 1)))
    return Array(ranges, throttle or None)


class Dependency(NamedTuple):
    """A condition on these jobs: ``afterok`` and the like."""

    kind: str
    jobs: Tuple[str, ...]


IDS = r"[\w.\[\]-]+(:[\w.\[\]-]+)*"


def dependencies(text: str) -> Optional[List[Dependency]]:
    """The parts of ``afterok:1:2,afterany:3``; all must be true. None for any other syntax."""
    parts = []
    for part in text.split(","):
        kind, _, jobs = part.partition(":")
        if kind not in ("after", "afterok", "afterany", "afternotok") or not re.fullmatch(IDS, jobs):
            return None
        parts.append(Dependency(kind, tuple(jobs.split(":"))))
    return parts


# Events that all schedulers have, with the letters of PBS and Grid Engine.
MAIL = {"BEGIN": "b", "END": "e", "FAIL": "a"}


def mail(text: str) -> Optional[List[str]]:
    """The events of ``--mail-type``: BEGIN, END, FAIL; ALL is all three, NONE none. None for events that only Slurm has."""
    words = text.upper().split(",")
    if words == ["NONE"]:
        return []
    if not set(words) <= {*MAIL, "ALL"}:
        return None
    return list(MAIL) if "ALL" in words else [name for name in MAIL if name in words]


def exported(text: str) -> Tuple[bool, Tuple[str, ...]]:
    """For ``--export``: whether all variables are passed on, and the named ones (with ``=value`` or without)."""
    words = text.split(",")
    return "ALL" in words, tuple(word for word in words if word not in ("ALL", "NONE", "NIL"))


def pattern(text: str, known: Mapping[str, str]) -> Optional[str]:
    """A file name with ``%j`` replaced by the scheduler's own patterns, or None if it lacks one of them."""
    parts = re.split(r"%(\d*[A-Za-z%])", text)
    spelled = [part if i % 2 == 0 else "%" if part == "%" else known.get(part[-1]) for i, part in enumerate(parts)]
    return None if any(part is None for part in spelled) else "".join(map(str, spelled))
