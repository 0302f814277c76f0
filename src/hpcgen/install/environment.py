"""Environments with a workload's packages and an mpi4py for the site's MPI: conda, a venv, or pip's user base."""

from __future__ import annotations

from typing import Dict, List, Literal, NamedTuple, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import schedulers, workloads
from hpcgen.base import shell
from hpcgen.base.errors import RequestError, among, printable
from hpcgen.install.packages import ON_MPI4PY, WAYS, Package, library, wanted
from hpcgen.launch import mpis
from hpcgen.launch.mpis import Flavour
from hpcgen.model.job import Origin, Origins, Setup
from hpcgen.planning import header
from hpcgen.planning.software import setup
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged

Kind = Literal["conda", "venv", "userbase"]
KINDS: Tuple[Kind, ...] = ("conda", "venv", "userbase")
FORGE = "conda-forge"
EXTERNAL = "conda-forge/label/mpi-external"
EXTERNAL_WHY = "empty packages in place of an MPI: the site's is loaded (conda-forge news, 2026-01-29)"
FORGE_WHY = "not `intel`, the channel of older pages: it is shut to visitors (IntelPython/dpctl#1734, 2024-07-17)"
INTEL_WHY = "Intel's own, last so that it takes no priority; `intel` at Anaconda is shut (IntelPython/dpctl#1734, 2024-07-17)"
# conda 24.7 reads an address before :: as a channel of Anaconda, so no package can be bound to Intel's channel.
INTEL_NOTE = "conda takes from Intel's channel only what conda-forge does not have, because it comes last"
FILE = "environment.yml"


class Item(Struct, frozen=True):
    """One entry of a list, with the reason shown next to it."""

    text: str
    why: Optional[str] = None


class EnvOptions(NamedTuple):
    """Options of `hpcgen env` that are not part of a job's request."""

    packages: Tuple[str, ...] = ()
    mpi4py: Optional[str] = None
    intel_channel: bool = False
    file: Optional[str] = None


class Installation(Struct, frozen=True, kw_only=True):
    """The values for `templates/environments`. `place` is conda's name or path, or the folder."""

    kind: Kind
    way: Optional[str]
    place: str
    header: Tuple[str, ...]
    setup: Setup
    modules: Tuple[str, ...] = ()
    python: str = "python"
    inherits: bool = False
    prefix: bool = False
    channels: Tuple[Item, ...] = ()
    dependencies: Tuple[Item, ...] = ()
    pip: Tuple[Item, ...] = ()
    mpi4py: Optional[str] = None
    compiler: Optional[str] = None
    why: Optional[str] = None
    library: Optional[str] = None
    notes: Tuple[str, ...] = ()


def choose(site: Site, merged: Merged, asked: EnvOptions = EnvOptions()) -> Installation:
    """The environment that fits the site. Raises RequestError for contradictions, also with the site's facts."""
    request, origins = merged
    workload = request.workload or workloads.DEFAULT
    kind, origin = _kind(site, request, origins)
    place, notes = _place(site, request, kind, workload)
    standard, more = wanted(workload, asked.packages)
    mpi = next((package for package in standard if package.key == "mpi4py"), None)
    rest = [package for package in standard if package is not mpi]
    way, because = _way(site, kind, asked, mpi)
    _refuse(site, kind, way, asked)
    if kind == "conda" and request.python and origins["python"].kind in ("flag", "file"):
        raise RequestError(f"--python {request.python}: conda installs its own: leave it out, or use --package python==3.12")
    made = msgspec.structs.replace(
        _prepared(site, merged, kind, place, way),
        why=because,
        notes=(f"{kind}: {origin}", *notes, *_notes(site, request, kind, asked)),
    )
    if kind == "conda":
        made = _conda(site, made, mpi, rest, more, asked.intel_channel)
    else:
        made = _by_pip(site, made, mpi, [*rest, *more])
    return msgspec.structs.replace(made, header=tuple(map(printable, _header(site, made, merged, origin, asked))))


