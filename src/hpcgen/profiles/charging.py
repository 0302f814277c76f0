"""What an hour costs at a site, in the site's own unit."""

# Not `from __future__ import annotations`: these types are read at run time, as those of `site` are.
from typing import Annotated, Dict, Literal, Optional

import msgspec
from msgspec import Struct

from hpcgen.base.kinds import Line
from hpcgen.base.toml import Table
from hpcgen.base.units import Memory

Rate = Annotated[float, msgspec.Meta(ge=0)]


class Rates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The charge for one hour. All rates are added up."""

    cpu: Optional[Rate] = None
    """Units for one CPU, as the scheduler counts CPUs."""
    mem: Optional[Rate] = None
    """Units for one GiB of memory."""
    gpu: Optional[Rate] = None
    """Units for one GPU."""
    gpus: Dict[str, Rate] = {}
    """Units for one GPU of each type: { a100 = 12 }."""
    node: Optional[Rate] = None
    """Units for one node."""
    mem_per_cpu: Optional[Memory] = None
    """The memory that counts as one CPU: a job pays for its CPUs or for its memory in such CPUs, whichever is more."""
    basis: Literal["asked", "nodes", "share"] = "asked"
    """What is charged: what the job requests, whole nodes, or the largest share of a node's CPUs, memory and GPUs."""


class Charge(Table, frozen=True, kw_only=True):
    """What jobs cost, in the site's unit."""

    unit: Optional[Line] = None
    """The unit of all rates."""
    gpu_unit: Optional[Line] = None
    """The unit for jobs with GPUs, if those pay for their GPUs alone."""
    rates: Rates = Rates()
    """The rates of all partitions without rates of their own."""
    qos: Dict[str, Rate] = {}
    """The factor of each quality of service: { high = 2 }."""
