"""No scheduler: bash on this machine."""

from __future__ import annotations

from typing import Any, List, Optional

from hpcgen.model.job import Job

DIRECTIVE = None
ONE_MACHINE = True
SITE = "local"
# The script may run inside a Slurm job.
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "PMI_", "PMIX_", "PBS_")
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")
# Options that only a scheduler can act on. A note says that they have no effect.
SILENT = (
    "job_name", "account", "time", "partition", "qos", "nodes", "ntasks_per_node", "ntasks_per_core", "threads_per_core",
    "hint", "gres", "gpus", "gpus_per_node", "gpus_per_task", "cpus_per_gpu", "constraint", "exclusive", "nodelist",
    "exclude", "distribution", "licenses", "output", "error", "open_mode", "mail_type", "mail_user", "dependency",
    "reservation", "requeue", "signal", "export", "comment", "mem", "mem_per_cpu", "mem_per_gpu", "tmp", "resource",
)  # fmt: skip


def hetjob(dialect: Any) -> Optional[str]:
    return "one machine has no separate components"


def refuse(job: Job) -> List[str]:
    problems = []
    if job.array:
        problems.append(f"--array {job.array}: there is no scheduler to run an array: use a loop, or a site with a scheduler")
    for directive in job.directives:
        problems.append(f"--directive '{directive}': there is no scheduler to read it: leave it out")
    return problems
