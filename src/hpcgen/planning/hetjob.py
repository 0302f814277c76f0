"""Heterogeneous jobs: why a site has none, what the nearest job of equal ranks costs, and what to know of one."""

from __future__ import annotations

from typing import Iterator, Optional

from hpcgen import schedulers, workloads
from hpcgen.base.units import clock
from hpcgen.launch import launchers
from hpcgen.model.job import Job
from hpcgen.model.layout import task_cpus
from hpcgen.planning import limits
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

# See `launchers.unordered`.
HANGS = (
    "under --mpi=pmi2 the ranks of unequal components can wait for each other for ever, where their hosts are not in the order "
    "of their names: the job then says so at its start: cancel it and submit it again, or leave out --hetjob"
)
# MPI_APPNUM of the programs, run with three MPIs: tests/cluster/test_mpmd.py.
ONE_APPNUM = "the programs of this job are one application to MPI: their MPI_APPNUM does not tell them apart, their names do"


def lacking(site: Site, scheduler: schedulers.Scheduler, workload: workloads.Workload, launcher: str) -> Optional[str]:
    """Why a heterogeneous job cannot be had at this site, with what to do instead; None where it can."""
    flat = "add --flatten for the nearest job of equal ranks, or leave out --hetjob"
    if site.scheduler.hetjob is False:
        where = limits.cited(site.cite("scheduler", "hetjob"))
        return f"{site.id} takes no heterogeneous jobs {where}: {site.scheduler.hetjob_advice or flat}"
    if why := scheduler.hetjob(site.dialect):
        return f"{why}: {flat}"
    if not workload.one_a_node and (why := launchers.no_components(launcher, site.scheduler.type)):
        return f"{why} {limits.cited(site.cite('mpi', 'launcher'))}: {flat}"
    return None


def notes(job: Job, asked: Request, workload: workloads.Workload, flat: bool) -> Iterator[str]:
    """What to know of the job. `flat`: whether a heterogeneous one was `asked` for, and it is one of equal ranks."""
    if launchers.unordered(job, job.steps[0]) and not job.carries("launcher"):  # which can do without MPI
        yield HANGS
    if job.steps[0].rank:
        yield ONE_APPNUM
    if flat:
        yield _flattened(job, asked, workload)
    elif asked.flatten:
        why = f"{job.site} takes heterogeneous jobs" if asked.hetjob else "that is for --hetjob"
        yield f"--flatten: {why}: nothing uses it"


def _flattened(job: Job, asked: Request, workload: workloads.Workload) -> str:
    """What it costs that all ranks get what the largest of them needs."""
    parts, (c,) = workload.lay_out(asked).components, job.components
    more = task_cpus(c) - sum(map(task_cpus, parts))
    hours = f", {more * job.time / 3600:.4g} core-hours in {clock(job.time)}" if job.time else ""
    ranks = f"all ranks get {c.cpus_per_task} CPUs each"
    if any(part.role == workloads.SMALL for part in parts):
        ranks = f"scheduler and client get a worker's {c.cpus_per_task} CPUs each and not {parts[0].cpus_per_task}"
    return f"--flatten: {job.scheduler} of {job.site} takes no heterogeneous jobs, so that {ranks}: {more} CPUs more{hours}"
