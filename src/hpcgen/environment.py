"""Environments with a workload's packages and an mpi4py for the site's MPI: by conda, a venv, or pip's user base."""

from __future__ import annotations

from typing import Dict, List, Literal, NamedTuple, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen import header, shell, workloads
from hpcgen.errors import RequestError, among, printable
from hpcgen.job import Origin, Origins, Setup
from hpcgen.packages import LIBRARIES, ON_MPI4PY, WAYS, Package, library, wanted
from hpcgen.planning import DEFAULT_WORKLOAD
from hpcgen.request import Merged, Request
from hpcgen.site import Site
from hpcgen.software import setup

Kind = Literal["conda", "venv", "userbase"]
KINDS: Tuple[Kind, ...] = ("conda", "venv", "userbase")
FORGE = "conda-forge"
EXTERNAL = "conda-forge/label/mpi-external"
EXTERNAL_WHY = "empty packages in place of an MPI: the site's is loaded (conda-forge news, 2026-01-29)"
INTEL = "https://software.repos.intel.com/python/conda"
FORGE_WHY = "not `intel`, the channel of older pages: it is shut to visitors (IntelPython/dpctl#1734, 2024-07-17)"
INTEL_WHY = "Intel's own, last so that it takes no priority; `intel` at Anaconda is shut (IntelPython/dpctl#1734, 2024-07-17)"
# conda 24.7's own parser makes a channel of Anaconda's out of an address before ::, so that no package can be tied to it.
INTEL_NOTE = "conda takes from Intel's channel only what conda-forge does not have, because it comes last"
FILE = "environment.yml"


class Item(Struct, frozen=True):
    """One entry of a list, with the reason that stands beside it."""

    text: str
    why: Optional[str] = None


class Asked(NamedTuple):
    """What `hpcgen env` was asked beyond a job's request."""

    packages: Tuple[str, ...] = ()
    mpi4py: Optional[str] = None
    intel_channel: bool = False
    file: Optional[str] = None


class Environment(Struct, frozen=True, kw_only=True):
    """All that the forms of `templates/environments` name. `place` is conda's name or path, or the folder."""

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


def choose(site: Site, merged: Merged, asked: Asked = Asked()) -> Environment:
    """The environment that fits the site. Raises RequestError for what contradicts itself or the site."""
    request, origins = merged
    workload = request.workload or DEFAULT_WORKLOAD
    kind, origin = _kind(site, request, origins)
    place, notes = _place(site, request, kind, workload)
    standard, more = wanted(workload, asked.packages)
    mpi = next((package for package in standard if package.key == "mpi4py"), None)
    way, because = _way(site, kind, asked, mpi)
    _refuse(site, kind, way, asked)
    if kind == "conda" and request.python and origins["python"].kind in ("flag", "file"):
        raise RequestError(f"--python {request.python}: conda brings its own: leave it out, or --package python==3.12 instead")
    named = msgspec.structs.replace(request, **{**dict.fromkeys(KINDS), kind: place})
    launcher = site.mpi.launcher if workloads.get(workload).mpi else "none"
    ready = msgspec.structs.replace(setup(site, named, origins, launcher, launcher != "none"), env=())
    made = Environment(
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
        why=because,
        library=_library(site, way),
        notes=(f"{kind}: {origin}", *notes, *_notes(site, request, kind, asked)),
    )
    rest = [package for package in standard if package is not mpi]
    if kind == "conda":
        made = _conda(site, made, mpi, rest, more, asked.intel_channel)
    else:
        made = _by_pip(site, made, mpi, [*rest, *more])
    return msgspec.structs.replace(made, header=tuple(map(printable, _header(site, made, merged, origin, asked))))


def context(made: Environment) -> Dict[str, object]:
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
        raise RequestError(f"--conda: '{given}': conda takes no {'or '.join(map(repr, sorted(bad)))} in a name: leave it out")
    if kind == "userbase" and given and ":" in given:
        raise RequestError(f"--userbase: '{given}' has a ':' in it, which would part it in two on PATH")
    if given:
        return given, []
    place = {"conda": workload, "venv": f"~/venvs/{workload}", "userbase": "~/.local"}[kind]
    better = ""
    if site.environment.place:
        better = f"; better a folder in {site.environment.place} ({_brief(site.cite('environment', 'place'))})"
    return place, [f"assumed: --{kind} {place}{better}"]


def _brief(origin: Origin) -> str:
    return f"{origin.source}, {origin.date}" if origin.source else origin.text


def _python_notes(site: Site, request: Request, kind: Kind) -> List[str]:
    """A venv or a user base belongs to the Python that made it."""
    if kind == "conda" or request.module or request.python or site.modules.python or site.scheduler.type == "local":
        return []
    return [f"no module of {site.id} with Python is known: `python` is the shell's own; --module NAME takes another"]


def _notes(site: Site, request: Request, kind: Kind, asked: Asked) -> List[str]:
    notes = [INTEL_NOTE] if asked.intel_channel else []
    notes += _python_notes(site, request, kind)
    notes += [f"{site.id} is retired: its successor is {site.successor}"] if site.successor else []
    return notes + [f"{site.id}: {note.text}" for note in site.notes if note.when == kind]


