"""Schedulers: a module and a template of the same name each. The registry is this folder's listing."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple, cast

from hpcgen.errors import SiteError, among
from hpcgen.job import Component, Job
from hpcgen.spelling import Spelled


class Scheduler(Protocol):
    """What the rest of the house knows of a scheduler.

    Some have more: `KEPT`, variables that INHERITED does not take away; `STDIN`, when the script is read from there;
    `on_command_line(job)`, what cannot stand in the script.
    """

    DIRECTIVE: Optional[str]
    ACCOUNT_VARIABLE: Optional[str]
    INHERITED: Tuple[str, ...]
    SILENT: Tuple[str, ...]
    SUBMIT: Tuple[str, ...]  # empty: nothing to submit to
    TEST_ONLY: Tuple[str, ...]
    FILTERS: Mapping[str, Callable[..., Any]]
    ONE_QUEUE: bool  # all components of a job are in one partition

    def memory(self, components: List[Component]) -> List[Component]:
        """The components with one style of memory for the whole job."""

    def index(self, dialect: Mapping[str, Any]) -> Optional[str]:
        """The variable with a job's index in its array; None for sbatch's, whose options these are."""

    def hetjob(self, dialect: Mapping[str, Any]) -> Optional[str]:
        """Why heterogeneous jobs cannot be said in this dialect, or None."""

    def tells_ranks(self, dialect: Mapping[str, Any]) -> bool:
        """Whether MPI's launchers learn from the scheduler how many ranks each node has, and not how many CPUs."""

    def spelled(self, job: Job) -> Spelled:
        """The values that the template finds ready under the scheduler's name."""

    def refuse(self, job: Job) -> List[str]:
        """What of this job the scheduler cannot say, each with what to do instead."""

    def variables(self, export: Optional[str]) -> Dict[str, str]:
        """What the script exports so that its steps see what it sets."""

    def job_id(self, answer: str) -> str:
        """The job's id out of what the submit command printed."""


@cache
def names() -> Tuple[str, ...]:
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("[!_]*.py")))


def get(name: str) -> Scheduler:
    """Raises SiteError for a scheduler that we do not speak."""
    if name not in names():
        raise SiteError(f"scheduler.type: unknown scheduler '{name}'{among(name, names())}")
    return cast(Scheduler, importlib.import_module(f"hpcgen.schedulers.{name}"))


def on_command_line(job: Job) -> Tuple[str, ...]:
    """What must stand on the submit command's own line, where a scheduler has such words."""
    words = getattr(get(job.scheduler), "on_command_line", None)
    return tuple(words(job)) if words else ()


def filters(name: str) -> Dict[str, Callable[..., Any]]:
    return dict(get(name).FILTERS)
