"""Any MPI program: equal ranks, started by the site's launcher."""

from __future__ import annotations

from hpcgen.errors import RequestError
from hpcgen.request import Request
from hpcgen.workloads import Layout, command, component, memory

MPI = True
REFUSES = ("workers", "cpus_per_worker", "hetjob", "scheduler_cpus", "scheduler_mem", "interface")


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
    if not (request.mem or request.mem_per_cpu or request.mem_per_gpu or request.exclusive):
        assumed.append("1G a CPU (--mem-per-cpu)")
    mib = None if request.exclusive else 1024
    return Layout([component(request, "task", ntasks, cpus, **memory(request, mib))], [command(request)], tuple(assumed))