def _prepared(site: Site, merged: Merged, kind: Kind, place: str, way: Optional[str]) -> Installation:
    """The modules loaded before the installation, and the compiler for mpi4py."""
    request, origins = merged
    named = msgspec.structs.replace(request, **{**dict.fromkeys(KINDS), kind: place})
    launcher = site.mpi.launcher if workloads.get(request.workload or workloads.DEFAULT).mpi else "none"
    ready = msgspec.structs.replace(setup(site, named, origins, launcher, launcher != "none"), env=())
    return Installation(
        kind=kind,
        way=way,
        place=place,
        header=(),
        setup=ready,
        modules=tuple(name for name in site.environment.modules if way == "source" and name not in ready.modules),
        python=request.python or site.python,
        inherits=way == "module",
        prefix=kind == "conda" and _is_path(place),
        compiler=_compiler(site) if way == "source" else None,
        library=_library(site, way),
    )


def context(made: Installation) -> Dict[str, object]:
    """What a form may name. `loaded` is the script's set-up before the venv is there, `activated` the rest."""
    activated = Setup(venv=made.setup.venv)
    loaded = msgspec.structs.replace(made.setup, venv=None)
    return {"environment": made, "loaded": loaded, "activated": activated, "container": None, "staging": None}


def _kind(site: Site, request: Request, origins: Origins) -> Tuple[Kind, Origin]:
    """What was asked for; else what the site's pages use; else what its modules bring."""
    given: List[Kind] = [kind for kind in KINDS if getattr(request, kind)]
    if len(given) > 1:
        raise RequestError(f"{' and '.join(f'--{kind}' for kind in given)} exclude each other: give one of them")
    if given:
        return given[0], origins[given[0]]
    if site.environment.kind:
        return site.environment.kind, site.cite("environment", "kind")
    if site.modules.conda:
        return "conda", site.cite("modules", "conda")
    return "venv", Origin("rule", f"{site.id} names no conda")


def _is_path(name: str) -> bool:
    return "/" in name or name.startswith("~")


def _place(site: Site, request: Request, kind: Kind, workload: str) -> Tuple[str, List[str]]:
    given: Optional[str] = getattr(request, kind)
    if kind == "conda" and given and not _is_path(given) and (bad := set(given) & set(" :#")):
        raise RequestError(f"--conda {given}: a name cannot contain {' or '.join(map(repr, sorted(bad)))}: leave it out")
    if kind == "userbase" and given and ":" in given:
        raise RequestError(f"--userbase: '{given}' contains ':', which separates folders on PATH: use a folder without one")
    if given:
        return given, []
    place = {"conda": workload, "venv": f"~/venvs/{workload}", "userbase": "~/.local"}[kind]
    better = ""
    if site.environment.place:
        better = f"; the site recommends a folder in {site.environment.place} ({_brief(site.cite('environment', 'place'))})"
    return place, [f"assumed: --{kind} {place}{better}"]


def _brief(origin: Origin) -> str:
    return f"{origin.source}, {origin.date}" if origin.source else origin.text


def _python_notes(site: Site, request: Request, kind: Kind) -> List[str]:
    """A note: a venv or a user base belongs to the Python that made it."""
    if kind == "conda" or request.module or request.python or site.modules.python:
        return []
    if schedulers.get(site.scheduler.type).one_machine:
        return []
    return [f"the profile of {site.id} names no Python module: `python` is the one on PATH; use --module NAME for another"]


def _notes(site: Site, request: Request, kind: Kind, asked: EnvOptions) -> List[str]:
    notes = [INTEL_NOTE] if asked.intel_channel else []
    notes += _python_notes(site, request, kind)
    notes += [f"{site.id} is retired: use its successor, {site.successor}"] if site.successor else []
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when == kind]


