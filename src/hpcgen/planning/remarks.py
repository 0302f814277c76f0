"""Notes that a user should read before a job of this kind runs at this site."""

from __future__ import annotations

from typing import Iterator, List, Mapping

from hpcgen.base.kinds import option, option_given
from hpcgen.launch import launchers
from hpcgen.model.job import Job
from hpcgen.planning.header import named
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked
from hpcgen.schedulers import SBATCH_INDEX, Scheduler
from hpcgen.workloads import Workload


def assumed(found: Mapping[str, str]) -> List[str]:
    """One line for all assumed values, each with the option that changes it."""
    said = ", ".join(f"{what} ({option(key)})" for key, what in found.items())
    return [f"assumed: {said}"] if said else []


def before(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> Iterator[str]:
    """Notes that need no layout."""
    yield from of_site(site, request, workload.name, workload.mpi)
    yield from _of_python(site, request, workload, scheduler)
    yield from _unused(site, request, workload)
    yield from of_disk(site, request, workload.name)
    cards = gpus_asked(request) if workload.counts_gpus and not request.nproc_per_node else None
    used = cards.name if cards and cards.number > 1 else None  # torchrun starts one process for one GPU, and for none
    given = {key: value for key in scheduler.silent if (value := getattr(request, key)) not in (None, {})}
    if silent := [option_given(key, value) for key, value in given.items() if key != used]:
        yield f"{', '.join(silent)}: {scheduler.why_silent}"


def of_array(job: Job, scheduler: Scheduler) -> Iterator[str]:
    """The variable that holds the index of an array job, if it is not Slurm's."""
    variable = scheduler.array_index(job.dialect)
    if job.array and variable != SBATCH_INDEX:
        yield f"each job of the array finds its index in ${variable}"


def of_signal(job: Job, scheduler: Scheduler) -> Iterator[str]:
    """Why the program does not get the signal, if the script itself starts it."""
    if job.signal and scheduler.signals_steps and not job.signal.startswith("B:") and job.steps[0].launcher == "none":
        yield (
            f"--signal {job.signal}: the program does not get it: only what {scheduler.own_launcher} starts does, "
            "and this script starts the program itself"
        )


def of_memory(site: Site, request: Request, job: Job, scheduler: Scheduler) -> Iterator[str]:
    """An amount of memory that was asked for where scripts request nodes with all their memory."""
    unsaid = any(scheduler.nodes_only(job.dialect) or scheduler.memory_unsaid(job.dialect, c) for c in job.components)
    for name in ("mem", "mem_per_cpu", "mem_per_gpu", "scheduler_mem") if unsaid else ():
        if value := getattr(request, name):
            yield f"{option(name)} {value}: the script does not request it: {site.id} gives this job nodes with all memory"


def of_site(site: Site, request: Request, workload: str, ranks: bool) -> List[str]:
    """The profile's own notes that apply to this job. `ranks`: whether it has MPI ranks."""
    notes = []
    if site.status == "retired":
        notes.append(f"{site.id} is retired: {f'its successor is {site.successor}' if site.successor else site.status_note}")
    gpus = gpus_asked(request)
    without_mpi = request.runner in ("slurm", "local")  # a site's notes on Dask-MPI are about MPI
    holds = {"always", "" if without_mpi else workload, "gpus" if gpus else "", "hetjob" if request.hetjob else ""}
    holds |= {"conda" if request.conda else "", "container" if request.image else "", "gpu-ranks" if gpus and ranks else ""}
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when in holds]


def _of_python(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> Iterator[str]:
    """Sites' Python modules do not contain Ray and PyTorch, and seldom mpi4py and Dask."""
    own = (request.venv, request.conda, request.userbase, request.python, request.image, *request.module)
    if scheduler.one_machine or any(own):
        return
    needs = list(workload.packages)
    if workload.mpi:
        of_python = "dask" in needs or not request.program or request.program.endswith(".py")
        told = not request.runner and any(note.when == workload.name for note in site.notes)
        if "mpi4py" in site.environment.carries or told or not of_python:
            return
        needs = needs if request.runner in ("slurm", "local") else ["mpi4py", *needs]
    if needs:
        kind = "venv" if site.modules.python else site.environment.kind or ("conda" if site.modules.conda else "venv")
        take = f"--{kind} {'NAME' if kind == 'conda' else 'DIR'}"
        yield (
            f"{_listed(needs)} must be installed in the Python of {site.id}: if not, `hpcgen env --site {named(site, request)} "
            f"--workload {workload.name} {take}` writes an environment with it, and {take} uses it"
        )


def _listed(names: List[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _unused(site: Site, request: Request, workload: Workload) -> Iterator[str]:
    """Options from a configuration, perhaps, that have no effect on this job."""
    launcher, checked = site.mpi.launcher, workload.name == "dask-mpi" and not request.plain and site.mpi.flavour
    if request.mpi and not (workload.mpi and (launchers.get(launcher).of_slurm or checked)):
        why = f"{launcher} starts the ranks" if workload.mpi else "this workload has no MPI ranks"
        yield f"--mpi {request.mpi}: it has no effect: only srun takes it, and {why}"
    names = (request.program or ".py", *request.mpmd)
    if request.python and workload.name in ("mpi", "serial", "array") and (request.commands or ".py" not in " ".join(names)):
        yield f"--python {request.python}: it has no effect: only programs that end in .py are run by Python"


def of_disk(site: Site, request: Request, workload: str) -> Iterator[str]:
    """A note where a job's disk is only as large as it asks for: Dask and Ray soon fill the default."""
    spills = workload in ("dask-mpi", "ray") and not request.plain
    if spills and getattr(site.dialect, "disk", None) and site.storage.local and not (request.tmp or request.local_directory):
        yield f"workers spill to {site.storage.local}, and --tmp sets its size: give --tmp 100G, or --local-directory"
