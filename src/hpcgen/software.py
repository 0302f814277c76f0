"""What the script sets up before it launches: modules, environments, the container."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

import msgspec

from hpcgen import check, schedulers, workloads
from hpcgen.errors import RequestError
from hpcgen.job import Command, Container, Job, Origin, Origins, Setup
from hpcgen.origins import item_key, own
from hpcgen.request import Request, gpus_asked
from hpcgen.site import Site


def setup(
    site: Site, request: Request, origins: Origins, launcher: str, starts_mpi: bool, commands: Sequence[Command] = ()
) -> Setup:
    """Modules for these commands, the person's environment, and variables for the whole job.

    An MPI's own mpiexec starts also what is no MPI program, and must be loaded for that.

    Intel MPI under srun is told of the PMI library: without it the ranks of a plain job may still join, and those of a
    heterogeneous one fail (run on 22.05.8). What is started otherwise has no use for it.
    """
    facts = site.modules
    found: Dict[str, Optional[Origin]] = {}
    with_mpi = not starts_mpi and launcher in ("mpiexec", "mpirun")
    launcher = launcher if starts_mpi else "none"
    if request.module:
        modules = (*facts.base, *request.module)
        found["modules"] = origins.get("module")
    else:
        env = facts.conda if request.conda else facts.python
        key = "conda" if request.conda else "python"
        if request.image:
            env, key = (), "container"
        elif request.workload == "mpi" and not all(command.python for command in commands):
            env, key = facts.mpi or facts.python, "mpi"
            if any(command.python for command in commands):
                env = tuple(dict.fromkeys((*facts.python, *facts.mpi)))
                found.update({item_key("modules", module): site.cite("modules", "python") for module in facts.python})
        elif (request.venv or request.userbase) and launcher != "none":
            env, with_mpi = facts.python, True  # its mpi4py was built against the site's MPI
        if with_mpi:
            env = tuple(dict.fromkeys((*env, *facts.mpi)))
            found.update({item_key("modules", module): site.cite("modules", "mpi") for module in facts.mpi})
        modules = (*facts.base, *env, *(facts.container if request.image else ()))
        found["modules"] = site.cite("modules", key)
    found.update({item_key("modules", module): site.cite("modules", "base") for module in facts.base})
    variables = schedulers.get(site.scheduler.type).variables(request.export)
    found.update({item_key("env", (name,)): Origin("rule", "--export holds for the steps too") for name in variables})
    found.update({item_key("env", (name,)): site.cite("shell", "env") for name in site.shell.env if name not in request.env})
    found["env"] = site.cite("shell", "env")
    variables.update({str(name): str(value) for name, value in {**site.shell.env, **request.env}.items()})
    if library := _library(site, launcher):
        variables.setdefault("I_MPI_PMI_LIBRARY", library)
        if "I_MPI_PMI_LIBRARY" not in request.env:
            found[item_key("env", ("I_MPI_PMI_LIBRARY",))] = site.cite("mpi", "pmi_library")
    return Setup(
        init=site.shell.init,
        purge=facts.purge,
        use=facts.use,
        modules=modules,
        conda=request.conda,
        venv=request.venv,
        userbase=request.userbase,
        env=tuple(variables.items()),
        origins=own(
            origins,
            {"conda": "conda", "venv": "venv", "userbase": "userbase", "env": "env"},
            found,
            {"purge": site.cite("modules", "purge"), "use": site.cite("modules", "use"), "init": site.cite("shell", "init")},
        ),
    )


def _library(site: Site, launcher: str) -> Optional[str]:
    return site.mpi.pmi_library if launcher == "srun" and site.mpi.flavour == "intel" else None


def container(site: Site, request: Request, origins: Origins, launcher: str) -> Optional[Container]:
    """The image, with the PMI library by which srun joins its ranks; what is started otherwise has no use for that."""
    if request.image is None:
        return None
    facts, library = site.container, site.mpi.pmi_library if launcher == "srun" else None
    if facts.wrapper_image and not re.fullmatch(r"(~/)?[\w./:@%+,=-]+|\$HPCGEN_STAGED/[\w.+,=-]+", request.image):
        where = check.cited(site.cite("container", "wrapper_image"))
        raise RequestError(
            f"--image: '{request.image}': {facts.wrapper} of {site.id} reads the name from ${facts.wrapper_image} {where}, "
            "perhaps word by word: give the image a name of letters, digits and ._-/ only"
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
    """What to say where srun starts MPI ranks in an image, and nothing says by which PMI they join: some MPIs then run each
    rank by itself, and the job ends well (run with Intel MPI on 22.05, whose default was none)."""
    step = job.steps[0]
    if request.image is None or step.launcher != "srun" or not workloads.get(job.workload).mpi or request.runner == "slurm":
        return []  # that runner's tasks are joined by Dask alone
    return pmi_unknown(site, step.pmi, "I_MPI_PMI_LIBRARY" in request.env)


def pmi_unknown(site: Site, pmi: Optional[str], library: bool = False) -> List[str]:
    """The same for any image started by the site's srun; `library`: the person has named Intel MPI's PMI library."""
    lacks_library = site.mpi.flavour == "intel" and not (site.mpi.pmi_library or library)
    if pmi and not lacks_library:
        return []
    give = "--mpi pmix" if site.mpi.flavour == "openmpi" else "--mpi pmi2"
    if lacks_library:
        give += " --bind DIR/libpmi2.so --env I_MPI_PMI_LIBRARY=DIR/libpmi2.so"
    unknown = "by which PMI library" if pmi else "by which PMI"
    return [f"{site.id}: {unknown} the ranks in an image join is not known: give {give}, or ask the site's staff"]


def with_gpu_flag(site: Site, job: Job) -> Job:
    """AMD's GPUs, whose names are MI100 and the like, want another flag than NVIDIA's."""
    if job.container is None or job.container.gpu_flag is None:
        return job
    last = job.components[-1]
    partition = site.partitions.get(last.partition or "")
    types = [site.nodes[kind].gpu for kind in partition.nodes] if partition else [last.gpus and last.gpus.type]
    if not types or not all(kind and re.match(r"mi\d", kind, re.IGNORECASE) for kind in types):
        return job
    return msgspec.structs.replace(job, container=msgspec.structs.replace(job.container, gpu_flag="--rocm"))


def interfaces(site: Site, request: Request) -> Tuple[str, ...]:
    if request.interface:
        return (str(request.interface),)
    return tuple(map(str, filter(None, (site.network.interface, *site.network.fallback))))
