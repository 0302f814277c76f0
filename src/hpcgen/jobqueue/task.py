"""The single task of a job; Dask's workers share its CPUs and memory."""

from __future__ import annotations

import math
from typing import Optional, Tuple

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.base.units import counted
from hpcgen.launch import launchers
from hpcgen.model.job import Component, Job, Origin, Origins
from hpcgen.model.layout import node_memory
from hpcgen.planning.origins import item_key
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged
from hpcgen.workloads import Assumed, undivided

# Stands for the worker's command in the planned job, and gives the job dask-jobqueue's own name.
PROGRAM = "dask-worker.py"

# Options of a request for Dask, not for the job.
MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")
OF_DASK = ("workers", "cpus_per_worker", "threads_per_worker", "worker_class", "local_directory", "interface")


def as_one_task(site: Site, request: Request, origins: Origins) -> Tuple[Merged, Assumed]:
    """The same request as a serial job with one task that has the CPUs of all workers, and the assumed values.

    If scripts run outside the compute nodes (Summit), the site's launcher starts the task.

    Dask runs as many tasks at once as a worker has threads: a library with its own threads would use each CPU twice.
    """
    each, total, workers = request.cpus_per_worker, request.cpus_per_task, request.workers
    assumed: Assumed = {}
    if each and total and total != each * (workers or max(1, total // each)):
        of = f"{counted(workers, 'worker') if workers else 'workers'} with {counted(each, 'CPU')} each"
        raise RequestError(f"--cpus-per-task {total}: it does not match {of}: leave it out, and give only --cpus-per-worker")
    if not (each or total or request.cpus_per_gpu):
        assumed = {"cpus_per_worker": "1 CPU per worker"}
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
    """The job with OMP_NUM_THREADS set to the CPUs per worker thread, unless the user set it."""
    if "OMP_NUM_THREADS" in request.env:
        return job
    each = job.components[0].cpus_per_task // processes(request, origins, job.components[0].cpus_per_task)[0]
    count = each // threads(request, each)
    rule = Origin("rule", "Dask runs a task on each CPU already" if count == 1 else "a worker's CPUs for each of its threads")
    env = tuple((name, str(count) if name == "OMP_NUM_THREADS" else value) for name, value in job.setup.env)
    known = {**job.setup.origins, item_key("env", ("OMP_NUM_THREADS",)): rule}
    return msgspec.structs.replace(job, setup=msgspec.structs.replace(job.setup, env=env, origins=known))


def threads(request: Request, cpus: int) -> int:
    """Threads of a worker with this many CPUs: one per CPU, or a number that divides the CPUs. Raises RequestError."""
    asked = request.threads_per_worker or cpus
    if cpus % asked:
        raise RequestError(f"--threads-per-worker {asked}: {undivided(asked, 'thread', cpus)}")
    return asked


def processes(request: Request, origins: Origins, cores: int) -> Tuple[int, Origin]:
    """Workers of a job, and the origin of the number. Raises RequestError if they do not divide `cores`: dask-jobqueue would
    give each ``int(cores / processes)`` threads and leave the rest idle.
    """
    if request.workers:
        workers, why = request.workers, origins.get("workers", Origin("flag", "--workers"))
    elif request.cpus_per_worker:
        workers, why = cores // request.cpus_per_worker, origins.get("cpus_per_worker", Origin("flag", "--cpus-per-worker"))
    else:
        workers, why = usual_processes(cores), Origin("rule", "Dask's own: about as many workers as threads of each")
    if cores % workers:
        raise RequestError(f"--workers {workers}: {undivided(workers, 'worker', cores)}")
    return workers, why


def usual_processes(cores: int) -> int:
    """The default number of workers for this many cores. Source: nprocesses_nthreads of distributed 2026.8."""
    if cores <= 4:
        return cores
    return min(n for n in range(1, cores + 1) if cores % n == 0 and n >= math.sqrt(cores))


def cores_origin(part: Component, origins: Origins) -> Optional[Origin]:
    """The origin of the number of a job's CPUs."""
    return next((origins[key] for key in ("cpus_per_worker", "cpus_per_task", "workers") if key in origins),
                part.origins.get("cpus_per_task"))  # fmt: skip


def memory(site: Site, request: Request, part: Component, said: bool) -> Tuple[int, Optional[Origin]]:
    """MiB of a job, shared by its workers as their limits: the requested amount, the script's, else what a node gives.

    `said`: whether the script requests memory; at some sites jobs do not.
    """
    asked = node_memory(msgspec.structs.replace(part, **{f"{name}_mib": getattr(request, name) for name in MEMORY}))
    held = node_memory(part)
    if amount := asked or (held if said else 0):
        given = [f"{name}_mib" for name in MEMORY if getattr(part, f"{name}_mib")]
        return int(amount), part.origins.get(given[0] if given else "mem_mib")
    shares = {kind: _share(site, kind, part) for kind in site.kinds(part.partition)}
    if not shares or not all(shares.values()):
        raise RequestError("--mem: Dask needs the memory of a job, and the profile does not state a node's: give --mem 40G")
    least = min(shares, key=lambda kind: shares[kind] or 0)
    return int(shares[least] or 0), site.cite("nodes", least, "mem")


def _share(site: Site, kind: str, part: Component) -> Optional[int]:
    """The job's MiB on such a node: all of it if the job has the whole node or asked for all; else its share by CPUs."""
    node = site.nodes[kind]
    if node.mem is None or part.mem_mib == 0 or part.whole_node_cpus:
        return node.mem
    return int(node.mem * min(1, part.cpus_per_task / site.cpus(node)))
