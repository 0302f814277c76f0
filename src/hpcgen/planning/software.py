"""What the script sets up before it launches: modules, environments, the container."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import msgspec

from hpcgen import schedulers, workloads
from hpcgen.base.errors import RequestError
from hpcgen.launch import launchers, mpis
from hpcgen.model.job import Command, Container, Env, Job, Origin, Origins, Setup
from hpcgen.planning.case import cited
from hpcgen.planning.origins import item_key, own
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, gpus_asked

Found = Dict[str, Optional[Origin]]


def setup(
    site: Site, request: Request, origins: Origins, launcher: str, starts_mpi: bool, commands: Sequence[Command] = ()
) -> Setup:
    """Modules for these commands, the user's environment, and variables for the whole job.

    `starts_mpi`: whether the launcher starts MPI ranks; an MPI's own mpiexec also starts programs without MPI.
    """
    modules, of_modules = _modules(site, request, origins, launcher, starts_mpi, commands)
    variables, of_variables = _variables(site, request, launcher, starts_mpi)
    return Setup(
        init=site.shell.init,
        purge=site.modules.purge,
        use=site.modules.use,
        modules=modules,
        conda=request.conda,
        venv=request.venv,
        userbase=request.userbase,
        env=variables,
        origins=own(
            origins,
            {"conda": "conda", "venv": "venv", "userbase": "userbase", "env": "env"},
            of_modules,
            of_variables,
            {"purge": site.cite("modules", "purge"), "use": site.cite("modules", "use"), "init": site.cite("shell", "init")},
        ),
    )


def _modules(
    site: Site, request: Request, origins: Origins, launcher: str, starts_mpi: bool, commands: Sequence[Command]
) -> Tuple[Tuple[str, ...], Found]:
    """The requested modules, or those of the kinds that the job needs, and the origin of each."""
    kinds = ["base", *(() if request.module else _kinds(site, request, launcher, starts_mpi, commands))]
    brought = {module.partition("/")[0] for module in site.modules.container} if kinds[-1] == "container" else set()
    loaded: Dict[str, str] = {}
    for kind in kinds:
        for module in getattr(site.modules, kind):
            if kind in ("base", "container") or module.partition("/")[0] not in brought:
                loaded.setdefault(module, kind)
    found: Found = {item_key("modules", module): site.cite("modules", kind) for module, kind in loaded.items()}
    return (*loaded, *request.module), {**found, "modules": origins.get("module", site.cite("modules", kinds[-1]))}


def _kinds(site: Site, request: Request, launcher: str, starts_mpi: bool, commands: Sequence[Command]) -> Iterator[str]:
    """The kinds of module that these commands need, in loading order."""
    pythons = [command.python is not None for command in commands]
    compiled = request.workload == "mpi" and not all(pythons) and not request.image
    own_mpi4py = (request.venv or request.userbase) and not request.image  # it was built against the site's MPI
    if request.conda and not request.image:
        yield "conda"
    elif not request.image and (not compiled or any(pythons) or not site.modules.mpi):
        yield "python"
    started = launchers.get(launcher).of_mpi and (not starts_mpi or request.image)
    if compiled or (starts_mpi and launcher != "none" and own_mpi4py) or started:
        yield "mpi" if site.modules.mpi or not request.image else "python"
    if request.image:
        yield "container"


def _variables(site: Site, request: Request, launcher: str, starts_mpi: bool) -> Tuple[Env, Found]:
    """The site's and the user's variables for the whole job, and the origin of each."""
    exported = schedulers.get(site.scheduler.type).variables(request.export)
    found: Found = {item_key("env", (name,)): Origin("rule", "--export also applies to the steps") for name in exported}
    found.update({item_key("env", (name,)): site.cite("shell", "env") for name in site.shell.env if name not in request.env})
    variables = {**exported, **{str(name): str(text) for env in (site.shell.env, request.env) for name, text in env.items()}}
    for name, value, why in _of_mpi(site, request, launcher, starts_mpi):
        if name not in variables:
            variables[name] = value
            found[item_key("env", (name,))] = why
    return tuple(variables.items()), {**found, "env": site.cite("shell", "env")}


def _of_mpi(site: Site, request: Request, launcher: str, starts_mpi: bool) -> Iterator[Tuple[str, str, Origin]]:
    """Variables that the site's MPI needs under this launcher.

    Under srun, Intel MPI needs the path of the PMI library. Without it the ranks of a plain job may still join, but those of
    a heterogeneous job fail (run on 22.05.8). Other launchers do not need it. Intel's own mpirun is set to end containers
    gently.
    """
    flavour, record = mpis.get(site.mpi.flavour), launchers.get(launcher)
    if starts_mpi and record.of_slurm and flavour.pmi_variable and site.mpi.pmi_library:
        yield flavour.pmi_variable, site.mpi.pmi_library, site.cite("mpi", "pmi_library")
    if request.image and record.of_mpi and flavour.gently:
        yield (*flavour.gently, Origin("rule", "a rank that fails also ends the other ranks' containers"))


def container(site: Site, request: Request, origins: Origins, launcher: str) -> Optional[Container]:
    """The image, with the PMI library that srun needs to join its ranks; other launchers do not need it."""
    if request.image is None:
        return None
    facts, library = site.container, site.mpi.pmi_library if launchers.get(launcher).of_slurm else None
    if facts.wrapper_image and not re.fullmatch(r"(~/)?[\w./:@%+,=-]+|\$HPCGEN_STAGED/[\w.+,=-]+", request.image):
        where = cited(site.cite("container", "wrapper_image"))
        raise RequestError(
            f"--image {request.image}: {facts.wrapper} at {site.id} reads the image's name from ${facts.wrapper_image} {where} "
            "and may split it into words: use a name of letters, digits and ._-/ only"
        )
    return Container(
        image=request.image,
        runtime=facts.runtime,
        wrapper=facts.wrapper,
        wrapper_image=facts.wrapper_image,
        wrapper_flags=facts.wrapper_flags,
        bind_command=facts.bind_command,
        verb=request.container_verb or facts.verb,
        binds=(*([library] if library else []), *facts.binds, *request.bind),
        gpu_flag=facts.gpu_flag if gpus_asked(request) else None,
        library_path=facts.library_path if launcher != "none" else None,
        origins=own(origins, {"image": "image"}, {
            **{item_key("binds", bind): origins.get("bind") for bind in request.bind},
            **{item_key("binds", bind): site.cite("container", "binds") for bind in facts.binds},
            **({item_key("binds", library): site.cite("mpi", "pmi_library")} if library else {}),
            "binds": site.cite("container", "binds"),
            "runtime": site.cite("container", "runtime"),
            "wrapper_image": site.cite("container", "wrapper_image"),
            "wrapper_flags": site.cite("container", "wrapper_flags"),
            "bind_command": site.cite("container", "bind_command"),
            "library_path": site.cite("container", "library_path"),
        }),
    )  # fmt: skip


def unjoined(site: Site, request: Request, job: Job) -> List[str]:
    """Notes on MPI ranks in an image.

    If srun starts the ranks and their PMI is unknown, some MPIs run each rank by itself, and the job ends without an error
    (run with Intel MPI on 22.05; the default there was none). Some MPIs' launchers can only send a signal that makes
    Apptainer leave its mount behind (run with MPICH 5.0.2).
    """
    if request.image is None:
        return []
    step = job.steps[0]
    record, flavour = launchers.get(step.launcher), mpis.get(step.flavour)
    if record.of_mpi and flavour.hangs_in_container:
        how = f"{step.launcher} of {flavour.library} then waits until the time limit"
        return [f"a rank that crashes may not end the job if {site.container.runtime} is not setuid: {how}"]
    if not record.of_slurm or not workloads.get(job.workload).mpi or request.runner == "slurm":
        return []  # with this runner, Dask alone connects the tasks
    return pmi_unknown(site, step.pmi, flavour.pmi_variable in request.env)


def pmi_unknown(site: Site, pmi: Optional[str], library: bool = False) -> List[str]:
    """The first of these notes, for any image that the site's srun starts. `library`: the user has named the PMI library."""
    flavour = mpis.get(site.mpi.flavour)
    variable = None if site.mpi.pmi_library or library else flavour.pmi_variable
    if pmi and not variable:
        return []
    give = f"--mpi {'pmi2' if flavour.takes_library else flavour.pmis[0]}"
    if variable:
        give += f" --bind DIR/libpmi2.so --env {variable}=DIR/libpmi2.so"
    unknown = "by which PMI library" if pmi else "by which PMI"
    return [f"{site.id}: {unknown} the ranks in an image join is not known: give {give}, or ask the site's staff"]


def with_gpu_flag(site: Site, job: Job) -> Job:
    """The job with --rocm for AMD GPUs (named MI100 and the like) in place of NVIDIA's flag."""
    if job.container is None or job.container.gpu_flag is None:
        return job
    last = job.components[-1]
    known = last.partition in site.partitions
    types = [node.gpu for node in site.kinds(last.partition).values()] if known else [last.gpus and last.gpus.type]
    if not types or not all(kind and re.match(r"mi\d", kind, re.IGNORECASE) for kind in types):
        return job
    return msgspec.structs.replace(job, container=msgspec.structs.replace(job.container, gpu_flag="--rocm"))


def interfaces(site: Site, request: Request) -> Tuple[str, ...]:
    """Interfaces for the traffic between nodes, best first: only the requested one, otherwise the site's with its fallbacks."""
    if request.interface:
        return (str(request.interface),)
    return tuple(map(str, filter(None, (site.network.interface, *site.network.fallback))))
