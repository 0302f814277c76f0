"""Real Apptainer: it lives in another Debian's root, which a job enters as its ordinary user, and runs a real image."""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from . import mpi, suites

TOP = "/opt/apptainer"
IMAGE = mpi.CACHE / "images" / "dask-mpi.sif"

# Two user namespaces: the first may change the root, the second gives the user his number back.
WRAPPER = f"""#!/bin/bash
exec unshare --user --map-root-user --mount -- {TOP}/bin/enter "$(id -u)" "$(id -g)" "$PWD" "${{0##*/}}" "$@"
"""
ENTER = f"""#!/bin/bash -e
user=$1 group=$2 folder=$3 program=$4
shift 4
mount --rbind {TOP}/root {TOP}/root
cd {TOP}/root
/usr/sbin/pivot_root . .
umount --lazy .
cd "$folder"
[ "$program" = singularity ] && program=singularity.apptainer
exec unshare --user --map-user="$user" --map-group="$group" -- "$program" "$@"
"""
# The image's own program: what it is to do stands in its input, as with most.
SIMULATE = """#!/bin/sh
exec python "$@"
"""
DEFINITION = """Bootstrap: localimage
From: {root}

# {root}/usr/local/bin/simulate is a program of the image's own

%environment
    export PATH=/opt/python/bin:$PATH

%runscript
    exec python "$@"
"""


def ready() -> bool:
    return suites.ready("unstable") and built()


def built() -> bool:
    """An image of this very definition is there."""
    recipe = IMAGE.with_suffix(".def")
    return IMAGE.exists() and recipe.exists() and recipe.read_text() == definition()


def definition() -> str:
    return DEFINITION.format(root=mpi.CACHE / "roots/image")


def files(modules_bring_it: bool) -> dict[str, str]:
    """Files of a host. A site has Apptainer everywhere unless it is a module there."""
    text = {f"{TOP}/bin/enter": ENTER, f"{TOP}/bin/apptainer": WRAPPER, f"{TOP}/bin/singularity": WRAPPER}
    if not modules_bring_it:
        text |= {"/usr/local/bin/apptainer": WRAPPER, "/usr/local/bin/singularity": WRAPPER}
    return text


def image_root() -> Path:
    root = suites.install("image", "trixie", ("python3", "python3-venv"))
    enter = suites.inside(root)
    subprocess.run([*enter, "/usr/bin/python3", "-m", "venv", "/opt/python"], check=True)
    subprocess.run([*enter, "/opt/python/bin/python", "-m", "pip", *mpi.PIP, mpi.KINDS["impi"], *mpi.SHARED], check=True)
    simulate = root / "usr/local/bin/simulate"
    simulate.write_text(SIMULATE)
    simulate.chmod(0o755)
    return root


def install() -> Path:
    """An image with Python, dask-mpi and Intel MPI, as a user's definition file would make it."""
    if built():
        return IMAGE
    IMAGE.unlink(missing_ok=True)
    root = image_root()
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    recipe = IMAGE.with_suffix(".def")
    recipe.write_text(definition())
    fast = "-comp zstd -Xcompression-level 1"  # built once a machine, read a few times
    build = ["apptainer", "build", "--force", "--mksquashfs-args", fast, f"{IMAGE}.part", str(recipe)]
    suites.quietly([*suites.inside(suites.root("unstable")), *build])
    Path(f"{IMAGE}.part").rename(IMAGE)
    shutil.rmtree(root)
    return IMAGE


FAST = "-comp zstd -Xcompression-level 1"
# All of it root's and without devices, so that an ordinary user can unpack it.
PLAIN = f"{FAST} -all-root -wildcards -e dev/*"


def base(suite: str = "trixie") -> Path:
    """A Debian with Python and nothing more, for definition files to start from: no registry of images can be reached."""
    image = mpi.CACHE / "images" / ("base.sif" if suite == "trixie" else f"base-{suite}.sif")
    if not image.exists():
        image.parent.mkdir(parents=True, exist_ok=True)
        kept = suite in suites.SUITES
        root = suites.root(suite) if kept else suites.install(suite, suite, ("python3", "python3-venv"))
        build(str(root), Path(f"{image}.part"), PLAIN)
        Path(f"{image}.part").rename(image)
        if not kept:
            shutil.rmtree(root)
    return image


def build(source: str, image: Path, packing: str = FAST, wheels: tuple[str, ...] = ()) -> str:
    """What Apptainer says as it builds an image from a definition file or a folder, and runs its test.

    By the root of a user namespace, as --fakeroot is where nobody has further user numbers; a folder by root himself. `wheels`
    are folders of this machine for pip, which must be in the image that it starts from, too.
    """
    settings = [path for path in suites.settings() if path not in ("/etc/resolv.conf", "/etc/hosts")]
    own = ["unshare", "--user", "--map-root-user", "--"] if source.endswith(".def") else []
    with tempfile.TemporaryDirectory(dir=mpi.CACHE) as room:
        line = [
            *suites.inside(suites.root("unstable")),
            "env",
            f"APPTAINER_TMPDIR={room}",
            *own,
            "apptainer",
            "build",
            "--force",
        ]
        line += [
            "--mksquashfs-args",
            packing,
            *(word for path in (*settings, *wheels) for word in ("--bind", path)),
            str(image),
            source,
        ]
        done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"apptainer build: status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout
