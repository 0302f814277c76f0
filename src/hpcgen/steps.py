"""Who starts the programs of a job, and the step by which it does."""

from __future__ import annotations

import json
from typing import Dict, Optional, Sequence, Tuple

import msgspec

from hpcgen import check, launchers
from hpcgen.errors import RequestError
from hpcgen.job import Command, Component, Container, Job, Origin, Origins, Step
from hpcgen.origins import own
from hpcgen.request import Request
from hpcgen.site import Site
from hpcgen.workloads import Layout, Workload

# Launchers that start a program's words as they are, with the script's variables, once on each node.
EACH_NODE = ("srun", "mpiexec", "mpirun", "pals", "flux")
# What of a step comes straight from the request.
SAID = {"commands": "program", "mpmd": "mpmd", "pmi": "mpi", "kill_on_bad_exit": "kill_on_bad_exit"}


def launcher(site: Site, request: Request, workload: Workload, components: Sequence[Component]) -> str:
    """Who starts these components' programs: MPI's launcher, one that starts a process on each node, or nobody ("none"),
    where the script itself does. Raises RequestError."""
    if workload.mpi:
        return mpi_launcher(site, request)
    alone = launchers.alone(site.mpi.launcher)
    return _per_node(site, workload.name, sum(c.ntasks for c in components)) if workload.one_a_node else alone


def mpi_launcher(site: Site, request: Request) -> str:
    """The site's, unless Dask is asked to do without MPI."""
    return {"slurm": "srun", "local": launchers.alone(site.mpi.launcher)}.get(request.runner or "", site.mpi.launcher)


def _per_node(site: Site, name: str, nodes: int) -> str:
    """What starts a process on each node, where no MPI is needed: Slurm itself, and on one node the script where it runs
    there. Raises RequestError."""
    if nodes == 1:
        return launchers.alone(site.mpi.launcher)
    if site.scheduler.type == "local":
        raise RequestError(f"--nodes {nodes}: one machine is one node of --workload {name}: leave it out")
    launcher = "srun" if site.scheduler.type == "slurm" else site.mpi.launcher
    if launcher not in EACH_NODE:
        where = check.cited(site.cite("mpi", "launcher"))
        raise RequestError(
            f"--nodes {nodes}: {launcher} of {site.id} {where} cannot start one process on each node for --workload {name}: "
            "ask for one node"
        )
    return launcher


def step(
    site: Site, request: Request, job: Job, layout: Layout, workload: Workload, launcher: str, origins: Origins
) -> Step:
    """The one step of a job whose components are placed."""
    python = request.python or (site.python if not request.image else "python")
    commands = [_by(python, c) if c.python else c for c in layout.commands]
    found: Dict[str, Optional[Origin]] = {}
    if layout.parts and workload.tell:
        told = [workload.tell(site, request, job, part, origins) for part in job.components]
        commands = [msgspec.structs.replace(c, told=compact(one.values)) for c, one in zip(commands, told)]
        found = {name: origin for one in told for name, origin in one.origins.items()}
    if job.container and job.container.wrapper:
        found = {**found, "wrapper": site.cite("container", "wrapper")}
    pmi = (layout.pmi or request.mpi or site.mpi.pmi) if launcher == "srun" and workload.mpi else None
    kill = request.kill_on_bad_exit if request.kill_on_bad_exit is not None or launcher != "srun" else layout.kill_on_bad_exit
    exports = (*layout.exports, *(["HPCGEN_STAGED"] if job.stage else []), *_read_by_container(job.container))
    own_way = f"{job.workload}: {'no launcher' if launcher == 'none' else 'a process on each node, without MPI'}"
    return Step(
        components=tuple(range(len(job.components))) if job.hetjob else (0,) * len(commands),
        commands=tuple(commands),
        launcher=launcher,
        options=(*site.mpi.options, *launchers.exported(site.mpi.flavour, launcher, exports)) if launcher != "none" else (),
        flavour=site.mpi.flavour,
        through=layout.through,
        pmi=pmi,
        kill_on_bad_exit=kill,
        origins=own(origins, SAID, found, {
            "launcher": site.cite("mpi", "launcher") if launcher == site.mpi.launcher else Origin("rule", own_way),
            "pmi": site.cite("mpi", "pmi") if pmi else None,
        }),
    )  # fmt: skip


def _read_by_container(container: Optional[Container]) -> Tuple[str, ...]:
    """The variables of `templates/containers` that the runtime, or the site's own command, reads on each node."""
    if container is None:
        return ()
    own = container.runtime.upper()
    library = (f"{own}ENV_LD_LIBRARY_PATH",) if container.library_path else ()
    flags = (container.wrapper_flags,) if container.wrapper_flags and container.gpu_flag else ()
    return (f"{own}_BIND", *library, *filter(None, (container.wrapper_image, *flags)))


def compact(values: Dict[str, object]) -> str:
    """JSON without blanks, in which nothing but ASCII is."""
    return json.dumps(values, separators=(",", ":"))


def _by(python: str, command: Command) -> Command:
    starter = tuple(python if word == command.python else word for word in command.starter)
    return msgspec.structs.replace(command, python=python, starter=starter)
