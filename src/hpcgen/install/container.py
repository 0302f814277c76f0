"""Writes the definition file of an image with the site's MPI and PMI, for Apptainer or Singularity."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import Dict, List, NamedTuple, Optional, Tuple, cast

import msgspec
from msgspec import Struct

from hpcgen import workloads
from hpcgen.base import shell
from hpcgen.base.errors import RequestError, printable
from hpcgen.base.kinds import Line
from hpcgen.install.packages import By, Package, library, wanted
from hpcgen.launch import launchers, mpis
from hpcgen.launch.mpis import Flavour
from hpcgen.model.job import Container
from hpcgen.planning import header
from hpcgen.planning.origins import item_key
from hpcgen.planning.software import container, pmi_unknown
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged

BASES = {"pip": ("docker", "python:3.12-slim"), "conda": ("docker", "condaforge/miniforge3:latest")}
REMOTE = ("docker", "library", "oras", "shub")
# The series of the newest Open MPI. pip and conda install it by default.
OPEN_MPI = "5"
HOW = {
    "fakeroot": "{runtime} build --fakeroot {image} {file}",
    "root": "sudo {runtime} build {image} {file}",
    "remote": "{runtime} build --remote {image} {file}",
}


class ImageOptions(NamedTuple):
    """Options of `hpcgen container` that are not part of a job's request."""

    packages: Tuple[str, ...] = ()
    base: Optional[str] = None
    by: Optional[str] = None
    file: Optional[str] = None


class Definition(Struct, frozen=True, kw_only=True):
    """The values for `templates/definitions`. `flavour` is the MPI in the image; `why` explains the choice."""

    by: By
    bootstrap: str
    base: str
    flavour: Optional[str]
    pmi: Optional[str]
    header: Tuple[str, ...]
    why: Optional[str] = None
    packages: Tuple[str, ...] = ()
    checked: Tuple[str, ...] = ()
    library: Optional[str] = None
    labels: Tuple[Tuple[str, str], ...] = ()
    notes: Tuple[str, ...] = ()


def choose(site: Site, merged: Merged, asked: ImageOptions = ImageOptions()) -> Definition:
    """The definition that fits the site and hpcgen's job scripts for it. Raises RequestError."""
    request, origins = merged
    workload = request.workload or workloads.DEFAULT
    if asked.by not in (None, *BASES):
        raise RequestError(f"--by {asked.by}: not a known way to install: use pip or conda")
    by = cast(By, asked.by or "pip")
    bootstrap, base = _base(asked.base) if asked.base is not None else BASES[by]
    standard, more = wanted(workload, asked.packages)
    checked = tuple(package.name for package in standard)
    inside = _inside(site) if any(package.key == "mpi4py" for package in standard) else None
    launcher = site.mpi.launcher if workloads.get(workload).mpi else "none"
    joins: List[str] = []
    if inside:
        brought, more = library(inside.flavour, by == "conda", more)
        standard, joins = [brought, *standard], _joins(site, launcher, brought)
    image = request.image or f"{workload}.sif"
    job = container(site, Request(image=Line(image)), origins, launcher)
    made = Definition(
        by=by,
        bootstrap=bootstrap,
        base=base,
        flavour=inside and inside.flavour.name,
        pmi=site.mpi.pmi if launchers.get(launcher).of_slurm else None,
        header=(),
        why=inside and inside.why,
        packages=tuple(package.conda() if by == "conda" else package.pip() for package in (*standard, *more)),
        checked=checked,
        library=inside and mpis.get(inside.flavour.stands_in or inside.flavour.name).library,
        labels=tuple(_labels(site, workload, inside and inside.flavour.name, launcher, job.binds if job else ())),
        notes=(*(inside.notes if inside else ()), *joins, *_build_notes(site)),
    )
    lines = [*_header(site, made, merged, image, asked), *joins, *(_bound(job) if job else []), *_own_commands(site)]
    return msgspec.structs.replace(made, header=tuple(map(printable, lines)))


class Inside(NamedTuple):
    """The MPI in an image, the fact behind the choice, and notes for the user."""

    flavour: Flavour
    why: str
    notes: Tuple[str, ...] = ()


def context(made: Definition) -> Dict[str, object]:
    """The variables of the template."""
    return {"definition": made}


def _base(text: str) -> Tuple[str, str]:
    """The bootstrap agent and its source: an address in a registry, or an image or folder on the build machine.

    Apptainer replaces {{ name }} by build arguments, so a name may not contain it.
    """
    agent, colon, rest = text.partition("://")
    if "{{" in text or "}}" in text or not text.isprintable() or text != text.strip() or not text:
        raise RequestError(f"--from {text!r}: not the name of an image: write python:3.12-slim")
    if not colon:
        if text.endswith((".sif", ".img", ".simg")) or text.startswith(("/", "./", "../", "~")) or os.path.exists(text):
            return "localimage", os.path.expanduser(text)
        agent, rest = "docker", text
    if agent not in REMOTE:
        known = ", ".join(f"{name}://" for name in REMOTE)
        raise RequestError(f"--from {text}: {agent}:// is not supported: use {known} or a file on this machine")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", rest):
        raise RequestError(f"--from {rest}: not the name of an image: write python:3.12-slim or docker://python:3.12-slim")
    return agent, rest


