"""Notes on what a job costs in the site's unit, and on a cheaper partition if the job leaves cores of its nodes idle."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import Token
from hpcgen.base.units import clock, in_units
from hpcgen.cost import estimate
from hpcgen.cost.estimate import Amount, Cost
from hpcgen.model.job import Job
from hpcgen.planning.plan import plan
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Merged


class Cheaper(NamedTuple):
    """A partition and what the job costs there."""

    partition: str
    charge: Amount


def of_job(site: Site, asked: Merged, job: Job) -> Iterator[str]:
    """Yield a note on the cost, unless the profile lacks a rate that the job needs."""
    found = estimate.cost(site, job)
    if not found.charges:
        return
    charges = ", ".join(map(_amount, found.charges))
    jobs = f" of {found.jobs} jobs" if found.jobs > 1 else ""
    text = f"cost: {charges} for the whole time limit, {clock(found.seconds)}{jobs}"
    if _idle(job, found) and (better := _cheaper(site, asked, job, found)):
        text += (
            f"; the job reserves whole nodes and does not use all their cores: with --partition {better.partition} "
            f"it costs {_amount(better.charge)}"
        )
    yield text


def _amount(charge: Amount) -> str:
    return in_units(estimate.number(charge), charge.unit)


def _idle(job: Job, found: Cost) -> bool:
    """Whether the job reserves whole nodes but uses only some of their cores."""
    used = sum(c.ntasks * c.cpus_per_task for c in job.components) * found.jobs * found.seconds / estimate.HOUR
    return found.node_hours is not None and used < 0.99 * found.core_hours


def _cheaper(site: Site, asked: Merged, job: Job, found: Cost) -> Optional[Cheaper]:
    """Return the cheapest partition that accepts the same request and costs less than the current one, if there is one."""
    best = Cheaper("", found.charges[0])
    c = job.components[-1]
    for name, partition in site.partitions.items():
        if name == c.partition or not estimate.suits(site, partition.nodes, c):
            continue
        try:
            request = msgspec.structs.replace(asked.request, partition=Token(name))
            charges = estimate.cost(site, plan(site, Merged(request, asked.origins))).charges
        except RequestError:
            continue
        if charges and charges[0].unit == best.charge.unit and charges[0].most < best.charge.least:
            best = Cheaper(name, charges[0])
    return best if best.partition else None
