"""Ray and PyTorch for jobs: wheels in environments of their own, of this machine's Python."""
from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import from_site, images, mpi

if TYPE_CHECKING:
    from hpcgen.profiles.site import Site

    from .shape import Shape

# - ray-2.9 has no `symmetric-run`, no tokens and fixed default ports; its wheel still asks setuptools for pkg_resources.
# - The local version of PyTorch is its build without CUDA: 0.2 GB to fetch, 0.9 GB on disk. PyPI's own brings several GB of
#   CUDA along, so where only that can be had, none is installed, and the tests of torchrun say so.
PACKAGES = {"ray": ("ray",), "ray-2.9": ("ray==2.9.3", "setuptools<81"), "torch": ("torch==2.13.0+cpu",)}
OPTIONAL = {"torch": "no CPU build of PyTorch can be had here (torch==2.13.0+cpu); the registry's has CUDA's several GB"}


WORKLOADS = {"ray": "ray", "torch": "torchrun"}


def venv(name: str) -> Path:
    return mpi.venv("", name)


def ready(name: str) -> bool:
    return (venv(name) / "complete").exists()


def install(name: str) -> None:
    place = venv(name)
    if ready(name):
        return
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/usr/bin/python3", "-m", "venv", str(place)], check=True)
    done = subprocess.run([f"{place}/bin/python", "-m", "pip", *mpi.PIP, *PACKAGES[name]])
    if done.returncode and name in OPTIONAL:
        shutil.rmtree(place)
        return
    done.check_returncode()
    (place / "complete").touch()


def missing() -> list[str]:
    return [f"an environment with {name}" for name in PACKAGES if name not in OPTIONAL and not ready(name)]


PROFILE = """
name = "Frameworks"
operator = "nobody"
country = "NZ"
status = "active"
[sources.here]
title = "This test"
url = "https://example.org/"
read = 2026-11-21
[scheduler]
type = "slurm"
source = "here"
[mpi]
pmi = "pmi2"
source = "here"
[network]
interface = "ib0"
source = "here"
[nodes.node]
cores = 8
mem = "16G"
gpus = 2
source = "here"
[partitions.all]
nodes = ["node"]
default = true
source = "here"
[partitions.whole]
nodes = ["node"]
whole_nodes = "always"
source = "here"
"""
NODE = (8, 16 << 10)  # its CPUs and MiB


def site() -> Site:
    from hpcgen.profiles.load import decode

    try:
        import tomllib
    except ImportError:  # before Python 3.11
        import tomli as tomllib
    return decode("frameworks", tomllib.loads(PROFILE), "frameworks.toml")


def image(name: str) -> Path:
    """An image with this framework, as `hpcgen container` defines it."""
    pinned = tuple(package for package in PACKAGES[name][:1] if "==" in package)
    # this machine's Debian, for whose Python wheels are at hand
    return images.made(name, site(), workload=WORKLOADS[name], packages=pinned, suite="bookworm" if pinned else "trixie")


def shape(name: str) -> Shape:
    """Three hosts with a fast network beside the slow one, and a partition that shares no node."""
    made = from_site.shape(site())
    rule = {"whole": {"OverSubscribe": "EXCLUSIVE"}}
    partitions = tuple(dataclasses.replace(one, options={**one.options, **rule.get(one.name, {})}) for one in made.partitions)
    return dataclasses.replace(made, name=f"test-{name}", partitions=partitions)


def script(framework: str, **request: Any) -> str:
    """A script that runs in the environment with this framework."""
    from hpcgen import plan, render
    from hpcgen.request.layers import Layer, merge

    values = {"site": "frameworks", "venv": str(venv(framework)), "time": "10m", **request}
    values = {key: value for key, value in values.items() if value is not None}
    return render(plan(site(), merge([Layer("file", "request", values)])))
