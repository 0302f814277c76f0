"""Chooses where the components of a job run, and what is allocated to them there."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Tuple

import msgspec

from hpcgen.base.errors import LimitError, RequestError
from hpcgen.model.job import Component, Job, Step
from hpcgen.planning import allocation, gpus, limits
from hpcgen.planning.partitions import Choice, choose
from hpcgen.profiles.site import Site
from hpcgen.schedulers import Scheduler

replace = msgspec.structs.replace


class Placed(NamedTuple):
    """The job with its components as they are allocated, the limits that it exceeds, and notes."""

    job: Job
    over: List[str]
    notes: List[str]

    def with_step(self, step: Step) -> Placed:
        return self._replace(job=replace(self.job, steps=(step,)))


def place(site: Site, job: Job, scheduler: Scheduler) -> Placed:
    """A partition for each component; one for all, if the scheduler takes only one per job."""
    whole = choose(site, job, job.components[-1]) if scheduler.one_queue else None
    placed: List[Component] = []
    problems: List[str] = []
    notes: List[str] = []
    for c in job.components:
        if whole and c is not job.components[-1] and whole.partition:
            c = replace(c, partition=whole.partition)
        choice = choose(site, job, c)
        problems += [text for text in choice.refused if text not in problems]
        made = _allocated(site, c, choice._replace(origin=whole.origin, chosen=whole.chosen) if whole else choice)
        problems += [text for text in allocation.not_shared(site, c, made) if text not in problems]
        notes += _notes(site, job, c, made, whole or choice)
        placed.append(made)
    if scheduler.one_queue and len(placed) > 1 and not problems:
        problems += limits.over_together(site, job, placed, placed[-1].partition)
    return Placed(replace(job, components=tuple(placed)), problems, list(dict.fromkeys(notes)))


def _allocated(site: Site, c: Component, choice: Choice) -> Component:
    """The component as it is allocated in the partition that was chosen."""
    made = gpus.typed(site, allocation.settled(site, c, choice.partition), choice.partition)
    return replace(made, partition=choice.partition, origins={**made.origins, "partition": choice.origin})


def _notes(site: Site, job: Job, asked: Component, made: Component, choice: Choice) -> Iterator[str]:
    """Notes on where a component goes."""
    if made.nodes == 1 and allocation.together(site, asked):
        yield f"the {made.ntasks} tasks go to one node, where they fit: set --nodes to change this"
    yield from gpus.notes(site, made, made.partition)
    yield from allocation.idle(made, job.time)
    if made.partition and choice.chosen:
        yield f"partition {made.partition} ({choice.origin.text})"
    if (facts := site.partitions.get(made.partition or "")) and facts.note:
        yield f"partition {made.partition}: {facts.note}"


def sayable(site: Site, placed: Placed, scheduler: Scheduler) -> Tuple[Job, List[str]]:
    """The job in a form that this scheduler can express, with notes. GPU types are dropped if the scheduler has no option for
    them and they are not needed.

    Raises RequestError for what the scheduler cannot express, LimitError for what exceeds the site's limits.
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
