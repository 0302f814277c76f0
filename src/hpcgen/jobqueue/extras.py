"""Options of `hpcgen dask-jobqueue` for Dask and its scheduler; they are not part of a job's request."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Tuple

from hpcgen.base.errors import RequestError, among
from hpcgen.base.kinds import Line, option

DEATH_TIMEOUT = 60


class Extras(NamedTuple):
    """Settings of dask-jobqueue besides the job. `section`: of Dask's configuration; `log_directory`: for the jobs' output;
    `death_timeout`: seconds that a worker waits for the scheduler; `scheduler_interface`: of the machine that creates the
    cluster; `worker_args`: words for the worker's command.
    """

    section: Optional[str] = None
    log_directory: Optional[str] = None
    death_timeout: int = DEATH_TIMEOUT
    scheduler_interface: Optional[str] = None
    worker_args: Tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Extras:
        """Raises RequestError with every problem found."""
        problems = [f"{_flag(name)}: no such option{among(name, cls._fields)}" for name in given if name not in cls._fields]
        known = {name: value for name, value in given.items() if name in cls._fields and value not in (None, ())}
        problems += [problem for name, value in known.items() if (problem := _fault(name, value))]
        if problems:
            raise RequestError(*problems)
        if "worker_args" in known:
            known["worker_args"] = tuple(known["worker_args"])
        return cls(**known)

    def said(self) -> Iterator[str]:
        """The options as they are typed, for the line that records how the file was made."""
        for name, default in self._field_defaults.items():
            value = getattr(self, name)
            if value != default:
                words = value if isinstance(value, tuple) else (value,)
                yield from (part for one in words for part in (_flag(name), str(one)))


def _flag(name: str) -> str:
    return "--worker-arg" if name == "worker_args" else option(name)


def _fault(name: str, value: Any) -> Optional[str]:
    if name == "death_timeout":
        fine = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return None if fine else f"--death-timeout: {value!r} is not a number of seconds, 1 or more"
    if name == "worker_args" and (isinstance(value, str) or not all(isinstance(item, str) for item in value)):
        return f"--worker-arg: {value!r} is not a list of words: write ['--lifetime', '50m']"
    for item in value if name == "worker_args" else (value,):
        try:
            Line.parse(item)
        except ValueError as why:
            return f"{_flag(name)}: {why}"
    if name == "section" and not re.fullmatch(r"[A-Za-z][\w-]*", value, re.ASCII):
        return f"--section {value}: not a valid name for a section: use letters, digits, _ and - only"
    if name == "log_directory" and not re.fullmatch(r"[\w./+@:=,-]+", value):
        return f"--log-directory {value}: neither dask-jobqueue nor the scheduler expands or quotes it: use a plain path"
    return interface_fault(_flag(name), value) if name == "scheduler_interface" else None


def interface_fault(flag: str, value: str) -> Optional[str]:
    """Why this cannot be a network interface, or None: dask-jobqueue writes it into a command line without quotes."""
    fine = re.fullmatch(r"[A-Za-z][\w.:@-]*", value, re.ASCII)
    return None if fine else f"{flag} {value}: not the name of a network interface: write a name such as ib0"
