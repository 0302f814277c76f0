"""Heterogeneous jobs: why a site has none, what the nearest job of equal ranks costs, and notes."""

from __future__ import annotations

from typing import Iterator, Optional

from hpcgen import schedulers, workloads
from hpcgen.base.units import clock, counted, in_units
from hpcgen.launch import launchers
from hpcgen.model.job import Job
from hpcgen.model.layout import task_cpus
from hpcgen.planning.case import cited
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

# See `launchers.unordered`.
HANGS = (
    "under --mpi=pmi2, MPI may hang if the hosts of the components are not sorted by name: the job prints a warning at its "
    "start: if there is no output after a minute, cancel it and resubmit, or leave out --hetjob"
)
# MPI_APPNUM of the programs, run with three MPIs: tests/cluster/test_mpmd.py.
ONE_APPNUM = "all programs of this job have the same MPI_APPNUM: use their names to tell them apart"


def lacking(site: Site, scheduler: schedulers.Scheduler, workload: workloads.Workload, launcher: str) -> Optional[str]:
    """Why this site cannot run a heterogeneous job, with what to do instead; None if it can."""
    flat = "add --flatten for the nearest job of equal ranks, or leave out --hetjob"
    if site.scheduler.hetjob is False:
        where = cited(site.cite("scheduler", "hetjob"))
        return f"{site.id} does not allow heterogeneous jobs {where}: {site.scheduler.hetjob_advice or flat}"
    if why := scheduler.hetjob(site.dialect):
        return f"{why}: {flat}"
    if not workload.one_a_node and (why := launchers.no_components(launcher, site.scheduler.type)):
        return f"{why} {cited(site.cite('mpi', 'launcher'))}: {flat}"
    return None


def notes(job: Job, asked: Request, workload: workloads.Workload, flat: bool) -> Iterator[str]:
    """Notes on the job. `flat`: whether a heterogeneous job was `asked` for and became one of equal ranks."""
    if launchers.unordered(job, job.steps[0]) and not job.steps[0].told:  # the launcher does not depend on MPI
        yield HANGS
    if job.steps[0].rank:
        yield ONE_APPNUM
    if flat:
        yield _flattened(job, asked, workload)
    elif asked.flatten:
        why = f"{job.site} allows heterogeneous jobs" if asked.hetjob else "it needs --hetjob"
        yield f"--flatten: it has no effect, because {why}"


def _flattened(job: Job, asked: Request, workload: workloads.Workload) -> str:
    """The cost of giving every rank what the largest of them needs."""
    parts, (c,) = workload.lay_out(asked).components, job.components
    more = task_cpus(c) - sum(map(task_cpus, parts))
    hours = f", {in_units(f'{more * job.time / 3600:.4g}', 'core-hours')} in {clock(job.time)}" if job.time else ""
    over = f": {counted(more, 'CPU')} more{hours}" if more else ""
    ranks = f"all ranks get {counted(c.cpus_per_task, 'CPU')} each"
    if any(part.role == workloads.SMALL for part in parts):
        less = f", in place of {parts[0].cpus_per_task}" if parts[0].cpus_per_task != c.cpus_per_task else ""
        ranks = f"scheduler and client get {counted(c.cpus_per_task, 'CPU')} each, as a worker does{less}"
    return f"--flatten: {job.site} does not run heterogeneous jobs, so {ranks}{over}"
