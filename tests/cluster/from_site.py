"""A miniature of a site: its profile's facts, scaled down. What cannot be had here is said in `stand_ins`."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .shape import Host, Module, Node, Partition, Shape

if TYPE_CHECKING:
    from hpcgen.profiles import site as facts

KINDS = {"intel": "impi", "mpich": "mpich", "cray-mpich": "mpich", "openmpi": "openmpi"}
PMI = {"impi": "pmi2", "mpich": "pmi2", "openmpi": "pmix"}
PLUGINS = ("none", "pmi2", "pmix", "pmix_v4")  # of Debian's Slurm
CENTRAL = ("/projappl", "/scratch")  # what a site's own command for containers binds
UNKNOWN_MEMORY = 2000  # MiB a CPU, where a profile does not say


def shape(
    site: facts.Site,
    *,
    hosts: int = 3,
    conda_envs: tuple[str, ...] = (),
    venvs: tuple[str, ...] = (),
    folders: tuple[str, ...] = (),
    kind: str = "",
    suite: str = "",
) -> Shape:
    kind = kind or mpi_kind(site)
    kinds = {name: tuple(_hosts(name, node, site, hosts)) for name, node in site.nodes.items()}
    if not kinds:
        kinds = {"node": tuple(Host(f"node{number:02}") for number in range(1, hosts + 1))}
    return Shape(
        name=site.id,
        hosts=tuple(host for group in kinds.values() for host in group),
        partitions=tuple(_partitions(site, kinds)),
        interface=site.network.interface if site.network.interface not in (None, "eth0", "lo") else "",
        modules=tuple(_modules(site, kind)),
        conda_envs=dict.fromkeys(("base", *conda_envs), kind) if conda_envs or site.modules.conda else {},
        venvs=dict.fromkeys(venvs, kind),
        pmi_library=site.mpi.pmi_library or "",
        # a script that needs a type must say it, unless the profile leaves that to the site's default
        mpi_default="none" if site.mpi.pmi else PMI[kind],
        hetjobs=site.scheduler.hetjob is not False,
        folders=(*_binds(site), *(CENTRAL if any(_commands(site)) else ()), *folders),
        # a file that the site has users source brings `module` there, so here too
        files={path: ". /etc/profile.d/lmod.sh\n" for path in site.shell.init if path.startswith("/")} | dict(_commands(site)),
        module_in_batch=not site.shell.init,
        # as mpi.STARTUP does, for an Open MPI in an image
        env={"HWLOC_COMPONENTS": "-x86"} if kind == "openmpi" else {},
        stand_ins=tuple(_stand_ins(site, kind)),
        suite=suite,
        # the site itself finds a partition for a job that names none; here the job may run in any
        slurm={
            **({"JobSubmitPlugins": "all_partitions", "EnforcePartLimits": "ANY"} if site.scheduler.routes else {}),
            **({"SelectTypeParameters": "CR_Core_Memory,CR_ONE_TASK_PER_CORE"} if site.cpu.task_per_core else {}),
        },
    )


def mpi_kind(site: facts.Site) -> str:
    if site.mpi.flavour:
        return KINDS[site.mpi.flavour]
    return "openmpi" if (site.mpi.pmi or "").startswith("pmix") else "impi"


def _hosts(name: str, node: facts.Node, site: facts.Site, hosts: int) -> Iterator[Host]:
    threads = node.threads_per_core if site.cpu.unit == "thread" else 1  # a CPU is what this Slurm counts
    known = [int(one.mem) for one in site.nodes.values() if one.mem]
    sockets = 2 if node.cores % 2 == 0 and node.cores > 16 else 1
    size = Node(
        sockets=sockets,
        cores=node.cores // sockets,
        threads=threads,
        memory=int(node.mem or max([*known, UNKNOWN_MEMORY * node.cores * threads])),
        features=tuple(node.features),
        gpus=node.gpus,
        gpu_type=node.gpu or "",
    )
    word = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
    for number in range(1, min(hosts, node.count or hosts) + 1):
        yield Host(f"{word}-{number:02}", size)


def _partitions(site: facts.Site, kinds: Mapping[str, tuple[Host, ...]]) -> Iterator[Partition]:
    everyone = tuple(host.name for group in kinds.values() for host in group)
    # where the site itself routes jobs, one without a partition must go somewhere
    routed = site.scheduler.routes or not site.partitions
    chosen = next((name for name, one in site.partitions.items() if one.default), None)
    first = chosen or (next((name for name, one in site.partitions.items() if one.auto), None) if routed else None)
    if not site.partitions:
        yield Partition("all", everyone, default=True)
    for name, one in site.partitions.items():
        limits = {"MaxNodes": one.max_nodes, "MinNodes": one.min_nodes, "MaxMemPerNode": one.max_mem and int(one.max_mem)}
        if site.scheduler.routes:  # in the profile's order, and those that must be asked for last
            limits["PriorityTier"] = 100 - list(site.partitions).index(name) if one.auto else 1
        named = tuple(host.name for kind in one.nodes for host in kinds[kind])
        yield Partition(
            name,
            named or everyone,
            max_time=_minutes(one.max_time),
            default=name == first,
            options={
                key: str(value)
                for key, value in limits.items()
                if value and (key != "MinNodes" or value <= len(named or everyone))
            },
        )


def _minutes(seconds: int | None) -> str:
    return str(-(-int(seconds) // 60)) if seconds else "UNLIMITED"


def _modules(site: facts.Site, kind: str) -> Iterator[Module]:
    lists = site.modules
    env = {"I_MPI_PMI_LIBRARY": site.mpi.pmi_library} if kind == "impi" and site.mpi.pmi_library else {}
    given: set[str] = set()
    for names, gives in (
        (lists.conda, "conda"),
        (lists.container, "apptainer"),
        (lists.python, kind),
        (lists.mpi, kind),
        (lists.base, ""),
    ):
        for name in names:
            if gives == "" and not (lists.conda or lists.python or lists.mpi):
                gives = "python"  # where only a base is named, that is what brings a Python
            if name not in given:
                given.add(name)
                yield Module(name, gives, env if gives == kind else {})


def _binds(site: facts.Site) -> Iterator[str]:
    """Folders that the site's containers see; the PMI library's comes with the library."""
    for path in site.container.binds:
        plain = path.partition(":")[0]
        if plain.startswith("/") and ".so" not in plain and not (site.mpi.pmi_library or "").startswith(plain):
            yield plain


def _commands(site: facts.Site) -> Iterator[tuple[str, str]]:
    """Stand-ins for the site's own commands for containers, each as the site's pages describe it."""
    one, places = site.container, ",".join(CENTRAL)
    if one.wrapper:
        image, flags = (f'"${one.wrapper_image}"', f"${one.wrapper_flags}") if one.wrapper_image else ("", "")
        yield (
            f"/usr/local/bin/{one.wrapper}",
            f'#!/bin/bash\nverb=$1\nshift\nexec {one.runtime} "$verb" --bind {places} {flags} {image} "$@"\n',
        )
    if one.bind_command:
        yield f"/usr/local/bin/{one.bind_command}", f"#!/bin/bash\necho {places}\n"


def _stand_ins(site: facts.Site, kind: str) -> Iterator[str]:
    yield "node counts are scaled down, sockets are guessed"
    if site.mpi.flavour == "cray-mpich":
        yield "MPICH for Cray MPICH, which has its binary interface"
    if not site.mpi.flavour:
        yield f"{kind}: the profile names no MPI"
    if site.mpi.pmi and site.mpi.pmi not in PLUGINS:
        yield f"--mpi={site.mpi.pmi} is not in Debian's Slurm"
    if site.modules.conda:
        yield "conda: a shell function over environments of wheels"
    if site.modules.python:
        yield f"{', '.join(site.modules.python)}: Debian's Python with {kind} from wheels"
    if site.scheduler.routes:
        yield "a job that names no partition may run in any; the site's own rules are not known"
    for path, _ in _commands(site):
        yield f"{path.rpartition('/')[2]}: a line of shell that binds {' and '.join(CENTRAL)}"
    for name, node in site.nodes.items():
        if node.mem is None:
            yield f"memory of {name} nodes is guessed"
