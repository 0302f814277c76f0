"""A Ray cluster: one process on each node. The first runs Ray's head and the program; the others join it."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.base.errors import RequestError
from hpcgen.model.job import Component, Job, Origin, Origins
from hpcgen.model.layout import node_memory
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.workloads import (  # fmt: skip
    HEAD,
    ROLES,
    Assumed,
    Layout,
    Told,
    command,
    component,
    gpus_on_each,
    memory,
    refuse_ranks,
    small_mib,
    worker_cpus,
)

ONE_A_NODE = True
COUNTS_GPUS = True
PACKAGES = {"ray": "ray-default"}
OWN = (
    "workers", "cpus_per_worker", "hetjob", "flatten", "scheduler_cpus", "scheduler_mem", "interface", "local_directory",
    "launcher",
)  # fmt: skip
REFUSES = tuple(name for name in ROLES if name not in OWN)
# Ray's head with its helpers, and an idle program, take 0.4 GiB (2.60); the rest is for the program.
HEAD_CPUS, HEAD_MIB = 2, 4096
ALIKE = "Ray's head runs on one of the equal nodes"
EXPORTS = ("RAY_AUTH_TOKEN", "HPCGEN_HEAD")
LEAST_STORE = 75  # MiB, below which Ray 2.60 does not start


def lay_out(request: Request) -> Layout:
    refuse_ranks(request, "Ray runs one process on each node", "use --nodes, and --cpus-per-task for the CPUs of each")
    if request.mpi:
        raise RequestError(f"--mpi {request.mpi}: Ray needs no MPI: leave it out")
    nodes, cpus = _nodes(request), worker_cpus(request, ALIKE)
    fields, share = memory(request)
    gpus_on_each(request, nodes)
    part = component(request, "node", nodes, cpus, nodes=nodes, ntasks_per_node=1, env=(), **fields)
    parts = [_head(request), part] if request.hetjob else [part]
    notes = _symmetric(request) if request.symmetric_run else ()
    one = command(request)
    one = msgspec.structs.replace(one, python=one.python or request.python or "python")
    return Layout(
        parts,
        [one for _ in parts],
        {**_assumed(request), **share},
        notes,
        parts=("ray", "node", "cluster", *(["symmetric"] if request.symmetric_run else [])),
        kill_on_bad_exit=False,
        exports=EXPORTS,
    )


def _symmetric(request: Request) -> Tuple[str, ...]:
    """Notes on `ray symmetric-run`. Raises RequestError for what it cannot do. Source: its text in Ray 2.60."""
    if request.signal:
        raise RequestError(f"--signal {request.signal}: ray symmetric-run sends the program none: leave out one of them")
    if request.exclusive:
        return ()
    return ("ray symmetric-run fails on a node where anybody runs Ray already: add --exclusive if nodes are shared",)


def tell(site: Site, request: Request, job: Job, part: Component, origins: Origins) -> Told:
    """The settings of the process on each node of a component. Memory is in MiB per node."""
    nodes = sum(c.ntasks for c in job.components)
    values: Dict[str, Any] = {"nodes": nodes, "cpus": part.cpus_per_task, "gpus": 0}
    if part.role == HEAD:
        values["cpus"] = 0  # no tasks there: they would take the CPUs from the program
    else:
        values["gpus"] = gpus_on_each(request, part.ntasks)
        _store(request, part)
        values["object_store"] = request.object_store_memory and int(request.object_store_memory)
    if schedulers.get(site.scheduler.type).sets_threads and "OMP_NUM_THREADS" not in request.env:
        values["unset"] = ["OMP_NUM_THREADS"]  # the scheduler sets it to all CPUs; Ray sets it to the CPUs of each task
    own = part.whole_node_cpus and part.mem_mib and request.mem is None
    values["memory"] = None if own else node_memory(part) or None
    values["symmetric"] = request.symmetric_run if request.launcher == "installed" else None
    values["interfaces"] = job.interfaces
    values["local"], local = _local(site, request, origins)
    found = {"local": local, "interfaces": job.interfaces and (origins.get("interface") or site.cite("network", "interface"))}
    return Told(
        {name: value for name, value in values.items() if value not in (None, ())},
        {name: origin for name, origin in found.items() if origin},
    )


def _local(site: Site, request: Request, origins: Origins) -> Tuple[Optional[str], Optional[Origin]]:
    """Where Ray spills to. Never into memory, even if the site's local storage is memory."""
    if request.local_directory:
        return request.local_directory, origins.get("local_directory")
    if site.storage.local and not site.storage.in_memory:
        return site.storage.local, site.cite("storage", "local")
    return None, None


def _nodes(request: Request) -> int:
    if request.workers and request.nodes and request.workers != request.nodes:
        raise RequestError("--workers and --nodes differ, and Ray has one worker per node: give one of them")
    nodes = request.workers if request.workers is not None else request.nodes or 1
    if nodes < 1:
        raise RequestError(f"--workers {nodes}: Ray needs at least one node: use --workers 1 or more")
    return nodes


def _head(request: Request) -> Component:
    """A node's task for the head and the program only, without the options for the workers."""
    cpus = request.scheduler_cpus or HEAD_CPUS
    mib = small_mib(request, cpus, HEAD_MIB)
    alone = dict.fromkeys(("gres", "licenses", "exclusive", "nodelist"))
    return component(request, HEAD, 1, cpus, nodes=1, ntasks_per_node=1, env=(), mem_per_cpu_mib=mib, **alone)


def _store(request: Request, part: Component) -> None:
    """Raises RequestError for an object store size that Ray does not accept."""
    if request.object_store_memory is None:
        return
    whole, store = node_memory(part), int(request.object_store_memory)
    if store < LEAST_STORE:
        raise RequestError(f"--object-store-memory {store}M: Ray takes no less than {LEAST_STORE}M: use that or more")
    if whole and store >= whole:
        nearest = f"{whole * 3 // 10}M"
        raise RequestError(f"--object-store-memory {store}M: a node has only {whole}M: use {nearest}, Ray's own default")


def _assumed(request: Request) -> Assumed:
    nodes = {} if request.workers is not None or request.nodes else {"nodes": "1 node"}
    cpus = request.cpus_per_worker or request.cpus_per_task or request.cpus_per_gpu
    return {**nodes, **({} if cpus else {"cpus_per_task": "1 CPU per node"})}
