"""The launcher that starts the programs of a job, and the step that it runs."""

from __future__ import annotations

import json
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import msgspec

from hpcgen import schedulers, workloads
from hpcgen.base.errors import RequestError
from hpcgen.launch import launchers
from hpcgen.model.job import Command, Component, Container, Job, Origin, Origins, Step
from hpcgen.planning.case import cited
from hpcgen.planning.origins import own
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.workloads import Layout, Told, Workload

# Fields of a step that come straight from the request.
SAID = {"commands": "program", "mpmd": "mpmd", "pmi": "mpi", "kill_on_bad_exit": "kill_on_bad_exit"}


# The script's variables that configure its launcher: one for all ranks, and one for the ranks of each role.
SHARED = "shared"
ROLES = {workloads.SMALL: "scheduler", "worker": "workers", "all": "workers", workloads.HEAD: "head", "node": "nodes"}


def launcher(site: Site, request: Request, workload: Workload, components: Sequence[Component]) -> str:
    """The launcher of these components' programs: MPI's, one that starts a process on each node, or "none" if the script
    itself starts the program. Raises RequestError."""
    if workload.mpi:
        return mpi_launcher(site, request)
    alone = launchers.alone(site.mpi.launcher)
    return _per_node(site, workload.name, sum(c.ntasks for c in components)) if workload.one_a_node else alone


def mpi_launcher(site: Site, request: Request) -> str:
    """The site's launcher, unless the user asked for Dask without MPI."""
    if request.runner == "local":
        return launchers.alone(site.mpi.launcher)
    own = schedulers.get(site.scheduler.type).own_launcher if request.runner == "slurm" else None
    return own or site.mpi.launcher


def _per_node(site: Site, name: str, nodes: int) -> str:
    """What starts a process on each node without MPI: the scheduler's own launcher, or on one node the script itself, if it
    runs there. Raises RequestError."""
    scheduler = schedulers.get(site.scheduler.type)
    if nodes == 1:
        return launchers.alone(site.mpi.launcher)
    if scheduler.one_machine:
        raise RequestError(f"--nodes {nodes}: without a scheduler, --workload {name} runs on this one machine: leave it out")
    launcher = scheduler.own_launcher or site.mpi.launcher
    if not launchers.get(launcher).each_node:
        where = cited(site.cite("mpi", "launcher"))
        raise RequestError(
            f"--nodes {nodes}: {launcher} at {site.id} {where} cannot start one process per node for --workload {name}: "
            "use --nodes 1"
        )
    return launcher


def step(
    site: Site, request: Request, job: Job, layout: Layout, workload: Workload, launcher: str, origins: Origins
) -> Step:
    """The step of a job; its components must be placed."""
    record = launchers.get(launcher)
    commands = _commands(request, site, layout)
    told = _told(site, request, job, layout, workload, origins)
    if told:
        module = f"hpcgen.{layout.parts[0]}" if request.launcher == "installed" else None
        commands = [msgspec.structs.replace(c, told=names, module=module) for c, names in zip(commands, told.names)]
    found = {**(told.origins if told else {}), **_of_wrapper(site, job)}
    pmi = (layout.pmi or request.mpi or site.mpi.pmi) if record.of_slurm and workload.mpi else None
    asked = request.kill_on_bad_exit is not None or not record.of_slurm
    own_way = f"{job.workload}: {'no launcher' if launcher == 'none' else 'one process per node, without MPI'}"
    return Step(
        components=tuple(range(len(job.components))) if job.hetjob else (0,) * len(commands),
        commands=tuple(commands),
        launcher=launcher,
        options=_options(site, job, layout, launcher),
        flavour=site.mpi.flavour,
        through=layout.through,
        pmi=pmi,
        kill_on_bad_exit=request.kill_on_bad_exit if asked else layout.kill_on_bad_exit,
        binds=workload.binds,
        told=tuple(told.variables.items()) if told else (),
        origins=own(origins, SAID, found, {
            "launcher": site.cite("mpi", "launcher") if launcher == site.mpi.launcher else Origin("rule", own_way),
            "pmi": site.cite("mpi", "pmi") if pmi else None,
        }),
    )  # fmt: skip


def _commands(request: Request, site: Site, layout: Layout) -> List[Command]:
    """The commands, by the Python that was asked for."""
    python = request.python or (site.python if not request.image else "python")
    return [_by(python, c) if c.python else c for c in layout.commands]


class ToLaunchers(NamedTuple):
    """The settings of the launcher inside the job: variables with JSON, their names for each component, and origins."""

    variables: Dict[str, str]
    names: List[Tuple[str, ...]]
    origins: Dict[str, Optional[Origin]]


def _told(
    site: Site, request: Request, job: Job, layout: Layout, workload: Workload, origins: Origins
) -> Optional[ToLaunchers]:
    """What is the same for all components is in one variable, the rest in one for each component."""
    if not (layout.parts and workload.tell):
        return None
    told = [workload.tell(site, request, job, part, origins) for part in job.components]
    shared = {name: value for name, value in told[0].values.items() if _is_shared(name, value, told)}
    variables = {SHARED: json.dumps(shared)}
    names: List[Tuple[str, ...]] = []
    for c, one in zip(job.components, told):
        own = {name: value for name, value in one.values.items() if name not in shared}
        variables.update({ROLES[c.role]: json.dumps(own)} if own else {})
        names.append((SHARED, ROLES[c.role]) if own else (SHARED,))
    return ToLaunchers(variables, names, {name: origin for one in told for name, origin in one.origins.items()})


def _is_shared(name: str, value: object, told: Sequence[Told]) -> bool:
    return not isinstance(value, dict) and all(one.values.get(name) == value for one in told)


def _options(site: Site, job: Job, layout: Layout, launcher: str) -> Tuple[str, ...]:
    """Words that the launcher always gets at this site, and those that export the variables that this job's processes need."""
    if launcher == "none":
        return ()
    exports = (*layout.exports, *(["HPCGEN_STAGED"] if job.stage else []), *_read_by_container(job.container))
    return (*site.mpi.options, *launchers.exported(site.mpi.flavour, launcher, exports))


def _read_by_container(container: Optional[Container]) -> Tuple[str, ...]:
    """Variables of `templates/containers` that the container runtime, or the site's own command, reads on each node."""
    if container is None:
        return ()
    own = container.runtime.upper()
    library = (f"{own}ENV_LD_LIBRARY_PATH",) if container.library_path else ()
    flags = (container.wrapper_flags,) if container.wrapper_flags and container.gpu_flag else ()
    return (f"{own}_BIND", *library, *filter(None, (container.wrapper_image, *flags)))


def _of_wrapper(site: Site, job: Job) -> Dict[str, Optional[Origin]]:
    return {"wrapper": site.cite("container", "wrapper")} if job.container and job.container.wrapper else {}


def _by(python: str, command: Command) -> Command:
    starter = tuple(python if word == command.python else word for word in command.starter)
    return msgspec.structs.replace(command, python=python, starter=starter)
