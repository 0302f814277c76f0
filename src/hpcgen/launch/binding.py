"""How launchers bind each rank to its own CPUs: srun by options, an MPI's own launcher by options and settings of the MPI."""

from __future__ import annotations

from typing import List

from hpcgen import schedulers
from hpcgen.launch import mpis
from hpcgen.launch.mpis import Spread
from hpcgen.model.job import Component, Job, Step


def undivided(c: Component) -> bool:
    """Whether the job has its nodes to itself, so that a launcher may count their cores from the first."""
    return bool(c.exclusive or c.whole_node_cpus)


def divides(job: Job, step: Step) -> bool:
    """Whether ranks with several CPUs are to be bound, each to its own CPUs."""
    return step.binds and not job.hetjob and job.components[step.components[0]].cpus_per_task > 1


def mpi_binds(job: Job, step: Step) -> bool:
    """Whether the MPI's own launcher binds ranks with several CPUs, each to its own CPUs.

    If ranks are not bound, OpenMP would put the threads of all ranks on the same first cores. Hydra and Open MPI count cores
    from the first core of the node, even if another job uses it, so they may bind only on exclusive nodes. Run on Slurm
    22.05.8 with Intel MPI 2021.18, MPICH 5.0.2 and Open MPI 5.0.11, a neighbour's job on the first cores.
    """
    own_nodes = undivided(job.components[step.components[0]])
    return divides(job, step) and mpis.get(step.flavour).binds(own_nodes, step.per_node)


# --- srun


def of_srun(job: Job, step: Step, c: Component) -> List[str]:
    """srun's options for the CPUs of a component's ranks."""
    return [*_count(c, step), *(_binding(c, step) if divides(job, step) else [])]


def before_srun(job: Job, step: Step) -> List[str]:
    """Words before srun that hide the job's CPUs per task, which srun takes from the environment since 23.11."""
    return UNCOUNTED if any(_core_each(job.components[i], step) for i in step.components) else []


UNCOUNTED = ["env", "-u", "SLURM_CPUS_PER_TASK", "-u", "SLURM_TRES_PER_TASK"]


def _count(c: Component, step: Step) -> List[str]:
    return [] if _core_each(c, step) else [f"--cpus-per-task={c.cpus_per_task}"]


def _core_each(c: Component, step: Step) -> bool:
    """Whether tasks ask for one hardware thread, at a site that gives each task its own core (CR_ONE_TASK_PER_CORE).

    With --cpus-per-task=1 srun would put two of them on one core. Run on 22.05, 24.11 and 26.05.
    """
    asked = c.ntasks_per_core or c.threads_per_core or c.hint or (c.gpus and c.gpus.per == "task")
    return step.core_each and c.cpus_per_task == 1 and step.cpu == "thread" and not asked


def _binding(c: Component, step: Step) -> List[str]:
    """srun's options that bind each rank to its own CPUs.

    If CPUs are threads, bind by threads: with --cpu-bind=cores, ranks of 3 threads would share a core. If only a plugin of
    the site makes a CPU a whole core, srun does not know that and needs --threads-per-core=1. Sources: srun(1), which says
    that --hint excludes --cpu-bind; run on 22.05.8.
    """
    if c.hint:
        return []
    whole = ["--threads-per-core=1"] if step.cpu == "core" and not (c.threads_per_core or c.ntasks_per_core) else []
    return [*whole, f"--cpu-bind={'threads' if step.cpu == 'thread' else 'cores'}"]


# --- an MPI's own launcher


def before_mpiexec(job: Job, step: Step) -> List[str]:
    """Words before mpiexec: `env -u` to hide variables of the scheduler, and the MPI's own settings."""
    parts = [job.components[i] for i in step.components]
    hidden = schedulers.get(job.scheduler).hidden_from_mpi if any(c.hint or c.threads_per_core for c in parts) else ()
    words = ["env", *(word for name in hidden for word in ("-u", name))] if hidden else []
    flavour = mpis.get(step.flavour)
    if mpi_binds(job, step):
        words += flavour.binding_settings(step.cpu == "core")
    return [*words, *flavour.settings(_spread(job, step))]


def of_mpiexec(job: Job, step: Step) -> List[str]:
    """Options of mpiexec that place and bind ranks, if the MPI's defaults differ from the request."""
    return mpis.get(step.flavour).options(_spread(job, step))


def _spread(job: Job, step: Step) -> Spread:
    parts = [job.components[i] for i in step.components]
    return Spread(
        per_node=step.per_node,
        cpus=parts[0].cpus_per_task,
        widest=max(c.cpus_per_task for c in parts),
        by_thread=step.cpu == "thread",
        own_nodes=undivided(parts[0]),
        one_a_node=parts[0].one_a_node,
        bind=mpi_binds(job, step),
    )
