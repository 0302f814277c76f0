"""No scheduler: bash on this machine."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from hpcgen.job import Component, Job
from hpcgen.spelling import Spelled

DIRECTIVE = None
ACCOUNT_VARIABLE = None
INHERITED = ()
SUBMIT = ()
ONE_QUEUE = True
TEST_ONLY = ()
# What only a scheduler could act on; asking for it is said to mean nothing here.
SILENT = (
    "job_name", "account", "time", "partition", "qos", "nodes", "ntasks_per_node", "ntasks_per_core", "threads_per_core",
    "hint", "gres", "gpus", "gpus_per_node", "gpus_per_task", "cpus_per_gpu", "constraint", "exclusive", "nodelist",
    "exclude", "distribution", "licenses", "output", "error", "open_mode", "mail_type", "mail_user", "dependency",
    "reservation", "requeue", "signal", "export", "chdir", "comment", "mem", "mem_per_cpu", "mem_per_gpu", "tmp",
    "resource",
)  # fmt: skip
FILTERS: Dict[str, Callable[..., Any]] = {}


def index(dialect: Mapping[str, Any]) -> Optional[str]:
    return None


def hetjob(dialect: Mapping[str, Any]) -> Optional[str]:
    return "one machine has no components to tell apart"


def tells_ranks(dialect: Mapping[str, Any]) -> bool:
    return True


def spelled(job: Job) -> Spelled:
    return Spelled({}, {})


def memory(components: List[Component]) -> List[Component]:
    """Nothing here holds a program to an amount of memory, and nothing is written of it."""
    return components


def refuse(job: Job) -> List[str]:
    problems = []
    if job.array:
        problems.append("--array: no scheduler is here to start an array: use a loop, or a site with a scheduler")
    for directive in job.directives:
        problems.append(f"--directive '{directive}': no scheduler reads directives here: leave it out")
    return problems


def variables(export: Optional[str]) -> Dict[str, str]:
    return {}


def job_id(answer: str) -> str:
    return answer.strip()
