"""Schedulers: one module and one template each, with the same name. The registry is the listing of this folder."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Type

from hpcgen.base.errors import SiteError, among
from hpcgen.base.toml import Table
from hpcgen.model.job import Component, Job
from hpcgen.model.spelled import Spelled

# The profile's table for the scheduler: the table itself, or the copy in a job.
Dialect = Any
# The variable with the index of an array job under sbatch.
SBATCH_INDEX = "SLURM_ARRAY_TASK_ID"


def last_line(answer: str) -> str:
    """The last line that a submit command printed. It holds the id; the site's own scripts may have printed lines before it."""
    return answer.strip().rpartition("\n")[2]


class Scheduler(NamedTuple):
    """A scheduler. Its module defines these members by the same names, constants in capitals. `directive` and `refuse` are
    required.
    """

    name: str

    # --- the script
    # How the script's directives start; None if it has no directives.
    directive: Optional[str]
    # The values that the template finds under the scheduler's name, and the template's filters.
    spelled: Callable[[Job], Spelled] = lambda job: Spelled({}, {})
    filters: Mapping[str, Callable[..., Any]] = {}
    # Variables that the script exports for this --export, so that its steps see the variables that it sets.
    variables: Callable[[Optional[str]], Dict[str, str]] = lambda export: {}

    # --- what it cannot express
    # What the scheduler cannot express in this job, each with what to do instead.
    refuse: Callable[[Job], List[str]] = lambda job: []
    # Options without effect, and the note about them; options that the scheduler lacks, with what to do instead.
    silent: Tuple[str, ...] = ()
    why_silent: str = "no effect here: it needs a scheduler"
    lacks: Mapping[str, str] = {}
    # Why this dialect has no heterogeneous jobs, or None.
    hetjob: Callable[[Dialect], Optional[str]] = lambda dialect: None
    # Options of its submit command that hpcgen does not have: users pass them with --directive.
    foreign: frozenset[str] = frozenset()

    # --- how it allocates
    # The struct for the profile's table of this scheduler.
    dialect: Optional[Type[Table]] = None
    # There is no scheduler: bash runs the job on this machine, a single node.
    one_machine: bool = False
    # The site to use if none is named.
    site: Optional[str] = None
    # Whether all components of a job share one partition.
    one_queue: bool = True
    # Whether jobs can ask for all memory of a node without its amount, and for hardware threads in place of cores.
    all_memory: bool = False
    hardware_threads: bool = False
    # The components with their memory in a style that the scheduler accepts: Slurm needs one style for the whole job.
    memory: Callable[[List[Component]], List[Component]] = lambda components: components
    # Whether jobs ask only for a number of nodes; whether the partitions are then the types of these nodes.
    nodes_only: Callable[[Dialect], bool] = lambda dialect: False
    node_types: Callable[[Dialect], bool] = lambda dialect: False
    # Whether scripts name no amount of memory for this component, because it gets whole nodes with all their memory.
    memory_unsaid: Callable[[Dialect, Component], bool] = lambda dialect, component: False
    # Whether tasks must go to one node if they fit, because their CPUs or memory cannot be counted on an unknown number of
    # nodes. The last argument: whether an MPI's own launcher starts tasks of several CPUs.
    together: Callable[[Dialect, Component, bool], bool] = lambda dialect, component, wide: False
    # The MaxArraySize of a site that does not set it; every index is below it.
    usual_array_max: Optional[int] = None

    # --- how its jobs start programs
    # Its own launcher, which starts one process on each node; no other launcher starts heterogeneous jobs.
    own_launcher: Optional[str] = None
    # Whether MPI launchers get the number of ranks per node from the scheduler, not the number of CPUs.
    tells_ranks: Callable[[Dialect], bool] = lambda dialect: True
    # Variables of its jobs that would make it bind the processes of an MPI's own launcher.
    hidden_from_mpi: Tuple[str, ...] = ()
    # Whether only the processes that its own launcher starts get the signal of --signal.
    signals_steps: bool = False
    # Whether it sets OMP_NUM_THREADS in its jobs.
    sets_threads: bool = False
    # The variable with a job's index in its array, and a bash expression for a number that no other job has.
    array_index: Callable[[Dialect], str] = lambda dialect: SBATCH_INDEX
    job_number: Callable[[Job], str] = lambda job: "$SLURM_JOB_ID"

    # --- submission
    # The variable that holds the account for jobs submitted by hand.
    account_variable: Optional[str] = None
    # Prefixes of variables of a surrounding job that would change the submitted job, and variables to keep.
    inherited: Tuple[str, ...] = ()
    kept: Tuple[str, ...] = ()
    # The submit command, empty if there is none; whether it reads the script from standard input; the command that only
    # checks the script; options that cannot be in the script, for the command line of the submit command.
    submit: Tuple[str, ...] = ()
    stdin: bool = False
    test_only: Tuple[str, ...] = ()
    on_command_line: Callable[[Job], Tuple[str, ...]] = lambda job: ()
    # The job's id, from the output of the submit command.
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
