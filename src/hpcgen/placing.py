"""Where the components of a job go, and what they are allocated there."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import msgspec

from hpcgen import allocation, check, gpus
from hpcgen.errors import LimitError, RequestError
from hpcgen.job import Component, Job, Step
from hpcgen.partitions import choose
from hpcgen.schedulers import Scheduler
from hpcgen.site import Site

replace = msgspec.structs.replace


class Placed(NamedTuple):
    """The job with its components as they are allocated, the limits that it is over, and what is to be said of it."""

    job: Job
    over: List[str]
    notes: List[str]

    def with_step(self, step: Step) -> Placed:
        return self._replace(job=replace(self.job, steps=(step,)))


def place(site: Site, job: Job, scheduler: Scheduler) -> Placed:
    """A partition for each component; one for all, where a job has one."""
    placed: List[Component] = []
    problems: List[str] = []
    notes: List[str] = []
    whole = choose(site, job, job.components[-1]) if scheduler.one_queue else None
    for c in job.components:
        if whole and c is not job.components[-1] and whole.partition:
            c = replace(c, partition=whole.partition)
        partition, origin, wrong = choose(site, job, c)
        origin = whole.origin if whole else origin
        problems += [text for text in wrong if text not in problems]
        one_node = allocation.together(site, c)
        c = gpus.typed(site, allocation.settled(site, c, partition), partition)
        if one_node and c.nodes == 1:
            notes.append(f"the {c.ntasks} tasks go to one node, where they fit: --nodes says otherwise")
        notes += [*gpus.notes(site, c, partition), *allocation.idle(c, job.time)]
        placed.append(replace(c, partition=partition, origins={**c.origins, "partition": origin}))
        if partition and origin.kind == "rule":
            notes.append(f"partition {partition} ({origin.text})")
        if (facts := site.partitions.get(partition or "")) and facts.note:
            notes.append(f"partition {partition}: {facts.note}")
    if scheduler.one_queue and len(placed) > 1 and not problems:
        problems += check.over_together(site, job, placed, placed[-1].partition)
    return Placed(replace(job, components=tuple(placed)), problems, list(dict.fromkeys(notes)))


def sayable(site: Site, placed: Placed, scheduler: Scheduler) -> Tuple[Job, List[str]]:
    """The job as this scheduler can say it, without types of GPU where it has no word for them and none is needed; and
    what is to be said of it.

    Raises RequestError for what it cannot say, LimitError for what is over the site's limits.
    """
    job, notes = placed.job, placed.notes
    problems = scheduler.refuse(job)
    bare, left_out = allocation.untyped(site, job)
    if problems and left_out:
        job, problems, notes = bare, scheduler.refuse(bare), [*notes, *left_out]
    if problems:
        raise RequestError(*problems)
    if placed.over:
        raise LimitError(*placed.over)
    return job, notes
