"""What a miniature needs of this machine, and what a test does when it is not there."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import apptainer, frameworks, mpi, suites

PROGRAMS = (
    "slurmctld",
    "slurmd",
    "sbatch",
    "munged",
    "sge_qmaster",
    "sge_execd",
    "qsub",
    "debootstrap",
    "ip",
    "nsenter",
    "unshare",
    "setpriv",
)


def missing() -> list[str]:
    if os.geteuid() != 0:
        return ["root"]
    found = [name for name in PROGRAMS if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if not Path("/usr/share/lmod").is_dir():
        found.append("Lmod")
    found += [
        f"an environment with {kind}" for suite, kinds in mpi.WANTED.items() for kind in kinds if not mpi.ready(suite, kind)
    ]
    found += [] if (mpi.OLDER / "complete").exists() else ["an older Dask"]
    found += frameworks.missing()
    found += [f"a root of Debian {suite}" for suite in ("trixie", "unstable") if not suites.ready(suite)]
    return found + ([] if apptainer.ready() else ["a container image"])


def or_skip() -> None:
    """Call at the head of a test module: one line says what is not there. In CI that is a failure."""
    import pytest

    lacks = missing()
    if not lacks:
        return
    line = f"miniature clusters need {', '.join(lacks)}: run tests/cluster/install as root on Debian 12"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line, allow_module_level=True)


def install() -> None:
    """Fill the caches; what is there already stays."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:  # half of the work waits for the network
        jobs = [pool.submit(suites.install, suite, suite, suites.PACKAGES[suite]) for suite in ("unstable", "trixie")]
        jobs += [pool.submit(mpi.install, "", kind, []) for kind in mpi.KINDS]
        jobs.append(pool.submit(mpi.install_older))
        jobs += [pool.submit(mpi.install_old, place, python) for place, python in mpi.old_pythons().items()]
        jobs += [pool.submit(frameworks.install, name) for name in frameworks.PACKAGES]
        if not apptainer.built():
            jobs.append(pool.submit(apptainer.image_root))
        for job in jobs:
            job.result()
        jobs = [pool.submit(apptainer.install)]
        for suite in ("trixie", "unstable"):
            jobs += [pool.submit(mpi.install, suite, kind, suites.inside(suites.root(suite))) for kind in mpi.WANTED[suite]]
        for job in jobs:
            job.result()
