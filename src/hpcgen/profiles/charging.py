"""What an hour costs at a site, in the site's unit."""

# Not `from __future__ import annotations`: these types are read at run time, like those in `site`.
from typing import Annotated, Dict, Literal, Optional

import msgspec
from msgspec import Struct

from hpcgen.base.kinds import Line
from hpcgen.base.toml import Table
from hpcgen.base.units import Memory

Rate = Annotated[float, msgspec.Meta(ge=0)]


class Rates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The charge for one hour: the sum of all rates."""

    cpu: Optional[Rate] = None
    """Units for one CPU. What counts as a CPU is the same as for the scheduler."""
    mem: Optional[Rate] = None
    """Units for one GiB of memory."""
    gpu: Optional[Rate] = None
    """Units for one GPU."""
    gpus: Dict[str, Rate] = {}
    """Units for one GPU of each type: { a100 = 12 }."""
    node: Optional[Rate] = None
    """Units for one node."""
    mem_per_cpu: Optional[Memory] = None
    """The memory that counts as one CPU. A job pays for its CPUs, or for its memory converted to CPUs, whichever is more."""
    basis: Literal["asked", "nodes", "share"] = "asked"
    """What the site charges: the requested resources, whole nodes, or the largest share of a node's CPUs, memory and GPUs."""


class Charge(Table, frozen=True, kw_only=True):
    """What jobs cost, in the site's unit."""

    unit: Optional[Line] = None
    """The unit of all rates."""
    gpu_unit: Optional[Line] = None
    """The unit for jobs with GPUs, if they pay only for their GPUs."""
    rates: Rates = Rates()
    """The rates of all partitions that do not set rates."""
    qos: Dict[str, Rate] = {}
    """The factor of each quality of service: { high = 2 }."""
