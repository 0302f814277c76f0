"""One process on one node, with any number of CPUs and GPUs: run by the script itself, without a launcher."""

from __future__ import annotations

from hpcgen.errors import RequestError
from hpcgen.request import Request
from hpcgen.workloads import ROLES, Layout, command, component, memory

MPI = False
ONE_A_NODE = False
REFUSES = ROLES


def lay_out(request: Request) -> Layout:
    for name in ("ntasks", "nodes", "ntasks_per_node"):
        if (getattr(request, name) or 1) != 1:
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag} {getattr(request, name)}: a serial job is one task: use --workload mpi")
    fields, assumed = memory(request)
    return Layout([component(request, "task", 1, request.cpus_per_task or 1, **fields)], [command(request)], assumed)
