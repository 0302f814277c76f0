"""One array job over a list of commands or the rows of a table: each index runs its share, one after the other.

The job reads the file when it runs; `hpcgen.inputs.tasks` counts its tasks beforehand. Source of the form: sbatch(1), --array.
"""

from __future__ import annotations

from math import ceil
from typing import Iterator, List, Literal, NamedTuple, Optional, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.base.errors import RequestError
from hpcgen.base.units import counted
from hpcgen.model.job import Job, Origin, Origins, Tasks
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.workloads import ROLES, Layout, command, component, memory, refuse_several

REFUSES = ROLES


def lay_out(request: Request) -> Layout:
    refuse_several(request, "each job of the array has one task: leave it out")
    if (request.commands is None) == (request.table is None):
        raise RequestError("--workload array: give either --commands FILE, or --table FILE and a program")
    if request.array:
        how = "use --throttle to limit how many run at a time, --chunk to run several tasks per job"
        raise RequestError(f"--array {request.array}: the file sets the number of jobs: {how}")
    if request.commands and request.program is not None:
        raise RequestError(f"program: the commands come from {request.commands}: leave the program out, or use --table")
    if request.commands and request.image:
        raise RequestError("--image: --commands runs each command as written: write `apptainer exec IMAGE …` into the commands")
    if request.table and request.program is None:
        raise RequestError(f"program: --table {request.table} needs a program to run for each row: name it last")
    fields, assumed = memory(request)
    notes = []
    if request.output and "%a" not in request.output and not request.output.endswith("/"):
        notes.append(f"all jobs of the array write to {request.output}: put %a into the name for the index")
    part = component(request, "task", 1, request.cpus_per_task or 1, **fields)
    return Layout([part], [command(request)], assumed, tuple(notes))


def split(site: Site, request: Request, job: Job, origins: Origins) -> Tuple[Job, List[str]]:
    """The job as an array over its tasks, and notes about it. Raises RequestError."""
    kind: Literal["commands", "table"] = "commands" if request.commands else "table"
    file = str(request.commands or request.table)
    if request.tasks is None:
        raise RequestError(f"--tasks: the number of tasks in {file} is not known: give --tasks NUMBER")
    count, most = int(request.tasks), _most(site, _roomiest(site, request, job.time))
    chunk = int(request.chunk or ceil(count / most.jobs))
    indices = ceil(count / chunk)
    _refuse(site, count, chunk, indices, most)
    found = {
        "file": Origin("flag", f"--{kind}"),
        "count": origins.get("tasks", Origin("flag", "--tasks")),
        "chunk": Origin("flag", "--chunk") if request.chunk else most.origin,
    }
    tasks = Tasks(kind=kind, file=file, count=count, chunk=chunk, origins=found)
    throttle = f"%{request.throttle}" if request.throttle and request.throttle < indices else ""
    array = f"1-{indices}{throttle}" if indices > 1 else None
    return msgspec.structs.replace(job, array=array, tasks=tasks), list(_notes(site, request, tasks, indices, most))


class Most(NamedTuple):
    """The largest index of an array that counts from 1; the origin of this limit; and the limit in words, empty if none."""

    jobs: int
    origin: Origin
    why: str


def _refuse(site: Site, count: int, chunk: int, indices: int, most: Most) -> None:
    if indices > most.jobs:
        nearest = f"--chunk {ceil(count / most.jobs)}"
        raise RequestError(f"--chunk {chunk}: this makes {indices} jobs, and {most.why}: use {nearest}")
    if indices > 1 and (site.scheduler.arrays is False or "array" in schedulers.get(site.scheduler.type).lacks):
        advice = site.scheduler.arrays_advice or f"use --chunk {count} to run all tasks in one job"
        raise RequestError(f"--workload array: {site.id} does not allow job arrays: {advice}")


def _notes(site: Site, request: Request, tasks: Tasks, indices: int, most: Most) -> Iterator[str]:
    what = f"{counted(tasks.count, 'command' if request.commands else 'row')} in {tasks.file}"
    jobs = f"indices 1-{indices}" if indices > 1 else "one job"
    each = f", {tasks.chunk} each, one after the other" if tasks.chunk > 1 else ""
    chosen = tasks.chunk > 1 and not request.chunk
    yield f"{what}: {jobs}{each}{f', because {most.why}' if chosen else ''}"
    if request.throttle and request.throttle >= indices:
        yield f"--throttle {request.throttle}: it has no effect: the array has {counted(indices, 'job')}"
    usual = schedulers.get(site.scheduler.type).usual_array_max
    if usual and not most.why and indices >= usual and not chosen:
        yield f"Slurm accepts only indices below {usual} unless the site sets MaxArraySize: use --chunk for fewer jobs"


def _roomiest(site: Site, request: Request, time: Optional[int]) -> Optional[str]:
    """The requested partition; otherwise, of those that may be chosen, the one that takes the longest arrays. None if one of
    them has no limit, or if the scheduler chooses."""
    if request.partition or site.scheduler.routes:
        return request.partition
    fitting = [
        (partition.array_jobs or 0, name)
        for name, partition in site.partitions.items()
        if partition.auto and (partition.min_nodes or 1) == 1 and (partition.max_time or time or 0) >= (time or 0)
    ]
    return max(fitting)[1] if fitting and all(limit for limit, _ in fitting) else None


def _most(site: Site, partition: Optional[str]) -> Most:
    """The smallest of the limits that apply in this partition."""
    if schedulers.get(site.scheduler.type).one_machine:
        why = "there is no scheduler to run an array"
        return Most(1, Origin("rule", why), why)
    queue = site.partitions.get(partition or "")
    of_queue = queue.array_jobs if queue else None
    limits = (
        ((site.scheduler.array_max or 0) - 1, f"{site.id} accepts indices up to", "", ("scheduler", "array_max")),
        (site.scheduler.array_jobs, f"{site.id} allows arrays of at most", " jobs", ("scheduler", "array_jobs")),
        (of_queue, f"partition {partition} allows arrays of at most", " jobs", ("partitions", str(partition), "array_jobs")),
    )
    found = []
    for limit, takes, unit, place in limits:
        if limit and limit > 0:
            origin = site.cite(*place)
            found.append(Most(limit, origin, f"{takes} {limit}{unit} ({origin.source}, {origin.date})"))
    return min(found, key=lambda one: one.jobs) if found else Most(10**9, Origin("rule", "one task for each index"), "")
