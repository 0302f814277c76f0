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
    """Units that an hour costs: per CPU (as the scheduler counts them), GiB of memory, GPU or node; all are added up.

    `gpus` is per GPU of each model. `mem_per_cpu`: a job is charged for as many CPUs as its memory holds this, where that is
    more than it asked for. `basis` is what is counted: what was asked for, whole nodes, or a node's `node` rate times the
    greatest of the job's shares of a node's CPUs, memory and GPUs.
    """

    cpu: Optional[Rate] = None
    mem: Optional[Rate] = None
    gpu: Optional[Rate] = None
    gpus: Dict[str, Rate] = {}
    node: Optional[Rate] = None
    mem_per_cpu: Optional[Memory] = None
    basis: Literal["asked", "nodes", "share"] = "asked"


class Charge(Table, frozen=True, kw_only=True):
    """What jobs cost, in the site's `unit`, at `rates`; a partition's own `charge` stands in place of these.

    `gpu_unit`: jobs with GPUs are charged for these alone, in this unit. `qos`: by what a quality of service is multiplied.
    """

    unit: Optional[Line] = None
    gpu_unit: Optional[Line] = None
    rates: Rates = Rates()
    qos: Dict[str, Rate] = {}
