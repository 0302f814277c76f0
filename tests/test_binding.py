"""Ranks with threads: who binds them, OpenMP's variables only where ranks are bound, and hardware threads by the profile."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from stubs import LOCAL, SLURM, flags
from test_parsed import SITES

from hpcgen import plan, render
from hpcgen.errors import HpcgenError
from hpcgen.site import decode


def script(site: Dict[str, Any], **asked: Any) -> str:
    return render(plan(decode("stub", site, "stub.toml"), flags(**{"workload": "mpi", "ntasks": 4, "program": "./x", **asked})))


def of(flavour: str, launcher: str, scheduler: str = "slurm") -> Dict[str, Any]:
    kind = {"type": scheduler, "source": "x"}
    return {**SLURM, "scheduler": kind, "mpi": {"flavour": flavour, "launcher": launcher, "source": "x"}}


BOUND = [
    (of("intel", "srun"), {}, "srun --cpus-per-task=3 --cpu-bind=cores ./x"),
    (of("intel", "srun"), {"hint": "nomultithread"}, "srun --cpus-per-task=3 ./x"),
    (of("intel", "mpirun"), {}, "I_MPI_PIN_DOMAIN=omp mpirun -n 4 ./x"),
    (of("mpich", "mpiexec"), {"exclusive": True}, "mpiexec -bind-to core:3 -n 4 ./x"),
    (of("openmpi", "mpirun"), {"nodes": 2}, "mpirun --map-by ppr:2:node:PE=3 -n 4 ./x"),
    (SITES["polaris"], {}, "mpiexec -n 4 --ppn 4 --depth 3 --cpu-bind depth ./x"),
]
UNBOUND = [
    (of("openmpi", "mpirun"), {}, "mpirun --bind-to none -n 4 ./x"),
    (of("mpich", "mpiexec"), {}, "mpiexec -n 4 ./x"),
    (SITES["flux"], {}, "flux run -n 4 -c 3 ./x"),
]


@pytest.mark.parametrize("site, asked, line", BOUND, ids=lambda value: value if isinstance(value, str) else "")
def test_threads_are_bound_where_ranks_are(site: Dict[str, Any], asked: Dict[str, Any], line: str) -> None:
    text = script(site, cpus_per_task=3, **asked)
    assert line in text.splitlines() and "export OMP_PLACES=cores\nexport OMP_PROC_BIND=close\n" in text
    own = script(site, cpus_per_task=3, env={"OMP_PROC_BIND": "spread"}, **asked)
    assert "export OMP_PROC_BIND=spread\n" in own and "OMP_PROC_BIND=close" not in own


@pytest.mark.parametrize("site, asked, line", UNBOUND, ids=lambda value: value if isinstance(value, str) else "")
def test_threads_are_not_bound_where_ranks_are_not(site: Dict[str, Any], asked: Dict[str, Any], line: str) -> None:
    """All ranks' threads would else share the first cores."""
    text = script(site, cpus_per_task=3, **asked)
    assert line in text.splitlines() and "OMP_P" not in text


def test_one_thread_and_other_workloads_are_left_alone() -> None:
    assert "OMP_P" not in script(SLURM) and "cpu-bind" not in script(SLURM)
    other = script(SLURM, workload="dask-mpi", ntasks=4, cpus_per_task=3, program="x.py")
    assert "OMP_P" not in other and "cpu-bind" not in other


THREAD, CORE = ({**SLURM, "cpu": {"unit": unit, "source": "x"}} for unit in ("thread", "core"))


def test_hardware_threads_by_the_profile() -> None:
    assert "#SBATCH --hint=nomultithread\n" in script(THREAD, hyperthreads=False)
    assert "#SBATCH --threads-per-core=2\n" in script(CORE, hyperthreads=True)
    for site, asked in ((THREAD, True), (CORE, False)):
        text = script(site, hyperthreads=asked)
        assert "--hint" not in text and "#SBATCH --threads-per-core" not in text


PBS = {**SITES["pbs"], "cpu": {"unit": "thread", "source": "x"}}
ONE = {**CORE, "nodes": {"a": {"cores": 8, "source": "x"}}}


@pytest.mark.parametrize("site, asked, why", [
    (PBS, {"hyperthreads": False}, "only Slurm"), (ONE, {"hyperthreads": True}, "no node"),
    (THREAD, {"hyperthreads": False, "hint": "multithread"}, "leave out one"),
    (LOCAL, {"hyperthreads": True}, "only Slurm"),
])  # fmt: skip
def test_refusals(site: Dict[str, Any], asked: Dict[str, Any], why: str) -> None:
    with pytest.raises(HpcgenError, match=why):
        script(site, **asked)
