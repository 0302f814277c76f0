"""`hpcgen env` and `hpcgen container`: print files that install the software of jobs, or build an image with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional, Tuple, get_args

from hpcgen.cli import options
from hpcgen.cli.messages import note, put
from hpcgen.install.packages import WAYS, By
from hpcgen.request import fields as groups

PACKAGE = options.own("package", str, None, "--package", multiple=True, metavar="NAME[==VERSION]", group=groups.ENVIRONMENT,
                       help="additional package to install (repeatable)")  # fmt: skip
WRITE = options.own("write", Path, None, "--write", "-w", metavar="FILE", help="file to write, instead of stdout")
OF_ENV = (
    options.FILE, WRITE, options.FORCE, PACKAGE,
    options.own("mpi4py", str, None, "--mpi4py", metavar="|".join(WAYS), group=groups.ENVIRONMENT,
                help="how to install mpi4py, instead of how the site's documentation says"),
    options.own("intel_channel", bool, False, "--intel-channel", group=groups.ENVIRONMENT,
                help="install Intel MPI from Intel's conda channel"),
)  # fmt: skip
ENV_FIELDS = ("site", "workload", "conda", "venv", "userbase", "module", "python")
OF_CONTAINER = (
    options.FILE, WRITE, options.FORCE, PACKAGE,
    options.own("base", str, None, "--from", metavar="IMAGE", group=groups.CONTAINER,
                help="base image: docker://…, or a local file or folder"),
    options.own("by", str, None, "--by", metavar="|".join(get_args(By)), group=groups.CONTAINER,
                help="package manager that installs MPI and Python packages in the image"),
)  # fmt: skip
CONTAINER_FIELDS = ("site", "workload", "image")


def env(
    flags: Dict[str, Any],
    file: Optional[Path],
    write: Optional[Path],
    force: bool,
    package: Optional[Tuple[str, ...]],
    mpi4py: Optional[str],
    intel_channel: bool,
) -> None:
    """Print a file that installs the software of jobs: an environment.yml, or a script for a venv or `pip install --user`.

    \b
    hpcgen env --site mahuika --conda dask -w environment.yml
    hpcgen env --site vaughan --userbase ~/dask -w install.sh
    """
    from hpcgen.inputs.gather import gather
    from hpcgen.install import environment
    from hpcgen.script import render

    site, merged, rooms, _ = gather(flags, file)
    asked = environment.EnvOptions(tuple(package or ()), mpi4py, intel_channel, write.name if write else None)
    made = environment.choose(site, merged, asked)
    form, mode = ("conda.yml", 0o644) if made.kind == "conda" else (f"{made.kind}.sh", 0o755)
    note(*made.notes)
    put(render.document(f"environments/{form}", environment.context(made), rooms), write, force, mode)


def container(
    flags: Dict[str, Any],
    file: Optional[Path],
    write: Optional[Path],
    force: bool,
    package: Optional[Tuple[str, ...]],
    base: Optional[str],
    by: Optional[str],
) -> None:
    """Print the definition file of an image with the site's MPI. Build the image with `apptainer build`.

    \b
    hpcgen container --site mahuika -w dask-mpi.def
    hpcgen container --site mahuika --from base.sif --package numpy
    """
    from hpcgen.inputs.gather import gather
    from hpcgen.install import container as images
    from hpcgen.script import render

    site, merged, rooms, _ = gather(flags, file)
    asked = images.ImageOptions(tuple(package or ()), base, by, write.name if write else None)
    made = images.choose(site, merged, asked)
    note(*made.notes)
    put(render.document(f"definitions/{made.by}.def", images.context(made), rooms), write, force, 0o644)


ENV = options.command(env, *OF_ENV, names=ENV_FIELDS)
CONTAINER = options.command(container, *OF_CONTAINER, names=CONTAINER_FIELDS)
