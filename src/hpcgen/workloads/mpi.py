"""Any MPI program: equal ranks started by the site's launcher, or several programs in one MPI_COMM_WORLD."""

from __future__ import annotations

import re
import shlex
from typing import List, NamedTuple, Optional, Sequence, Tuple

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import Text, option
from hpcgen.base.units import counted
from hpcgen.model.job import Asked
from hpcgen.request.fields import Request, gpus_asked
from hpcgen.workloads import ROLES, Assumed, Layout, command, component, memory

MPI = True
BINDS = WIDENS = True
REFUSES = tuple(name for name in ROLES if name not in ("hetjob", "flatten"))


class Beside(NamedTuple):
    """One more program: its ranks, the CPUs of each rank if given, and the request as if it were for this program."""

    ntasks: int
    cpus: Optional[int]
    request: Request


def lay_out(request: Request) -> Layout:
    more = beside(request)
    if request.hetjob:
        _refuse_apart(request)
    ntasks, assumed = _ntasks(request, more)
    fields, share = memory(request)
    counts = [ntasks - sum(one.ntasks for one in more), *(one.ntasks for one in more)]
    if counts[0] < 1:
        raise RequestError(
            f"--ntasks {ntasks}: --mpmd takes {ntasks - counts[0]} ranks, which leaves none for {request.program}: "
            f"use --ntasks {ntasks - counts[0] + 1} or more"
        )
    programs = [command(request), *(command(one.request) for one in more)]
    own = request.cpus_per_task or 1
    cpus = [own, *(one.cpus or own for one in more)]
    assumed = {**assumed, **share}
    if request.hetjob:
        parts = [component(request, f"program {i}", n, c, **fields) for i, (n, c) in enumerate(zip(counts, cpus), 1)]
        beside_it = {"ntasks": Asked("mpmd"), "cpus_per_task": Asked("mpmd")}
        parts[1:] = [msgspec.structs.replace(part, asked=beside_it) for part in parts[1:]]
        return Layout(parts, programs, assumed)
    if len({*cpus}) > 1 and not request.flatten:
        different = " and ".join(map(str, dict.fromkeys(cpus)))
        raise RequestError(f"--mpmd: ranks with {different} CPUs need a heterogeneous job: add --hetjob")
    if more:
        programs = [msgspec.structs.replace(one, ntasks=count) for one, count in zip(programs, counts)]
    return Layout([component(request, "task", ntasks, max(cpus), **fields)], programs, assumed)


def _ntasks(request: Request, more: Sequence[Beside]) -> Tuple[int, Assumed]:
    """Ranks in all, and what was assumed."""
    if request.ntasks_per_node and not (request.ntasks or request.nodes):
        given = f"--ntasks-per-node {request.ntasks_per_node}"
        raise RequestError(f"{given}: the number of nodes is missing: give --nodes or --ntasks as well")
    if request.ntasks or request.nodes:
        return request.ntasks or (request.nodes or 1) * (request.ntasks_per_node or 1), {}
    ntasks = 1 + sum(one.ntasks for one in more) if more else 2
    return ntasks, {"ntasks": counted(ntasks, "task")}


def beside(request: Request) -> List[Beside]:
    """The programs of ``--mpmd 'RANKS: PROGRAM ARGS'``, split into words as a shell does. Raises RequestError."""
    if request.mpmd and request.program is None:
        raise RequestError("--mpmd: the first program is missing: name it after all options")
    return [_beside(request, text) for text in request.mpmd]


def _beside(request: Request, text: str) -> Beside:
    found = re.fullmatch(r"\s*([1-9]\d{0,6})(?:x([1-9]\d{0,4}))?\s*:(.*)", text, re.ASCII | re.DOTALL)
    if found is None:
        raise RequestError(f"--mpmd: {text!r} does not start with a number of ranks: write '2: ./program ARGS'")
    try:
        words = shlex.split(found[3])
    except ValueError as why:
        raise RequestError(f"--mpmd: {text!r}: {str(why).lower()}: close it") from None
    if not words:
        raise RequestError(f"--mpmd: {text!r} names no program: write '{found[1]}: ./program ARGS'")
    own = msgspec.structs.replace(request, program=Text(words[0]), args=tuple(map(Text, words[1:])))
    return Beside(int(found[1]), int(found[2]) if found[2] else None, own)


def _refuse_apart(request: Request) -> None:
    """Raises RequestError for options that are ambiguous in a heterogeneous job of several programs."""
    if not request.mpmd:
        raise RequestError("--hetjob: the ranks of one program are equal: name other programs with --mpmd, or leave it out")
    for name in ("nodes", "ntasks_per_node"):
        if getattr(request, name):
            why = "each program of a heterogeneous job has its own nodes"
            raise RequestError(f"{option(name)}: {why}: leave out one of them")
    if asked := gpus_asked(request):
        given = option(asked.name)
        raise RequestError(f"{given}: with --hetjob it is unclear which program gets the GPUs: leave out one of them")
