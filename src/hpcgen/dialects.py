"""How a site wants its scheduler spoken to, where that differs from site to site: one table of facts per scheduler."""

# Not `from __future__ import annotations`: these types are read at run time, as those of `site` are.
from typing import Any, Dict, Literal, Mapping, Optional, Tuple, Type, TypeVar

import msgspec

from hpcgen import words
from hpcgen.tables import Table
from hpcgen.words import Token

ChunkKey = Literal["ncpus", "mpiprocs", "ompthreads", "mem", "ngpus"]
CHUNK: Tuple[ChunkKey, ...] = ("ncpus", "mpiprocs", "ompthreads", "mem", "ngpus")


class Pbs(Table, frozen=True, kw_only=True):
    """PBS Pro, OpenPBS and what descends from them. Sources of the defaults: qsub(1B), pbs_resources(7B) of OpenPBS.

    `style`: what a job asks for: chunks of a `select`, totals of the whole job (Gadi), or Torque's ``nodes=2:ppn=4``.
    `chunk`: resources that every chunk asks for (``system=polaris``); `chunk_keys`: what else a chunk says, where the site
    gives whole nodes and takes less than all of these; where CPUs are counted, a part of a node always says its memory.
    `resources`: job-wide ``-l NAME=VALUE``, where ``{account}`` stands for the job's account; `required`: names that a job
    must give. `disk`: the resource that is local disk, counted as `disk_per` says. `qos`, `gpu_type`: the resources
    (job-wide, of a chunk) by which the site names these.
    """

    style: Literal["chunks", "totals", "nodes-ppn"] = "chunks"
    account: Literal["-A", "-P", "-W group_list="] = "-A"
    workdir: Literal["cd", "-l wd"] = "cd"
    chunk: Tuple[Token, ...] = ()
    chunk_keys: Tuple[ChunkKey, ...] = CHUNK
    place: Optional[Token] = None
    resources: Dict[Token, Token] = {}
    required: Tuple[Token, ...] = ()
    disk: Optional[Token] = None
    disk_per: Literal["job", "node"] = "node"
    qos: Optional[Token] = None
    gpu_type: Optional[Token] = None


class Sge(Table, frozen=True, kw_only=True):
    """Grid Engine in its several houses. Sources of the defaults: qsub(1), complex(5) of 8.1.9.

    `style`: slots of a parallel environment, or numbers of a type of node (TSUBAME's ``node_f=2``), which are then the
    profile's partitions. `shell`: whether a script needs ``-S``, without which posix_compliant queues take another shell
    than the first line's. `memory`: the resource that holds a job to its memory, counted as `memory_per` says; without it
    none is written. `pe_one`, `pe_many`: the parallel environments of one node and of several (of whole ones, where the
    site gives those). `gpu`, `disk`: resources, counted as `*_per` says. `exclusive`: the resource that is true for a node
    of one's own. `constraint`: the option that names kinds of node (``-ac allow=``).
    """

    style: Literal["slots", "node-types"] = "slots"
    account: Literal["-P", "-A", "-g"] = "-P"
    shell: Literal["-S", "shebang"] = "-S"
    memory: Optional[Token] = None
    memory_per: Literal["slot", "node"] = "slot"
    pe_one: Optional[Token] = None
    pe_many: Optional[Token] = None
    gpu: Optional[Token] = None
    gpu_per: Literal["slot", "node", "job"] = "job"
    disk: Optional[Token] = None
    disk_per: Literal["slot", "node", "job"] = "job"
    resources: Dict[Token, Token] = {}
    required: Tuple[Token, ...] = ()
    exclusive: Optional[Token] = None
    constraint: Optional[Literal["-l ", "-ac allow="]] = None


class Lsf(Table, frozen=True, kw_only=True):
    """Spectrum LSF. Sources of the defaults: bsub(1) and the resource requirement strings of 10.1.

    `style`: slots (``-n``) or whole nodes (``-nnodes``, with jsrun). `cpus`: a slot for each CPU, or a slot for each task
    with ``affinity[core(n)]``. `memory_unit`: the site's LSF_UNIT_FOR_LIMITS where amounts are bare numbers; without it
    they carry their unit. `memory_per`: what rusage counts by; `limit_per`: what ``-M`` holds to its memory, where it is
    wanted at all; `select_memory`: whether hosts must be selected by their free memory too. `gpu`: ``-gpu``, or the
    resource for rusage. `alloc_flags`: those of every job (``-alloc_flags``).
    """

    style: Literal["slots", "nodes"] = "slots"
    account: Literal["-P", "-G"] = "-P"
    cpus: Literal["slots", "affinity"] = "slots"
    memory_unit: Optional[Literal["KB", "MB", "GB", "TB"]] = None
    memory_per: Literal["slot", "node"] = "node"
    limit_per: Optional[Literal["slot", "node", "job"]] = None
    select_memory: bool = False
    gpu: Token = "-gpu"  # type: ignore[assignment]
    alloc_flags: Tuple[Token, ...] = ()


class Flux(Table, frozen=True, kw_only=True):
    """Flux. Source of the defaults: flux-batch(1) of flux-core 0.60.

    `account`: the option that names the bank. `attributes`: ``--setattr=NAME=VALUE`` of every job.
    """

    account: Literal["--bank=", "--setattr=bank="] = "--bank="
    attributes: Dict[Token, Token] = {}


KINDS = {"pbs": Pbs, "sge": Sge, "lsf": Lsf, "flux": Flux}

Dialect = TypeVar("Dialect", Pbs, Sge, Lsf, Flux)


def read(kind: Type[Dialect], values: Mapping[str, Any]) -> Dialect:
    """The table again, from a job's `dialect`."""
    return msgspec.convert(values, kind, dec_hook=words.parse)