def _way(site: Site, kind: Kind, asked: EnvOptions, mpi: Optional[Package]) -> Tuple[Optional[str], Optional[str]]:
    """How to install mpi4py, and the fact behind the choice."""
    if asked.mpi4py is not None:
        if asked.mpi4py not in WAYS:
            raise RequestError(f"--mpi4py {asked.mpi4py}: unknown way to install it{among(asked.mpi4py, list(WAYS))}")
        if mpi is None:
            raise RequestError(f"--mpi4py {asked.mpi4py}: this workload does not use MPI: leave it out, or use --workload mpi")
        return asked.mpi4py, "flag --mpi4py"
    if mpi is None:
        return None, None
    by_flavour = str(site.cite("mpi", "flavour")) if site.mpi.flavour else f"rule: {site.id} names no MPI"
    return _conda_way(site, by_flavour) if kind == "conda" else _pip_way(site, mpi, by_flavour)


def _conda_way(site: Site, by_flavour: str) -> Tuple[str, str]:
    if site.environment.mpi4py:
        return {"conda": "conda", "pip": "source"}[site.environment.mpi4py], str(site.cite("environment", "mpi4py"))
    return ("external" if mpis.get(site.mpi.flavour).external else "conda"), by_flavour


def _pip_way(site: Site, mpi: Package, by_flavour: str) -> Tuple[str, str]:
    if "mpi4py" in site.environment.carries and not mpi.version:
        return "module", str(site.cite("environment", "carries"))
    here = site.mpi.flavour is None and schedulers.get(site.scheduler.type).one_machine
    if here or (mpis.get(site.mpi.flavour).wheel_joins and not site.modules.mpi):
        return "wheel", f"{by_flavour}; no module for MPI is known"
    return "source", by_flavour


def _refuse(site: Site, kind: Kind, way: Optional[str], asked: EnvOptions) -> None:
    flavour = mpis.get(site.mpi.flavour)
    if way in ("conda", "external") and kind != "conda":
        raise RequestError(f"--mpi4py {way}: this needs conda: use --conda NAME, or --mpi4py source")
    if way == "wheel" and kind == "conda":
        raise RequestError("--mpi4py wheel: a conda environment needs conda's package: use --mpi4py conda")
    if way == "module" and (kind == "conda" or "mpi4py" not in site.environment.carries):
        raise RequestError(f"--mpi4py module: the modules of {site.id} are not known to have it here: use --mpi4py source")
    if way == "external" and not flavour.external:
        raise RequestError(f"--mpi4py external: {site.id}'s MPI is neither MPICH nor Open MPI: use --mpi4py source")
    if asked.intel_channel and not (kind == "conda" and way == "conda" and flavour.vendor_channel):
        raise RequestError(
            "--intel-channel: it only applies if conda installs Intel MPI: leave it out, or use --conda NAME"
        )


def _compiler(site: Site) -> str:
    """The MPI compiler for mpi4py's build."""
    return site.environment.compiler or mpis.get(site.mpi.flavour).compiler


def _library(site: Site, way: Optional[str]) -> Optional[str]:
    """Text that MPI_Get_library_version must contain, or None if the MPI is unknown. A wheel of MPICH is not Cray's MPICH."""
    flavour = mpis.get(site.mpi.flavour)
    if way in ("wheel", "conda") and not site.mpi.flavour:
        flavour = mpis.by_wheel(flavour.wheel)
    if way == "wheel" and flavour.stands_in:
        flavour = mpis.get(flavour.stands_in)
    return flavour.library or None if way else None


def _by_pip(site: Site, made: Installation, mpi: Optional[Package], others: List[Package]) -> Installation:
    """The packages that pip installs after mpi4py; if mpi4py is a wheel, together with it and a wheel of the MPI."""
    pip = [Item(package.pip()) for package in others]
    if mpi and made.way == "wheel":
        brought, others = library(mpis.get(site.mpi.flavour), False, others)
        pip = [Item(package.pip()) for package in (mpi, brought, *others)]
    return msgspec.structs.replace(made, pip=tuple(pip), mpi4py=mpi.pip() if mpi and made.way == "source" else None)


