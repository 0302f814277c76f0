"""Dask over MPI: rank 0 is the scheduler, rank 1 the client (the program), the others are workers.

Source: dask_mpi.initialize() of dask-mpi 2026.3, which refuses fewer than three ranks.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Tuple

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.launch import mpis
from hpcgen.model.job import Asked, Component, Job, Origin, Origins
from hpcgen.model.layout import most_tasks_on_node
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked
from hpcgen.workloads import (
    MIB_PER_CPU,
    SMALL,
    Assumed,
    Layout,
    Told,
    command,
    component,
    memory,
    refuse_several,
    small_mib,
    threads,
    undivided,
    worker_cpus,
)

MPI = True
PACKAGES = {"dask": "dask", "distributed": "distributed", "dask-mpi": "dask-mpi"}
CLIENT = 2  # ranks for the scheduler and the client
WORKERS = 3
HIDING = ("dask.py", "dask_mpi.py", "distributed.py", "mpi4py.py")
# Without this a nanny sets one thread in its worker's environment, whatever its own is. Source: distributed.yaml of 2026.8.
NANNY = "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__"
ALIKE = "all ranks are equal"
CUDA = "dask_cuda.CUDAWorker"


def lay_out(request: Request) -> Layout:
    workers, runner = _workers(request), request.runner or "mpi"
    if request.plain:
        _refuse_plain(request)
    fields, share = memory(request)
    if runner == "local":
        parts = [_one_node(request, workers, worker_cpus(request, ALIKE), fields)]
    elif request.hetjob:
        parts = [_small(request), component(request, "worker", workers, worker_cpus(request, ALIKE), **fields)]
    else:
        parts = [component(request, "all", workers + CLIENT, worker_cpus(request, ALIKE), **fields)]
    cpus = parts[-1].cpus_per_task // (workers if runner == "local" else 1)
    env = threads(cpus if request.plain else cpus // _threads(request, cpus))
    parts[-1] = msgspec.structs.replace(parts[-1], env=env)
    return Layout(
        parts,
        [command(request, (str(workers),), True) for _ in parts],
        {**_assumed(request), **share},
        tuple(_notes(request, parts[-1], workers)),
        parts=() if request.plain else ("dask", "program", *PARTS[runner]),
        pmi="none" if runner == "slurm" else None,
        kill_on_bad_exit=None if request.plain else False,
    )


PARTS = {"mpi": ("ranks", "meeting", "mpi"), "slurm": ("ranks", "meeting", "slurm"), "local": ("local",)}


def tell(site: Site, request: Request, job: Job, part: Component, origins: Origins) -> Told:
    """The launcher's settings for the ranks of a component: requested values and facts of the site."""
    values = _of_ranks(request)
    if request.launcher == "installed":
        values["runner"] = request.runner
    found: Dict[str, Optional[Origin]] = {}
    if "ranks" in values and site.mpi.flavour and not (request.mpi or request.runner == "slurm"):
        values["mpi"] = mpis.get(site.mpi.flavour).known_as
        found["flavour"] = site.cite("mpi", "flavour")
    if part.role != SMALL:
        options, found["local"] = _of_worker(site, request, part, origins)
        values.update(**_of_nanny(request, part, options), dask=options)
    if "ranks" in values and (interface := request.interface or site.network.interface):
        values["interfaces"] = [interface, *(() if request.interface else site.network.fallback)]
        found["interface"] = origins.get("interface", site.cite("network", "interface"))
    if site.login.host:
        values["login"] = f"-J {site.login.jump} {site.login.host}" if site.login.jump else str(site.login.host)
        found["login"] = site.cite("login", "host")
    return Told(
        {name: value for name, value in values.items() if value is not None},
        {name: origin for name, origin in found.items() if origin},
    )


def _of_ranks(request: Request) -> Dict[str, Any]:
    """The number of ranks or, without ranks, the number of workers that one process starts."""
    workers = _workers(request)
    return {"workers": workers} if request.runner == "local" else {"ranks": workers + CLIENT}


