"""One process on one node, with any number of CPUs and GPUs. The script runs it itself, without a launcher."""

from __future__ import annotations

from hpcgen.request.fields import Request
from hpcgen.workloads import ROLES, Layout, command, component, memory, refuse_several

REFUSES = ROLES
WIDENS = True


def lay_out(request: Request) -> Layout:
    refuse_several(request, "a serial job has one task: use --workload mpi")
    fields, assumed = memory(request)
    return Layout([component(request, "task", 1, request.cpus_per_task or 1, **fields)], [command(request)], assumed)
