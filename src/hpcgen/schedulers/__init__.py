"""Schedulers: a module and a template of the same name each. The registry is this folder's listing."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from hpcgen.errors import SiteError, among
from hpcgen.job import Component, Job
from hpcgen.spelling import Spelled, last_line

# The profile's table of the scheduler, as a job carries it.
Dialect = Mapping[str, Any]


class Scheduler(NamedTuple):
    """What its module has, by the same names (the constants' in capitals): `directive` and `refuse` it must have, the rest it
    may.
    """

    name: str
    # How the script's directives begin; None without any.
    directive: Optional[str]
    # What of this job the scheduler cannot say, each with what to do instead.
    refuse: Callable[[Job], List[str]]
    # The components with their memory in a style that the scheduler takes: Slurm wants one style for the whole job.
    memory: Callable[[List[Component]], List[Component]] = lambda components: components
    # Whether all components of a job are in one partition.
    one_queue: bool = True
    # Options that mean nothing to it, and what is said of them; options of a job that it has not got, with what to do instead.
    silent: Tuple[str, ...] = ()
    why_silent: str = "nothing here acts on it: that takes a scheduler"
    lacks: Mapping[str, str] = {}
    # Why heterogeneous jobs cannot be said in this dialect, or None.
    hetjob: Callable[[Dialect], Optional[str]] = lambda dialect: None
    # The variable with a job's index in its array; None for sbatch's, whose options these are.
    array_index: Callable[[Dialect], Optional[str]] = lambda dialect: None
    # Whether MPI's launchers learn from the scheduler how many ranks each node has, and not how many CPUs.
    tells_ranks: Callable[[Dialect], bool] = lambda dialect: True
    # The values that the template finds ready under the scheduler's name, and its filters.
    spelled: Callable[[Job], Spelled] = lambda job: Spelled({}, {})
    filters: Mapping[str, Callable[..., Any]] = {}
    # What the script exports for this --export, so that its steps see what it sets.
    variables: Callable[[Optional[str]], Dict[str, str]] = lambda export: {}
    # The variable that holds the account for jobs submitted by hand.
    account_variable: Optional[str] = None
    # How variables begin by which a surrounding job would change the one that is submitted, and those that stay.
    inherited: Tuple[str, ...] = ()
    kept: Tuple[str, ...] = ()
    # The command that submits, empty where there is none; whether it reads the script from its standard input;
    # the one that only checks it; what cannot stand in the script, for the command's own line.
    submit: Tuple[str, ...] = ()
    stdin: bool = False
    test_only: Tuple[str, ...] = ()
    on_command_line: Callable[[Job], Tuple[str, ...]] = lambda job: ()
    # The job's id out of what the submit command printed.
    job_id: Callable[[str], str] = last_line


@cache
def names() -> Tuple[str, ...]:
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("[!_]*.py")))


@cache
def get(name: str) -> Scheduler:
    """Raises SiteError for a scheduler that we do not speak."""
    if name not in names():
        raise SiteError(f"scheduler.type: unknown scheduler '{name}'{among(name, names())}")
    module = vars(importlib.import_module(f"hpcgen.schedulers.{name}"))
    fields = {field: module[own] for field in Scheduler._fields for own in (field, field.upper()) if own in module}
    return Scheduler(name, **fields)
