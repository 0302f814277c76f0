"""What a person should know before a job of this kind runs at this site."""

from __future__ import annotations

from typing import Iterator, List

from hpcgen import workloads
from hpcgen.request import Request, gpus_asked
from hpcgen.site import Site


def of_site(site: Site, request: Request, workload: str, ranks: bool) -> List[str]:
    notes = []
    if site.status == "retired":
        notes.append(f"{site.id} is retired: {f'its successor is {site.successor}' if site.successor else site.status_note}")
    gpus = gpus_asked(request)
    without_mpi = request.runner in ("slurm", "local")  # what a site says of Dask-MPI is of MPI
    holds = {"always", "" if without_mpi else workload, "gpus" if gpus else "", "hetjob" if request.hetjob else ""}
    holds |= {"conda" if request.conda else "", "container" if request.image else "", "gpu-ranks" if gpus and ranks else ""}
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when in holds]


def of_python(site: Site, request: Request, workload: str) -> Iterator[str]:
    """Ray and PyTorch are no part of what sites call Python."""
    own = (request.venv, request.conda, request.userbase, request.python, request.image, *request.module)
    if workloads.get(workload).ONE_A_NODE and site.scheduler.type != "local" and not any(own):
        needs = " and ".join(workloads.packages(workload))
        yield (
            f"{needs} must be in the Python that {site.id} gives: else `hpcgen env --site {site.id} --workload {workload} "
            "--venv DIR` makes one that has it, and --venv DIR takes it"
        )


def of_disk(site: Site, request: Request, workload: str) -> Iterator[str]:
    """Where the disk of a job is as large as the job asks, Dask and Ray would soon fill what it has unasked."""
    spills = workload in ("dask-mpi", "ray") and not request.plain
    if spills and getattr(site.dialect(), "disk", None) and site.storage.local and not (request.tmp or request.local_directory):
        yield f"workers spill to {site.storage.local}, which is as large as --tmp asks: say --tmp 100G, or --local-directory"
