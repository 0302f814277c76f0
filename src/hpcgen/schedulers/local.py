"""No scheduler: bash on this machine."""

from __future__ import annotations

from typing import Any, List, Optional

from hpcgen.model.job import Job

DIRECTIVE = None
ONE_MACHINE = True
SITE = "local"
# A job of Slurm's may be what surrounds the script.
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "PMI_", "PMIX_", "PBS_")
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")
# What only a scheduler could act on; asking for it is said to mean nothing here.
SILENT = (
    "job_name", "account", "time", "partition", "qos", "nodes", "ntasks_per_node", "ntasks_per_core", "threads_per_core",
    "hint", "gres", "gpus", "gpus_per_node", "gpus_per_task", "cpus_per_gpu", "constraint", "exclusive", "nodelist",
    "exclude", "distribution", "licenses", "output", "error", "open_mode", "mail_type", "mail_user", "dependency",
    "reservation", "requeue", "signal", "export", "chdir", "comment", "mem", "mem_per_cpu", "mem_per_gpu", "tmp",
    "resource",
)  # fmt: skip


def hetjob(dialect: Any) -> Optional[str]:
    return "one machine has no components to tell apart"


def refuse(job: Job) -> List[str]:
    problems = []
    if job.array:
        problems.append("--array: no scheduler is here to start an array: use a loop, or a site with a scheduler")
    for directive in job.directives:
        problems.append(f"--directive '{directive}': no scheduler reads directives here: leave it out")
    return problems