def _conda(
    site: Site, made: Installation, mpi: Optional[Package], rest: List[Package], more: List[Package], intel_channel: bool
) -> Installation:
    """Channels, strongest first, and packages. pip installs what must be built against the site's MPI after the rest."""
    way, flavour = made.way, mpis.get(site.mpi.flavour)
    needed, pip = [], []
    if mpi and way in ("conda", "external"):
        brought, more = library(flavour, True, more)
        needed = _with_mpi(made, mpi, brought)
    elif mpi:
        pip = [package for package in rest if package.key in ON_MPI4PY]
        rest = [package for package in rest if package not in pip]
    python = [] if any(package.key == "python" for package in more) else [Item("python")]
    dependencies = [*python, *needed, *(Item(package.conda()) for package in (*rest, *more))]
    if mpi and way == "source":
        dependencies.append(Item("pip"))
        lines = [Item(f"--no-binary={mpi.name}", made.why), Item(mpi.pip()), *(Item(package.pip()) for package in pip)]
        made = msgspec.structs.replace(made, pip=tuple(lines), mpi4py=mpi.pip())
    channels = _channels(flavour, way, intel_channel)
    return msgspec.structs.replace(made, channels=tuple(channels), dependencies=tuple(dependencies))


def _channels(flavour: Flavour, way: Optional[str], intel_channel: bool) -> List[Item]:
    """Strongest first: conda-forge, the MPI vendor's channel, and the channel with empty packages in place of an MPI."""
    explains = way == "conda" and flavour.vendor_channel and not intel_channel
    found = [Item(FORGE, FORGE_WHY if explains else None)]
    if intel_channel:
        found.append(Item(str(flavour.vendor_channel), INTEL_WHY))
    if way == "external":
        found.append(Item(EXTERNAL, EXTERNAL_WHY))
    return found


def _with_mpi(made: Installation, mpi: Package, brought: Package) -> List[Item]:
    """mpi4py, and the MPI that conda installs for it, or an empty package in its place."""
    if made.way == "external":
        return [Item(f"{EXTERNAL}::{brought.conda()}", made.why), Item(mpi.conda())]
    return [Item(brought.conda(), made.why), Item(mpi.conda(), f"the build for {brought.name}")]


def _header(site: Site, made: Installation, merged: Merged, origin: Origin, asked: EnvOptions) -> List[str]:
    """The first lines: how the file was made, why it is of this kind, how to install from it, and how to run with it."""
    extra = [word for name in asked.packages for word in ("--package", name)]
    extra += ["--mpi4py", asked.mpi4py] if asked.mpi4py is not None else []
    extra += ["--intel-channel"] if asked.intel_channel else []
    request = Request(**{key: getattr(merged.request, key) for key in ("site", "workload", *KINDS, "module", "python")})
    lines = [*header.lines(site, request, merged.origins, "env", *extra), ""]
    lines.append(f"{made.kind}: {origin}")
    if made.way:
        flavour = f" ({site.mpi.flavour})" if site.mpi.flavour else ""
        lines.append(f"mpi4py{flavour}: {WAYS[made.way]}: {made.why}")
    return [*lines, "", *_steps(site, made, merged.request, asked.file)]


def _steps(site: Site, made: Installation, request: Request, file: Optional[str]) -> List[str]:
    """The commands for a shell on a login node, and the command that submits a job with the new environment."""
    words = ["--workload", request.workload] if request.workload else []
    words += [word for name in request.module for word in ("--module", name)]
    words += ["--python", request.python] if request.python and made.kind == "userbase" else []
    job = f"{shell.comment([*header.starts(site, request), *words, f'--{made.kind}', made.place])} PROGRAM"
    if made.kind != "conda":
        return [f"install: bash {shell.path(file or f'{made.kind}.sh')}", f"then:    {job}"]
    variables = f"MPICC={shell.word(made.compiler)} PIP_NO_CACHE_DIR=1 " if made.compiler else ""
    prefix = f"--prefix {shell.path(made.place)} " if made.prefix else ""
    loads = [f"module load {shell.word(name)}" for name in (*made.setup.modules, *made.modules)]
    purge = [f"module {made.setup.purge}"] if made.setup.purge and loads else []
    purge += [f"module use {shell.word(folder)}" for folder in made.setup.use if loads]
    create = f"{variables}conda env create {prefix}--file {shell.path(file or FILE)}"
    return ["install:", *(f"    {line}" for line in (*purge, *loads, create)), f"then: {job}"]