def _inside(site: Site) -> Inside:
    """The site's MPI or, if PyPI does not have it, the MPI with the same binary interface."""
    if not site.mpi.flavour:
        flavour = mpis.by_pmi(site.mpi.pmi)
        note = f"the profile of {site.id} names no MPI: the image gets {flavour.name}"
        return Inside(flavour, f"rule: {site.id} names no MPI", (note,))
    flavour, why = mpis.get(site.mpi.flavour), str(site.cite("mpi", "flavour"))
    if flavour.stands_in:
        note = f"only {site.id}'s own MPICH uses its network: bind it in as the site documents"
        return Inside(flavour, f"MPICH, which has Cray MPICH's binary interface: {why}", (note,))
    return Inside(flavour, why)


def _build_notes(site: Site) -> List[str]:
    if site.container.build is None:
        return [f"{site.id} does not document where to build images: build them on a machine where you are root"]
    return []


def _labels(site: Site, workload: str, flavour: Optional[str], launcher: str, binds: Tuple[str, ...]) -> List[Tuple[str, str]]:
    """Labels that `apptainer inspect` shows: enough to see whether an image and a job script fit each other."""
    labels = [("site", site.id), ("workload", workload)]
    labels += [("mpi", flavour)] if flavour else []
    labels += [("launcher", launcher)] if launcher != "none" else []
    labels += [("pmi", site.mpi.pmi)] if launchers.get(launcher).of_slurm and site.mpi.pmi else []
    labels += [("binds", ",".join(binds))] if binds else []
    return [(f"hpcgen.{key}", value) for key, value in [*labels, ("facts", str(site.facts_age()[1]))]]


def _joins(site: Site, launcher: str, brought: Package) -> List[str]:
    """What the user must check so that the ranks of the MPI in the image find each other."""
    if launchers.get(launcher).of_slurm:
        return pmi_unknown(site, site.mpi.pmi)
    if not launchers.get(launcher).of_mpi:
        return []
    loaded = (*site.modules.container, *site.modules.mpi, *site.modules.base)
    named = [re.fullmatch(r"openmpi/(\d+)\.(\d+)\b.*", name, re.ASCII) for name in loaded]
    host = next((found for found in named if found and mpis.get(site.mpi.flavour).series), None)
    if host is None:
        return [f"{site.id}: the host's {launcher} must understand the MPI inside: try it with two ranks"]
    series = f"{host[1]}.{host[2]}"
    if re.match(rf"(===?|~=|=){re.escape(series)}\b", brought.version):
        return []
    if host[1] == OPEN_MPI and not brought.version:
        return [f"{site.id}: the host's {launcher}, of {host[0]}, must understand the Open MPI inside: try it with two ranks"]
    pinned = f"--package 'openmpi=={series}.*'"
    return [f"{site.id}: the host's {launcher} is of {host[0]}, the Open MPI inside of another series: give {pinned}"]


def _header(site: Site, made: Definition, merged: Merged, image: str, asked: ImageOptions) -> List[str]:
    """How the file was made, how to build the image at this site, and how to run a job in it."""
    given = (("--from", asked.base), ("--by", asked.by), *(("--package", name) for name in asked.packages))
    extra = [word for flag, value in given if value for word in (flag, value)]
    request = Request(**{key: getattr(merged.request, key) for key in ("site", "workload", "image")})
    lines = [*header.lines(site, request, merged.origins, "container", *extra), ""]
    lines += _build(site, image, asked.file or f"{PurePath(image).stem}.def")
    words = ["--workload", merged.request.workload] if merged.request.workload else []
    start = header.starts(site, merged.request)
    lines.append(f"run: {shell.comment([*start, *words, '--image', image])} PROGRAM")
    if made.pmi:
        lines.append(f"ranks join by srun --mpi={made.pmi}: {site.cite('mpi', 'pmi')}")
    return lines


def _bound(job: Container) -> List[str]:
    """The paths that the job binds, grouped by origin."""
    said: Dict[str, List[str]] = {}
    for bind in job.binds:
        said.setdefault(str(job.origins.get(item_key("binds", bind), job.origins["binds"])), []).append(bind)
    return [f"the job binds {', '.join(binds)}: {origin}" for origin, binds in said.items()]


def _own_commands(site: Site) -> List[str]:
    """The site's own container commands that the job uses."""
    lines = []
    if site.container.wrapper:
        started = f"the job starts it by {site.container.wrapper}, which binds the site's folders"
        lines.append(f"{started}: {site.cite('container', 'wrapper')}")
    if site.container.bind_command:
        printed = f"the job binds what {site.container.bind_command} prints"
        lines.append(f"{printed}: {site.cite('container', 'bind_command')}")
    return lines


def _build(site: Site, image: str, file: str) -> List[str]:
    """The command that builds the image, and where to run it."""
    facts = site.container
    command = HOW[facts.build or "root"].format(runtime=facts.runtime, image=shell.path(image), file=shell.path(file))
    if facts.build is None:
        return [f"build on a machine where you are root (no page of {site.id} says where else):", f"    {command}"]
    where = f" {facts.build_where}" if facts.build_where else ""
    here = facts.build != "root"
    loads = [f"module load {shell.word(name)}" for name in (*site.modules.base, *site.modules.container) if here]
    loads = [*(f"module use {shell.word(folder)}" for folder in site.modules.use if loads), *loads]
    return [f"build{where}: {site.cite('container', 'build')}", *(f"    {line}" for line in (*loads, command))]
