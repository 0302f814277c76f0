"""Images that are kept: built by real Apptainer from what `hpcgen container` writes, over a local Debian."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import apptainer, mpi, suites

if TYPE_CHECKING:
    from hpcgen.profiles.site import Site


def log(name: str) -> Path:
    """What the build of this image said, its `%test` last."""
    return mpi.CACHE / "images" / f"{name}.log"


def made(name: str, site: Site, workload: str = "dask-mpi", packages: tuple[str, ...] = (), suite: str = "trixie") -> Path:
    """The image of this name in the cache, built anew where its definition has changed, its `%test` held."""
    from hpcgen.install import container
    from hpcgen.request.layers import Layer, merge
    from hpcgen.script.render import document

    asked = merge([Layer("file", "request", {"workload": workload})])
    chosen = container.choose(site, asked, container.ImageOptions(packages=packages, base=str(apptainer.base(suite))))
    text = document("definitions/pip.def", container.context(chosen))
    place = mpi.CACHE / "images" / f"{name}.sif"
    recipe = place.with_suffix(".def")
    if not (place.exists() and log(name).exists() and recipe.exists() and recipe.read_text() == text):
        place.unlink(missing_ok=True)
        recipe.write_text(text)
        own = suites.wheels() if suite not in suites.SUITES else ()  # whose base was made with them in place
        log(name).write_text(apptainer.build(str(recipe), Path(f"{place}.part"), wheels=own))
        Path(f"{place}.part").rename(place)
    return place


def of(kind: str) -> Path:
    """An image that has this MPI of mpi.py."""
    from hpcgen import load

    if kind == "impi":
        return apptainer.IMAGE
    name = {"mpich": "kestrel", "openmpi": "m3-smu"}[kind]
    return made(name, load(name))
