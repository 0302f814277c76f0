"""What a person should know before a job of this kind runs at this site."""

from __future__ import annotations

from typing import Iterator, List, Mapping

from hpcgen.job import Job
from hpcgen.request import Request, gpus_asked
from hpcgen.schedulers import Scheduler
from hpcgen.site import Site
from hpcgen.words import option
from hpcgen.workloads import Workload


def assumed(found: Mapping[str, str]) -> List[str]:
    """One line for all that was assumed, each with the option that says otherwise."""
    said = ", ".join(f"{what} ({option(key)})" for key, what in found.items())
    return [f"assumed: {said}"] if said else []


def before(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> Iterator[str]:
    """What can be said before anything is laid out."""
    yield from of_site(site, request, workload.name, workload.mpi)
    yield from _of_python(site, request, workload)
    yield from of_disk(site, request, workload.name)
    if silent := [option(key) for key in scheduler.SILENT if getattr(request, key) not in (None, {})]:
        why = getattr(scheduler, "WHY_SILENT", "nothing here acts on it: that takes a scheduler")
        yield f"{', '.join(silent)}: {why}"


def of_array(job: Job, scheduler: Scheduler) -> Iterator[str]:
    if job.array and (variable := scheduler.index(job.dialect)):
        yield f"each job of the array has its index in ${variable}"


def of_site(site: Site, request: Request, workload: str, ranks: bool) -> List[str]:
    notes = []
    if site.status == "retired":
        notes.append(f"{site.id} is retired: {f'its successor is {site.successor}' if site.successor else site.status_note}")
    gpus = gpus_asked(request)
    without_mpi = request.runner in ("slurm", "local")  # what a site says of Dask-MPI is of MPI
    holds = {"always", "" if without_mpi else workload, "gpus" if gpus else "", "hetjob" if request.hetjob else ""}
    holds |= {"conda" if request.conda else "", "container" if request.image else "", "gpu-ranks" if gpus and ranks else ""}
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when in holds]


def _of_python(site: Site, request: Request, workload: Workload) -> Iterator[str]:
    """Ray and PyTorch are no part of what sites call Python."""
    own = (request.venv, request.conda, request.userbase, request.python, request.image, *request.module)
    if workload.one_a_node and site.scheduler.type != "local" and not any(own):
        needs = " and ".join(workload.packages)
        yield (
            f"{needs} must be in the Python that {site.id} gives: else `hpcgen env --site {site.id} --workload {workload.name} "
            "--venv DIR` makes one that has it, and --venv DIR takes it"
        )


def of_disk(site: Site, request: Request, workload: str) -> Iterator[str]:
    """Where the disk of a job is as large as the job asks, Dask and Ray would soon fill what it has unasked."""
    spills = workload in ("dask-mpi", "ray") and not request.plain
    if spills and getattr(site.dialect(), "disk", None) and site.storage.local and not (request.tmp or request.local_directory):
        yield f"workers spill to {site.storage.local}, which is as large as --tmp asks: say --tmp 100G, or --local-directory"