def _way(site: Site, kind: Kind, asked: Asked, mpi: Optional[Package]) -> Tuple[Optional[str], Optional[str]]:
    """How mpi4py comes, and the fact that says so."""
    if asked.mpi4py is not None:
        if asked.mpi4py not in WAYS:
            raise RequestError(f"--mpi4py: '{asked.mpi4py}' is no way to have it{among(asked.mpi4py, list(WAYS))}")
        if mpi is None:
            raise RequestError(f"--mpi4py {asked.mpi4py}: this workload is without MPI: leave it out, or say --workload mpi")
        return asked.mpi4py, "flag --mpi4py"
    if mpi is None:
        return None, None
    facts, flavour = site.environment, site.mpi.flavour
    by_flavour = str(site.cite("mpi", "flavour")) if flavour else f"rule: {site.id} names no MPI"
    if kind == "conda":
        if facts.mpi4py:
            return {"conda": "conda", "pip": "source"}[facts.mpi4py], str(site.cite("environment", "mpi4py"))
        return ("external" if flavour in ("mpich", "cray-mpich", "openmpi") else "conda"), by_flavour
    if "mpi4py" in facts.carries and not mpi.version:
        return "module", str(site.cite("environment", "carries"))
    if (flavour == "intel" and not site.modules.mpi) or (flavour is None and site.scheduler.type == "local"):
        return "wheel", f"{by_flavour}; no module for MPI is known"
    return "source", by_flavour


def _refuse(site: Site, kind: Kind, way: Optional[str], asked: Asked) -> None:
    if way in ("conda", "external") and kind != "conda":
        raise RequestError(f"--mpi4py {way}: only conda has it: give --conda NAME, or --mpi4py source")
    if way == "wheel" and kind == "conda":
        raise RequestError("--mpi4py wheel: a conda environment takes conda's: --mpi4py conda")
    if way == "module" and (kind == "conda" or "mpi4py" not in site.environment.carries):
        raise RequestError(f"--mpi4py module: nothing says that {site.id}'s modules bring it here: --mpi4py source builds it")
    if way == "external" and site.mpi.flavour in (None, "intel"):
        raise RequestError(f"--mpi4py external: conda-forge has it for MPICH and Open MPI; {site.id}'s MPI is another")
    if asked.intel_channel and not (kind == "conda" and way == "conda" and site.mpi.flavour == "intel"):
        raise RequestError(
            "--intel-channel: only where conda brings Intel MPI, which is not so here: leave it out, or give --conda NAME"
        )


def _compiler(site: Site) -> str:
    """The MPI compiler for mpi4py's build. Sources: HPE's manual and mpi4py's, for Cray's `cc`."""
    return site.environment.compiler or ("cc" if site.mpi.flavour == "cray-mpich" else "mpicc")


def _library(site: Site, way: Optional[str]) -> Optional[str]:
    """What MPI_Get_library_version must contain, or None where nothing is known of it; a wheel of MPICH is not Cray's."""
    flavour = site.mpi.flavour or ("mpich" if way in ("wheel", "conda") else None)
    if way is None or flavour is None:
        return None
    return LIBRARIES["mpich" if flavour == "cray-mpich" and way == "wheel" else flavour]


def _by_pip(site: Site, made: Environment, mpi: Optional[Package], others: List[Package]) -> Environment:
    """What pip installs after mpi4py; where that is a wheel, in one go with a wheel of the MPI."""
    pip = [Item(package.pip()) for package in others]
    if mpi and made.way == "wheel":
        brought, others = library(site.mpi.flavour or "mpich", False, others)
        pip = [Item(package.pip()) for package in (mpi, brought, *others)]
    return msgspec.structs.replace(made, pip=tuple(pip), mpi4py=mpi.pip() if mpi and made.way == "source" else None)


def _conda(
    site: Site, made: Environment, mpi: Optional[Package], rest: List[Package], more: List[Package], intel_channel: bool
) -> Environment:
    """Channels, strongest first, and packages; what must be built against the site's MPI comes by pip, after the rest."""
    way, why = made.way, made.why
    brings_intel = way == "conda" and site.mpi.flavour == "intel" and not intel_channel
    channels, needed, pip = [Item(FORGE, FORGE_WHY if brings_intel else None)], [], []
    if way in ("conda", "external"):
        brought, more = library(site.mpi.flavour or "mpich", True, more)
    if intel_channel:
        channels.append(Item(INTEL, INTEL_WHY))
    if mpi and way == "conda":
        needed = [Item(brought.conda(), why), Item(mpi.conda(), f"the build for {brought.name}")]
    elif mpi and way == "external":
        channels.append(Item(EXTERNAL, EXTERNAL_WHY))
        needed = [Item(f"{EXTERNAL}::{brought.conda()}", why), Item(mpi.conda())]
    elif mpi:
        pip = [package for package in rest if package.key in ON_MPI4PY]
        rest = [package for package in rest if package not in pip]
    python = [] if any(package.key == "python" for package in more) else [Item("python")]
    dependencies = [*python, *needed, *(Item(package.conda()) for package in (*rest, *more))]
    if mpi and way == "source":
        dependencies.append(Item("pip"))
        lines = [Item(f"--no-binary={mpi.name}", why), Item(mpi.pip()), *(Item(package.pip()) for package in pip)]
        made = msgspec.structs.replace(made, pip=tuple(lines), mpi4py=mpi.pip())
    return msgspec.structs.replace(made, channels=tuple(channels), dependencies=tuple(dependencies))


def _header(site: Site, made: Environment, merged: Merged, origin: Origin, asked: Asked) -> List[str]:
    """The first lines: what made the file, why it is of this kind, how to install from it, and how to run with it."""
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


def _steps(site: Site, made: Environment, request: Request, file: Optional[str]) -> List[str]:
    """The commands for a shell on a login node, and the one that submits a job which activates what they made."""
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
