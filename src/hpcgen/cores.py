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
    return [*_number(c, step), *(_bound(c, step) if binds(job, step) else [])]


def before_srun(job: Job, step: Step) -> List[str]:
    """What keeps the job's CPUs a task from srun, which takes them from there since 23.11, where it is not to hear of them."""
    return UNCOUNTED if any(_one(job.components[i], step) for i in step.components) else []


UNCOUNTED = ["env", "-u", "SLURM_CPUS_PER_TASK", "-u", "SLURM_TRES_PER_TASK"]


def _number(c: Component, step: Step) -> List[str]:
    return [] if _one(c, step) else [f"--cpus-per-task={c.cpus_per_task}"]


def _one(c: Component, step: Step) -> bool:
    """Tasks of one hardware thread where the site gives each a core (CR_ONE_TASK_PER_CORE): told of one CPU, srun counts
    threads, and has two tasks share one of them. Run on 22.05, 24.11 and 26.05.
    """
    asked = c.ntasks_per_core or c.threads_per_core or c.hint or (c.gpus and c.gpus.per == "task")
    return step.core_each and c.cpus_per_task == 1 and step.cpu == "thread" and not asked


def _bound(c: Component, step: Step) -> List[str]:
    """srun's options that give each rank CPUs of its own.

    `cores` would have ranks of 3 hardware threads share a core. Where a plugin of the site makes CPUs whole cores, srun is not
    told, and would put two of a rank's on each. Sources: srun(1), by which --hint excludes --cpu-bind; run on 22.05.8.
    """
    if c.hint:
        return []
    whole = ["--threads-per-core=1"] if step.cpu == "core" and not (c.threads_per_core or c.ntasks_per_core) else []
    return [*whole, f"--cpu-bind={'threads' if step.cpu == 'thread' else 'cores'}"]


def around_mpiexec(job: Job, step: Step) -> List[str]:
    """What stands before mpiexec: Slurm's variables that it may not see, and Intel MPI's."""
    parts = [job.components[i] for i in step.components]
    words = UNHEARD if job.scheduler == "slurm" and any(c.hint or c.threads_per_core for c in parts) else []
    if step.flavour == "intel" and binds(job, step):
        return [*words, *(["I_MPI_PIN_CELL=core"] if step.cpu == "core" else []), "I_MPI_PIN_DOMAIN=omp"]
    return words


# By these srun would bind the MPI's helper on each node to one CPU, and with it all ranks. Run on 22.05.8, with all three MPIs.
UNHEARD = ["env", "-u", "SLURM_HINT", "-u", "SLURM_THREADS_PER_CORE"]
