"""Any MPI program: equal ranks, started by the site's launcher."""

from __future__ import annotations

from hpcgen.errors import RequestError
from hpcgen.request import Request
from hpcgen.workloads import ROLES, Layout, command, component, memory

MPI = True
ONE_A_NODE = False
REFUSES = ROLES


def lay_out(request: Request) -> Layout:
    ntasks, assumed = request.ntasks, []
    if request.ntasks_per_node and not (ntasks or request.nodes):
        raise RequestError("--ntasks-per-node: of how many nodes? Give --nodes or --ntasks as well")
    if ntasks is None and request.nodes:
        ntasks = request.nodes * (request.ntasks_per_node or 1)
    if ntasks is None:
        ntasks = 2
        assumed.append("2 tasks (--ntasks)")
    cpus = request.cpus_per_task or 1
    fields, share = memory(request)
    return Layout([component(request, "task", ntasks, cpus, **fields)], [command(request)], (*assumed, *share))
