"""The one task of a job, whose CPUs and memory Dask's workers share."""

from __future__ import annotations

import math
from typing import Optional, Tuple

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.launch import launchers
from hpcgen.model.job import Component, Job, Origin, Origins
from hpcgen.model.layout import node_memory
from hpcgen.planning.origins import item_key
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged
from hpcgen.workloads import Assumed

# Stands for the worker's command in the job that is planned; it gives the job dask-jobqueue's own name, too.
PROGRAM = "dask-worker.py"

# Options of a request that are about Dask and not about the job.
MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")
OF_DASK = ("workers", "cpus_per_worker", "threads_per_worker", "worker_class", "local_directory", "interface")


def as_one_task(site: Site, request: Request, origins: Origins) -> Tuple[Merged, Assumed]:
    """The same request as a serial job whose task has the CPUs of all its workers, and what was assumed.

    Where scripts run beside the compute nodes (Summit), the site's launcher starts the one task, too.

    Dask runs as many tasks at once as a worker has threads: a library with threads of its own would take each CPU twice.
    """
    each, total, workers = request.cpus_per_worker, request.cpus_per_task, request.workers
    assumed: Assumed = {}
    if each and total and total != each * (workers or max(1, total // each)):
        of = f"{workers or 'whole'} workers with {each} each"
        raise RequestError(f"--cpus-per-task {total}: not the CPUs of {of}: give --cpus-per-worker alone")
    if not (each or total or request.cpus_per_gpu):
        assumed = {"cpus_per_worker": "1 CPU a worker"}
    if not (total or request.cpus_per_gpu):
        total = (each or 1) * (workers or 1)
    says = next((origins[key] for key in ("cpus_per_task", "cpus_per_worker", "workers") if key in origins), None)
    apart = launchers.get(site.mpi.launcher).elsewhere
    plain = msgspec.structs.replace(
        request, workload="mpi" if apart else "serial", ntasks=1 if apart else None, program=PROGRAM,
        cpus_per_task=total, env={"OMP_NUM_THREADS": "1", **request.env}, **dict.fromkeys(OF_DASK),
    )  # fmt: skip
    return Merged(plain, {**origins, **({"cpus_per_task": says} if says else {})}), assumed


def with_thread_rule(job: Job, request: Request, origins: Origins) -> Job:
    """The job, with OMP_NUM_THREADS set to the CPUs that each of a worker's threads has, unless it was asked for."""
    if "OMP_NUM_THREADS" in request.env:
        return job
    each = job.components[0].cpus_per_task // processes(request, origins, job.components[0].cpus_per_task)[0]
    count = each // threads(request, each)
    rule = Origin("rule", "Dask runs a task on each CPU already" if count == 1 else "a worker's CPUs for each of its threads")
    env = tuple((name, str(count) if name == "OMP_NUM_THREADS" else value) for name, value in job.setup.env)
    known = {**job.setup.origins, item_key("env", ("OMP_NUM_THREADS",)): rule}
    return msgspec.structs.replace(job, setup=msgspec.structs.replace(job.setup, env=env, origins=known))


def threads(request: Request, cpus: int) -> int:
    """Threads of a worker that has so many CPUs: one each, or fewer, which then share them. Raises RequestError."""
    asked = request.threads_per_worker or cpus
    if cpus % asked:
        nearest = min((n for n in range(1, cpus + 1) if cpus % n == 0), key=lambda n: abs(n - asked))
        raise RequestError(f"--threads-per-worker {asked}: {cpus} CPUs a worker give them no whole number: ask for {nearest}")
    return asked


def processes(request: Request, origins: Origins, cores: int) -> Tuple[int, Origin]:
    """Workers of a job, and who says so. Raises RequestError where `cores` is no multiple of them: dask-jobqueue would give
    each ``int(cores / processes)`` threads and leave the rest idle.
    """
    if request.workers:
        workers, why = request.workers, origins.get("workers", Origin("flag", "--workers"))
    elif request.cpus_per_worker:
        workers, why = cores // request.cpus_per_worker, origins.get("cpus_per_worker", Origin("flag", "--cpus-per-worker"))
    else:
        workers, why = usual_processes(cores), Origin("rule", "Dask's own: about as many workers as threads of each")
    if cores % workers:
        nearest = min((n for n in range(1, cores + 1) if cores % n == 0), key=lambda n: abs(n - workers))
        raise RequestError(f"--workers {workers}: {cores} CPUs are no whole number for each: ask for --workers {nearest}")
    return workers, why


def usual_processes(cores: int) -> int:
    """Workers for so many cores where nobody says. Source: nprocesses_nthreads of distributed 2026.8."""
    if cores <= 4:
        return cores
    return min(n for n in range(1, cores + 1) if cores % n == 0 and n >= math.sqrt(cores))


def cores_origin(part: Component, origins: Origins) -> Optional[Origin]:
    """Where the number of a job's CPUs comes from."""
    return next((origins[key] for key in ("cpus_per_worker", "cpus_per_task", "workers") if key in origins),
                part.origins.get("cpus_per_task"))  # fmt: skip


def memory(site: Site, request: Request, part: Component, said: bool) -> Tuple[int, Optional[Origin]]:
    """MiB of a job, which its workers share as their limits: as asked, as its script says, else what a node gives.

    `said`: whether the script asks for memory at all; not every site wants to hear of it.
    """
    asked = node_memory(msgspec.structs.replace(part, **{f"{name}_mib": getattr(request, name) for name in MEMORY}))
    held = node_memory(part)
    if amount := asked or (held if said else 0):
        given = [f"{name}_mib" for name in MEMORY if getattr(part, f"{name}_mib")]
        return int(amount), part.origins.get(given[0] if given else "mem_mib")
    shares = {kind: _share(site, kind, part) for kind in site.kinds(part.partition)}
    if not shares or not all(shares.values()):
        raise RequestError("--mem: Dask must know the memory of a job, and no fact says what a node gives: ask for --mem 40G")
    least = min(shares, key=lambda kind: shares[kind] or 0)
    return int(shares[least] or 0), site.cite("nodes", least, "mem")


def _share(site: Site, kind: str, part: Component) -> Optional[int]:
    """MiB that the job has of such a node: all of it where it has the node, or asked for all; else by its CPUs."""
    node = site.nodes[kind]
    if node.mem is None or part.mem_mib == 0 or part.whole_node_cpus:
        return node.mem
    return int(node.mem * min(1, part.cpus_per_task / site.cpus(node)))
