"""How launchers give each rank CPUs of its own: srun by its options, MPIs by what stands around their mpiexec."""

from __future__ import annotations

from typing import List

from hpcgen.job import Component, Job, Step


def undivided(c: Component) -> bool:
    """Whether nobody else is on the nodes, so that a launcher may count their cores from the first."""
    return bool(c.exclusive or c.whole_node_cpus)


def binds(job: Job, step: Step) -> bool:
    """Whether ranks of several threads are each bound to CPUs of their own, so that the threads may be bound to these.

    Where ranks are not, OpenMP would put the threads of all of them on the same first cores. Intel MPI makes domains of
    OMP_NUM_THREADS CPUs among the job's; Hydra and Open MPI count cores from the node's first, whosever they are, so that
    they may where nobody else is on the node. Sources: srun(1), --cpu-bind; Intel MPI's reference, I_MPI_PIN_DOMAIN; run on
    Slurm 22.05.8 with Intel MPI 2021.18, MPICH 5.0.2 and Open MPI 5.0.11, a neighbour's job on the first cores.
    """
    c = job.components[step.components[0]]
    if job.workload != "mpi" or job.hetjob or c.cpus_per_task == 1:
        return False
    if step.launcher in ("mpirun", "mpiexec"):
        own = undivided(c)
        return {"intel": True, "openmpi": own and bool(step.per_node), "mpich": own}.get(step.flavour or "", False)
    return step.launcher in ("srun", "pals", "jsrun")


def of_srun(job: Job, step: Step, c: Component) -> List[str]:
    """srun's options for the CPUs of a component's ranks."""
    return [*_count(c, step), *(_binding(c, step) if binds(job, step) else [])]


def before_srun(job: Job, step: Step) -> List[str]:
    """What stands before srun where it must not see the job's CPUs a task, which it takes from the environment since 23.11."""
    return UNCOUNTED if any(_core_each(job.components[i], step) for i in step.components) else []


UNCOUNTED = ["env", "-u", "SLURM_CPUS_PER_TASK", "-u", "SLURM_TRES_PER_TASK"]


def _count(c: Component, step: Step) -> List[str]:
    return [] if _core_each(c, step) else [f"--cpus-per-task={c.cpus_per_task}"]


def _core_each(c: Component, step: Step) -> bool:
    """Whether tasks ask for one hardware thread, at a site that gives each a core of its own (CR_ONE_TASK_PER_CORE).

    With --cpus-per-task=1 srun would put two of them on one core. Run on 22.05, 24.11 and 26.05.
    """
    asked = c.ntasks_per_core or c.threads_per_core or c.hint or (c.gpus and c.gpus.per == "task")
    return step.core_each and c.cpus_per_task == 1 and step.cpu == "thread" and not asked


def _binding(c: Component, step: Step) -> List[str]:
    """srun's options that give each rank CPUs of its own.

    By threads where CPUs are threads: --cpu-bind=cores has ranks of 3 threads share a core. Where a CPU is a core only by
    a plugin of the site, srun does not know it, and needs --threads-per-core=1. Sources: srun(1), by which --hint excludes
    --cpu-bind; run on 22.05.8.
    """
    if c.hint:
        return []
    whole = ["--threads-per-core=1"] if step.cpu == "core" and not (c.threads_per_core or c.ntasks_per_core) else []
    return [*whole, f"--cpu-bind={'threads' if step.cpu == 'thread' else 'cores'}"]


def around_mpiexec(job: Job, step: Step) -> List[str]:
    """What stands before mpiexec: `env -u` for variables of Slurm's that it must not see, and Intel MPI's own settings."""
    parts = [job.components[i] for i in step.components]
    words = UNHEARD if job.scheduler == "slurm" and any(c.hint or c.threads_per_core for c in parts) else []
    if step.flavour == "intel" and binds(job, step):
        return [*words, *(["I_MPI_PIN_CELL=core"] if step.cpu == "core" else []), "I_MPI_PIN_DOMAIN=omp"]
    return words


# By these srun would bind the MPI's helper on each node to one CPU, and with it all ranks. Run on 22.05.8, with all three MPIs.
UNHEARD = ["env", "-u", "SLURM_HINT", "-u", "SLURM_THREADS_PER_CORE"]
