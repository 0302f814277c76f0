"""Packages to install, in the spelling of pip and of conda, and the ways to install mpi4py."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Literal, NamedTuple, Tuple

from hpcgen import workloads
from hpcgen.base.errors import RequestError
from hpcgen.launch.mpis import Flavour

VERSION = r"(?:===?|~=|!=|<=|>=|<|>|=)[A-Za-z0-9.*+!_-]+"
# One requirement in the syntax that both understand: no addresses, paths, options or shell characters.
FORM = re.compile(
    r"(?:(?P<channel>[A-Za-z0-9][A-Za-z0-9._/-]*)::)?(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    rf"(?:\[(?P<extras>[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*)\])?(?P<version>{VERSION}(?:,{VERSION})*)?"
    r"(?P<build>=[A-Za-z0-9_*]+)?"
)

# The conda-forge packages of these depend on its mpi4py and an MPI.
ON_MPI4PY = frozenset({"dask-mpi"})
# Ways to install mpi4py.
WAYS = {
    "module": "the site's module brings it",
    "source": "built by pip against the site's MPI",
    "wheel": "pip's wheel, beside a wheel of the site's MPI",
    "conda": "conda-forge's, with conda-forge's package of the site's MPI",
    "external": "conda-forge's, over the site's own MPI",
}
By = Literal["pip", "conda"]


class Package(NamedTuple):
    """A package and, if the user gave one, its version."""

    name: str
    conda_name: str
    extras: str = ""
    version: str = ""
    channel: str = ""
    build: str = ""

    @property
    def key(self) -> str:
        """The name in the form in which PyPI compares names. Source: PEP 503."""
        return re.sub(r"[-_.]+", "-", self.name).lower()

    def pip(self) -> str:
        """The requirement in the form of PEP 508. Raises RequestError for syntax that only conda has."""
        if self.channel or self.build:
            raise RequestError(f"--package {self.name}: only conda has channels and builds: write {self.name}==VERSION for pip")
        if re.match(r"=[^=]", self.version):
            raise RequestError(f"--package {self.name}{self.version}: for pip, write {self.name}={self.version}")
        return f"{self.name}{self.extras and f'[{self.extras}]'}{self.version}"

    def conda(self) -> str:
        """The match spec. Raises RequestError for syntax that only pip has."""
        if self.extras and self.conda_name == self.name:
            raise RequestError(f"--package '{self.name}[{self.extras}]': only pip has extras: name conda's own packages")
        return f"{self.channel and f'{self.channel}::'}{self.conda_name}{self.version}{self.build}"


def parse(text: str, conda_name: str = "") -> Package:
    """Raises RequestError unless the text is one package of an index or a channel."""
    found = FORM.fullmatch(text)
    if not found:
        raise RequestError(f"--package {text!r}: not a package: write numpy, numpy==2.1 or 'numpy>=2,<3'")
    part = {key: value or "" for key, value in found.groupdict().items()}
    return Package(part["name"], conda_name or part["name"], part["extras"], part["version"], part["channel"], part["build"])


def wanted(workload: str, asked: Iterable[str]) -> Tuple[List[Package], List[Package]]:
    """The packages of the workload, with mpi4py first if it runs under MPI, and the other requested packages.

    A requested package replaces the workload's package of the same name; this is how to pin a version.
    """
    own = {**({"mpi4py": "mpi4py"} if workloads.get(workload).mpi else {}), **workloads.get(workload).packages}
    given: Dict[str, Package] = {}
    for text in asked:
        package = parse(text)
        if package.key in given:
            raise RequestError(f"--package {package.name}: given twice: give it once")
        given[package.key] = package
    if "mpi4py" in given and "mpi4py" not in own:
        other = " ".join(f"--package {name}" for name in own)
        raise RequestError(
            f"--package mpi4py: --workload {workload} loads no MPI to build it with: use --workload mpi{other and f' {other}'}"
        )
    standard = [parse(name, conda) for name, conda in own.items()]
    return [given.pop(package.key, package) for package in standard], list(given.values())


def library(flavour: Flavour, by_conda: bool, asked: List[Package]) -> Tuple[Package, List[Package]]:
    """The MPI's own package, in the requested version if there is one, and the other packages that were `asked` for."""
    own = parse(flavour.conda if by_conda else flavour.wheel)
    found = next((package for package in asked if package.key == own.key), own)
    return found, [package for package in asked if package is not found]
