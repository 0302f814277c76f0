"""Schedulers: a module and a template of the same name each. The registry is this folder's listing."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Type

from hpcgen.base.errors import SiteError, among
from hpcgen.base.toml import Table
from hpcgen.model.job import Component, Job
from hpcgen.model.spelled import Spelled

# The profile's table of the scheduler: the table itself, or what a job carries of it.
Dialect = Any
# The variable with the index of an array's job under sbatch, whose options hpcgen has.
SBATCH_INDEX = "SLURM_ARRAY_TASK_ID"


def last_line(answer: str) -> str:
    """The last line that a submit command printed: the id is there, after what the site's own scripts may have said."""
    return answer.strip().rpartition("\n")[2]


class Scheduler(NamedTuple):
    """A scheduler. Its module defines these members by the same names, constants in capitals. `directive` and `refuse` are
    required.
    """

    name: str

    # --- the script
    # How the script's directives begin; None without any.
    directive: Optional[str]
    # The values that the template finds under the scheduler's name, and the template's filters.
    spelled: Callable[[Job], Spelled] = lambda job: Spelled({}, {})
    filters: Mapping[str, Callable[..., Any]] = {}
    # What the script exports for this --export, so that its steps see what it sets.
    variables: Callable[[Optional[str]], Dict[str, str]] = lambda export: {}

    # --- what it cannot say
    # What of this job the scheduler cannot say, each with what to do instead.
    refuse: Callable[[Job], List[str]] = lambda job: []
    # Options that mean nothing to it, and the note about them; options of a job that it lacks, with what to do instead.
    silent: Tuple[str, ...] = ()
    why_silent: str = "nothing here acts on it: that takes a scheduler"
    lacks: Mapping[str, str] = {}
    # Why this dialect has no heterogeneous jobs, or None.
    hetjob: Callable[[Dialect], Optional[str]] = lambda dialect: None
    # Options of its submit command that hpcgen has not: users give them by --directive.
    foreign: frozenset[str] = frozenset()

    # --- how it allocates
    # The struct of the profile's table for it.
    dialect: Optional[Type[Table]] = None
    # There is no scheduler: bash on this machine, which is one node.
    one_machine: bool = False
    # The site that is meant where none is named.
    site: Optional[str] = None
    # Whether all components of a job are in one partition.
    one_queue: bool = True
    # Whether jobs can ask for all memory of a node, whatever that is, and for hardware threads in place of cores.
    all_memory: bool = False
    hardware_threads: bool = False
    # The components with their memory in a style that the scheduler takes: Slurm wants one style for the whole job.
    memory: Callable[[List[Component]], List[Component]] = lambda components: components
    # Whether jobs ask for numbers of nodes and for nothing else, and whether partitions then are the types of these nodes.
    nodes_only: Callable[[Dialect], bool] = lambda dialect: False
    node_types: Callable[[Dialect], bool] = lambda dialect: False
    # Whether tasks must go to one node, where they fit: their CPUs or their memory would else be counted on a number of
    # nodes that nobody knows. The last argument: whether an MPI's own launcher starts tasks of several CPUs.
    together: Callable[[Dialect, Component, bool], bool] = lambda dialect, component, wide: False
    # The MaxArraySize of a site that has not set it; no index reaches it.
    usual_array_max: Optional[int] = None

    # --- how its jobs start programs
    # Its own launcher, which starts one process on each node, and alone starts the components of a heterogeneous job.
    own_launcher: Optional[str] = None
    # Whether MPI's launchers learn from the scheduler how many ranks each node has, and not how many CPUs.
    tells_ranks: Callable[[Dialect], bool] = lambda dialect: True
    # Variables of its jobs by which it would bind what an MPI's own launcher starts.
    hidden_from_mpi: Tuple[str, ...] = ()
    # Whether it sets OMP_NUM_THREADS in its jobs.
    sets_threads: bool = False
    # The variable with a job's index in its array, and bash's words for a number that no other job has.
    array_index: Callable[[Dialect], str] = lambda dialect: SBATCH_INDEX
    job_number: Callable[[Job], str] = lambda job: "$SLURM_JOB_ID"

    # --- submission
    # The variable that holds the account for jobs submitted by hand.
    account_variable: Optional[str] = None
    # How variables of a surrounding job begin, by which it would change the one that is submitted, and those that stay.
    inherited: Tuple[str, ...] = ()
    kept: Tuple[str, ...] = ()
    # The command that submits, empty where there is none; whether it reads the script from its standard input;
    # the command that only checks it; what cannot stand in the script, for the submit command's own line.
    submit: Tuple[str, ...] = ()
    stdin: bool = False
    test_only: Tuple[str, ...] = ()
    on_command_line: Callable[[Job], Tuple[str, ...]] = lambda job: ()
    # The job's id, out of what the submit command printed.
    job_id: Callable[[str], str] = last_line


@cache
def names() -> Tuple[str, ...]:
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("[!_]*.py")))


@cache
def get(name: str) -> Scheduler:
    """Raises SiteError for a scheduler that hpcgen does not know."""
    if name not in names():
        raise SiteError(f"scheduler.type: unknown scheduler '{name}'{among(name, names())}")
    module = vars(importlib.import_module(f"hpcgen.schedulers.{name}"))
    fields = {field: module[own] for field in Scheduler._fields for own in (field, field.upper()) if own in module}
    return Scheduler(name, **{"directive": None, **fields})
