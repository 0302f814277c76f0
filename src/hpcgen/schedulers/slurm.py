"""Slurm: how sbatch spells what the neutral model says. Source: sbatch(1) of 22.05; src/common/slurm_opt.c."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional

import msgspec

from hpcgen.job import Component, Gpus, Job
from hpcgen.units import clock, size

ACCOUNT_VARIABLE = "SBATCH_ACCOUNT"
# Variables by which a surrounding job would change the one that is submitted.
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "PMI_", "PMIX_", "PBS_")
SILENT = ()
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")
SUBMIT = ("sbatch", "--parsable")
TEST_ONLY = ("sbatch", "--test-only")


def memory(components: List[Component]) -> List[Component]:
    """One style for all: --mem is carried over to later components, --mem-per-cpu is not, and both together are fatal."""
    if len(components) < 2 or not any(c.mem_mib for c in components):
        return components
    return [
        msgspec.structs.replace(c, mem_mib=c.mem_per_cpu_mib * c.cpus_per_task * c.ntasks, mem_per_cpu_mib=None)
        if c.mem_per_cpu_mib
        else c
        for c in components
    ]


def refuse(job: Job) -> List[str]:
    problems = []
    if job.hetjob and job.array:
        problems.append("--array: Slurm has no arrays of heterogeneous jobs: leave out --hetjob, or submit one by one")
    if job.hetjob and any(c.mem_per_gpu_mib for c in job.components):
        problems.append("--mem-per-gpu: a heterogeneous job needs one style of memory: use --mem-per-cpu")
    return problems


def job_id(answer: str) -> str:
    """Source: sbatch(1), --parsable: ``id`` or ``id;cluster``."""
    return answer.strip().splitlines()[-1].partition(";")[0] if answer.strip() else ""


def quoted(text: Optional[str]) -> Optional[str]:
    """A value as sbatch's own reading of a directive line takes it: quotes where blanks, # or quotes are in it."""
    if text is None or re.fullmatch(r"[^\s#'\"\\]+", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def separator(version: Optional[str]) -> str:
    """Source: Slurm 20.02's release notes, which renamed packjob."""
    return "packjob" if version and version < "20.02" else "hetjob"


def _gpus(gpus: Optional[Gpus], per: str) -> Optional[str]:
    if gpus is None or gpus.per != per or gpus.style == "gres":
        return None
    return f"{gpus.type}:{gpus.count}" if gpus.type else str(gpus.count)


FILTERS: Dict[str, Callable[..., Any]] = {
    "clock": lambda seconds: None if seconds is None else clock(seconds),
    "size": lambda mib: None if mib is None else size(mib),
    "quoted": quoted,
    "separator": separator,
    "requeue": lambda on: None if on is None else "--requeue" if on else "--no-requeue",
    "exclusive": lambda on: "--exclusive" if on else None,
    "gpus": lambda gpus: _gpus(gpus, "job"),
    "gpus_per_node": lambda gpus: _gpus(gpus, "node"),
    "gpus_per_task": lambda gpus: _gpus(gpus, "task"),
}
