"""One process on one node, with any number of CPUs and GPUs: run by the script itself, without a launcher."""

from __future__ import annotations

from typing import Tuple

from hpcgen.errors import RequestError
from hpcgen.request import Request
from hpcgen.workloads import Layout, command, component, memory

MPI = False
REFUSES = ("workers", "cpus_per_worker", "hetjob", "scheduler_cpus", "scheduler_mem", "interface")


def lay_out(request: Request) -> Layout:
    for name in ("ntasks", "nodes", "ntasks_per_node"):
        if (getattr(request, name) or 1) != 1:
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag} {getattr(request, name)}: a serial job is one task: use --workload mpi")
    assumed: Tuple[str, ...] = ()
    if not (request.mem or request.mem_per_cpu or request.mem_per_gpu or request.exclusive):
        assumed = ("1G a CPU (--mem)",)
    mib = None if request.exclusive else 1024
    part = component(request, "task", 1, request.cpus_per_task or 1, **memory(request, mib))
    return Layout([part], [command(request)], assumed)
