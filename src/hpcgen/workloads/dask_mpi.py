"""Dask over MPI: rank 0 is the scheduler, rank 1 the client (the program), the others are workers.

Source: dask_mpi.initialize() of dask-mpi 2026.3, which refuses fewer than three ranks.
"""

from __future__ import annotations

import json
from math import ceil
from typing import Dict, Iterator

from hpcgen.errors import RequestError
from hpcgen.job import Component
from hpcgen.request import Request
from hpcgen.workloads import MIB_PER_CPU, SMALL, Layout, command, component, memory

MPI = True
REFUSES = ()
ROLES = 2  # the scheduler's rank and the client's
WORKERS = 3
HIDING = ("dask.py", "dask_mpi.py", "distributed.py", "mpi4py.py")


def lay_out(request: Request) -> Layout:
    if request.program and request.interface:
        raise RequestError(
            f"--interface: only the program can say it: call dask_mpi.initialize(interface='{request.interface}') there"
        )
    workers, cpus = _workers(request), _cpus(request)
    fields, share = memory(request)
    if request.hetjob:
        parts = [_small(request), component(request, "worker", workers, cpus, **fields)]
    else:
        parts = [component(request, "all", workers + ROLES, cpus, **fields)]
    commands = [command(request, (_asked(request, part, workers),), True) for part in parts]
    return Layout(parts, commands, (*_assumed(request), *share), tuple(_notes(request, parts[-1])))


def _workers(request: Request) -> int:
    workers = request.workers
    if workers is None:
        workers = WORKERS if request.ntasks is None else request.ntasks - ROLES
    if workers < 1:
        given = f"--workers {workers}" if request.ntasks is None else f"--ntasks {request.ntasks}"
        raise RequestError(
            f"{given}: Dask-MPI needs three ranks at least (scheduler, client, one worker): ask for --workers 1 or more"
        )
    return workers


def _cpus(request: Request) -> int:
    if request.cpus_per_worker and request.cpus_per_task and request.cpus_per_worker != request.cpus_per_task:
        raise RequestError("--cpus-per-worker and --cpus-per-task disagree: give one of them")
    for name in ("scheduler_cpus", "scheduler_mem"):
        if getattr(request, name) is not None and not request.hetjob:
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag}: in a plain job all ranks are alike: add --hetjob, or leave it out")
    return request.cpus_per_worker or request.cpus_per_task or 1


def _assumed(request: Request) -> Iterator[str]:
    if request.workers is None and request.ntasks is None:
        yield f"{WORKERS} workers (--workers)"
    if request.cpus_per_worker is None and request.cpus_per_task is None:
        yield "1 CPU a worker (--cpus-per-worker)"


def _notes(request: Request, workers: Component) -> Iterator[str]:
    """What dask_mpi and Python do with a program of one's own."""
    if request.program and workers.cpus_per_task > 1:
        yield f"dask_mpi.initialize() gives each worker one thread unless the program says nthreads={workers.cpus_per_task}"
    if (stem := (request.program or "").rsplit("/", 1)[-1]) in HIDING:
        yield f"a program named {stem} hides the module of that name from itself: give it another name"


def _small(request: Request) -> Component:
    """Scheduler and client: one CPU and 1 GiB each unless asked otherwise, and nothing that is meant for the workers."""
    cpus = request.scheduler_cpus or 1
    each = int(request.scheduler_mem or MIB_PER_CPU)
    if each % cpus:
        nearest = f"{each // cpus * cpus}M"
        raise RequestError(f"--scheduler-mem: {each} MiB on {cpus} CPUs is no whole number a CPU: ask for {nearest}")
    alone = dict.fromkeys(("ntasks_per_node", "gres", "licenses", "exclusive", "nodelist", "tmp_mib"))
    alone["nodes"] = 1 if request.nodes else None
    return component(request, SMALL, ROLES, cpus, mem_per_cpu_mib=each // cpus, **alone)


def _asked(request: Request, part: Component, workers: int) -> str:
    """What the self-check hands to dask_mpi.initialize on the ranks of this component."""
    asked: Dict[str, object] = {"workers": workers, "nthreads": part.cpus_per_task, "interface": request.interface}
    if part.mem_per_cpu_mib:
        asked["memory_limit"] = f"{part.mem_per_cpu_mib * part.cpus_per_task}MiB"
    elif part.mem_mib:  # a node's, which its ranks share
        ranks = part.ntasks_per_node or ceil(part.ntasks / (part.nodes or 1))
        asked["memory_limit"] = f"{part.mem_mib // ranks}MiB"
    return json.dumps({name: value for name, value in asked.items() if value is not None})