def _of_worker(
    site: Site, request: Request, part: Component, origins: Origins
) -> Tuple[Dict[str, Any], Optional[Origin]]:
    """Dask's options for a worker, and the origin of its folder."""
    shared = _workers(request) if request.runner == "local" else None
    options: Dict[str, Any] = {"nthreads": _threads(request, part.cpus_per_task // (shared or 1))}
    if each := _each(part, shared):
        options["memory_limit"] = f"{each - headroom(each)}MiB"
    options["worker_class"] = request.worker_class or (CUDA if site.dask.cuda and gpus_asked(request) else None)
    options["local_directory"], origin = _local_directory(site, request, origins)
    return {name: value for name, value in options.items() if value is not None}, origin


def _of_nanny(request: Request, part: Component, options: Dict[str, Any]) -> Dict[str, Any]:
    """What another worker class needs: its package, and threads for libraries. A nanny would otherwise set one thread."""
    if "worker_class" not in options:
        return {}
    cpus = part.cpus_per_task // (_workers(request) if request.runner == "local" else 1)
    env = {f"{NANNY}{name}_NUM_THREADS": str(cpus // options["nthreads"]) for name in ("OMP", "MKL", "OPENBLAS")}
    env["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"  # at its end
    return {"needs": ["dask_cuda"] if options["worker_class"].startswith("dask_cuda.") else None, "env": env}


def headroom(mib: int) -> int:
    """MiB of a worker's memory kept from Dask for Python and MPI themselves: a twentieth, from 128 to 2048 MiB."""
    return min(max(mib // 20, 128), 2048, mib // 4)


def _threads(request: Request, cpus: int) -> int:
    """Threads of a worker: one per CPU, or a number that divides the CPUs. Raises RequestError."""
    asked = request.threads_per_worker or cpus
    if asked > cpus or cpus % asked:
        raise RequestError(f"--threads-per-worker {asked}: {undivided(asked, 'thread', cpus)}")
    return asked


def _each(part: Component, workers: Optional[int]) -> Optional[int]:
    """MiB of each worker; None if only the job can know. `workers`: their number if they share one task."""
    if part.mem_per_cpu_mib:
        return part.mem_per_cpu_mib * part.cpus_per_task // (workers or 1)
    if part.mem_mib:  # memory of a node, shared by its ranks
        return part.mem_mib // (workers or most_tasks_on_node(part))
    return None


def _local_directory(site: Site, request: Request, origins: Origins) -> Tuple[Optional[str], Optional[Origin]]:
    """Where workers spill to. Never into memory, even if the site's local storage is memory."""
    if request.local_directory:
        return request.local_directory, origins.get("local_directory")
    if site.storage.local and not site.storage.in_memory:
        return site.storage.local, site.cite("storage", "local")
    return ("$PWD", site.cite("storage", "in_memory")) if site.storage.in_memory else (None, None)


def _workers(request: Request) -> int:
    workers = request.workers
    if workers is None:
        workers = WORKERS if request.ntasks is None else request.ntasks - CLIENT
    if workers < 1:
        given = f"--workers {workers}" if request.ntasks is None else f"--ntasks {request.ntasks}"
        raise RequestError(
            f"{given}: Dask-MPI needs at least three ranks (scheduler, client, one worker): use --workers 1 or more"
        )
    return workers


def _refuse_plain(request: Request) -> None:
    """Raises RequestError for options that only the launcher can pass to Dask."""
    if request.launcher:
        raise RequestError(f"--launcher {request.launcher}: --plain starts no launcher: leave out one of them")
    for name in ("threads_per_worker", "worker_class", "local_directory", "runner", "interface"):
        if value := getattr(request, name):
            given = f"{option(name)} {value}"
            raise RequestError(f"{given}: with --plain the program sets this in dask_mpi.initialize(): leave out one of them")


def _one_node(request: Request, workers: int, cpus: int, fields: Dict[str, Optional[int]]) -> Component:
    """One task with the CPUs of all workers, for a LocalCluster next to the program."""
    if request.hetjob:
        raise RequestError("--hetjob: --runner local is one process on one node: leave out one of them")
    if request.cpus_per_gpu:
        raise RequestError("--cpus-per-gpu: --runner local does not take it: use --cpus-per-worker")
    refuse_several(request, "--runner local runs one task on one node: leave out --runner", ("nodes", "ntasks_per_node"))
    typed = Asked("workers", times=cpus) if workers > cpus else Asked("cpus_per_worker", times=workers)
    return component(request, "all", 1, workers * cpus, asked={"cpus_per_task": typed}, **fields)


def _assumed(request: Request) -> Assumed:
    workers = {"workers": f"{WORKERS} workers"} if request.workers is None and request.ntasks is None else {}
    cpus = request.cpus_per_worker or request.cpus_per_task or request.cpus_per_gpu
    return {**workers, **({} if cpus else {"cpus_per_worker": "1 CPU per worker"})}


def _notes(request: Request, part: Component, workers: int) -> Iterator[str]:
    """Notes on what the script does not show."""
    if request.plain:
        if request.program and part.cpus_per_task > 1:
            yield f"dask_mpi.initialize() gives each worker one thread unless the program sets nthreads={part.cpus_per_task}"
        if (stem := (request.program or "").rsplit("/", 1)[-1]) in HIDING:
            yield f"a program named {stem} hides the module of that name: rename the program"
    elif each := _each(part, workers if request.runner == "local" else None):
        yield f"Dask may use {each - headroom(each)} of a worker's {each} MiB: the rest is for Python and MPI themselves"


def _small(request: Request) -> Component:
    """Scheduler and client: one CPU and 1 GiB each by default, without the options for the workers."""
    cpus = request.scheduler_cpus or 1
    alone = dict.fromkeys(("ntasks_per_node", "gres", "licenses", "exclusive", "nodelist", "tmp_mib"))
    alone["nodes"] = 1 if request.nodes else None
    return component(request, SMALL, CLIENT, cpus, mem_per_cpu_mib=small_mib(request, cpus, MIB_PER_CPU), **alone)
