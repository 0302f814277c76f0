"""PyTorch's processes: one torchrun on each node starts a process for each GPU.

Source: torch.distributed.run of PyTorch 2.13, whose --rdzv-conf and --local-addr are read from PET_… variables too.
"""

from __future__ import annotations

from typing import List

import msgspec

from hpcgen.base.errors import RequestError
from hpcgen.base.units import counted
from hpcgen.model.layout import typed
from hpcgen.request.fields import Request
from hpcgen.workloads import ROLES, Layout, command, component, gpus_on_each, memory, refuse_ranks, threads

ONE_A_NODE = True
COUNTS_GPUS = True
PACKAGES = {"torch": "pytorch"}
REFUSES = tuple(name for name in ROLES if name != "interface")
NODE = 'bash -c "$node" "$meeting"'


def lay_out(request: Request) -> Layout:
    refuse_ranks(request, "torchrun runs once on each node", "use --nodes, and --nproc-per-node for its processes")
    if request.mpi:
        raise RequestError(f"--mpi {request.mpi}: torchrun needs no MPI: leave it out")
    nodes, assumed = request.nodes or 1, {} if request.nodes else {"nodes": "1 node"}
    gpus = gpus_on_each(request, nodes)
    processes = request.nproc_per_node or gpus or 1
    if not (request.nproc_per_node or gpus):
        assumed["nproc_per_node"] = "1 process"
    if request.cpus_per_task is None and request.cpus_per_gpu is None:
        assumed["cpus_per_task"] = "1 CPU per process"
    fields, share = memory(request)
    c = component(request, "torchrun", nodes, request.cpus_per_task or processes, nodes=nodes, ntasks_per_node=1, **fields)
    if c.cpus_per_task < processes:
        raise RequestError(
            f"{typed(c, 'cpus_per_task')}: the {processes} processes of a node share these CPUs: use {processes} or more"
        )
    c = msgspec.structs.replace(c, env=threads(c.cpus_per_task // processes))
    one = command(request)
    starter = [*_starter(nodes, processes), *([] if one.file and one.python else ["--no-python"])]
    if one.file is None:
        starter.append(one.python or "python")
    python = one.python or request.python or "python"
    one = msgspec.structs.replace(one, python=python, starter=tuple(starter), inline="torchrun")
    notes = []
    if request.interface and nodes == 1:
        notes.append(f"--interface {request.interface}: it has no effect: all processes are on one node")
    if c.cpus_per_task % processes:
        each = counted(c.cpus_per_task // processes, "thread")
        notes.append(f"{typed(c, 'cpus_per_task')}: {processes} processes do not divide these CPUs: each process gets {each}")
    return Layout(
        [c],
        [one],
        {**assumed, **share},
        tuple(notes),
        kill_on_bad_exit=True,
        through=NODE if nodes > 1 else None,
    )


def _starter(nodes: int, processes: int) -> List[str]:
    """Options of torchrun. Elastic restarts stay off, as is torchrun's default."""
    where = ["--standalone"] if nodes == 1 else [f"--nnodes={nodes}", "--rdzv-backend=c10d"]
    return [*where, f"--nproc-per-node={processes}"]
