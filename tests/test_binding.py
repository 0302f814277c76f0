"""Ranks with threads: who binds them, OpenMP's variables only where ranks are bound, and hardware threads by the profile."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from stubs import LOCAL, SLURM, flags
from test_parsed import SITES

from hpcgen import plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.profiles.load import decode


def script(site: Dict[str, Any], **asked: Any) -> str:
    return render(plan(decode("stub", site, "stub.toml"), flags(**{"workload": "mpi", "ntasks": 4, "program": "./x", **asked})))


def of(flavour: str, launcher: str, scheduler: str = "slurm") -> Dict[str, Any]:
    kind = {"type": scheduler, "source": "x"}
    return {**SLURM, "scheduler": kind, "mpi": {"flavour": flavour, "launcher": launcher, "source": "x"}}


OMPI_BOUND = "mpirun -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND "
BOUND = [
    (of("intel", "srun"), {}, "srun --cpus-per-task=3 --cpu-bind=cores ./x"),
    (of("intel", "srun"), {"hint": "nomultithread"}, "srun --cpus-per-task=3 ./x"),
    (of("intel", "mpirun"), {}, "I_MPI_PIN_DOMAIN=omp mpirun -n 4 ./x"),
    (of("mpich", "mpiexec"), {"exclusive": True}, "mpiexec -bind-to core:3 -n 4 ./x"),
    (of("openmpi", "mpirun"), {"nodes": 2, "exclusive": True}, OMPI_BOUND + "--map-by ppr:2:node:PE=3 -n 4 ./x"),
    (SITES["polaris"], {}, "mpiexec -n 4 --ppn 4 --depth 3 --cpu-bind depth ./x"),
]
UNBOUND = [
    (of("openmpi", "mpirun"), {}, "mpirun -x OMP_NUM_THREADS --bind-to none -n 4 ./x"),
    (of("openmpi", "mpirun"), {"nodes": 2}, "mpirun -x OMP_NUM_THREADS --bind-to none -n 4 ./x"),
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


def threaded(flavour: str, launcher: str, unit: str) -> Dict[str, Any]:
    """A site whose cores have two hardware threads each, and call one of these a CPU, or the core."""
    nodes = {"a": {"cores": 8, "threads_per_core": 2, "source": "x"}}
    return {**of(flavour, launcher), "cpu": {"unit": unit, "source": "x"}, "nodes": nodes}


ALONE: Dict[str, Any] = {"nodes": 2, "exclusive": True}
FREE = "env -u SLURM_HINT -u SLURM_THREADS_PER_CORE "
MEANINGS = [
    ("intel", "srun", "thread", {}, "srun --cpus-per-task=3 --cpu-bind=threads ./x"),
    ("intel", "srun", "core", {}, "srun --cpus-per-task=3 --threads-per-core=1 --cpu-bind=cores ./x"),
    ("intel", "srun", "core", {"hyperthreads": True}, "srun --cpus-per-task=3 --cpu-bind=threads ./x"),
    ("intel", "srun", "thread", {"hyperthreads": False}, "srun --cpus-per-task=3 ./x"),
    ("intel", "srun", "thread", {"threads_per_core": 1}, "srun --cpus-per-task=3 --cpu-bind=cores ./x"),
    ("intel", "mpirun", "thread", {}, "I_MPI_PIN_DOMAIN=omp mpirun -n 4 ./x"),
    ("intel", "mpirun", "core", {}, "I_MPI_PIN_CELL=core I_MPI_PIN_DOMAIN=omp mpirun -n 4 ./x"),
    ("intel", "mpirun", "thread", {"hyperthreads": False}, FREE + "I_MPI_PIN_CELL=core I_MPI_PIN_DOMAIN=omp mpirun -n 4 ./x"),
    ("openmpi", "mpirun", "thread", ALONE, OMPI_BOUND + "--use-hwthread-cpus --map-by ppr:2:node:PE=3 -n 4 ./x"),
    ("openmpi", "mpirun", "core", ALONE, OMPI_BOUND + "--map-by ppr:2:node:PE=3 -n 4 ./x"),
    ("openmpi", "mpirun", "thread", {"hyperthreads": False}, FREE + "mpirun -x OMP_NUM_THREADS --bind-to none -n 4 ./x"),
    ("mpich", "mpiexec", "thread", ALONE, "mpiexec -bind-to hwthread:3 -n 4 ./x"),
    ("mpich", "mpiexec", "core", ALONE, "mpiexec -bind-to core:3 -n 4 ./x"),
]


@pytest.mark.parametrize("flavour, launcher, unit, asked, line", MEANINGS)
def test_a_cpu_is_bound_as_what_it_is(flavour: str, launcher: str, unit: str, asked: Dict[str, Any], line: str) -> None:
    """Each line was seen to give these CPUs: tests/cluster/test_binding.py."""
    assert line in script(threaded(flavour, launcher, unit), cpus_per_task=3, **asked).splitlines()


def test_a_task_of_one_thread_that_has_a_core_leaves_its_number_to_slurm() -> None:
    """Two would share a thread: seen in tests/cluster/test_binding.py, and in the gallery's cases on newer Slurms."""
    site = {**threaded("intel", "srun", "thread"), "cpu": {"unit": "thread", "task_per_core": True, "source": "x"}}
    assert "env -u SLURM_CPUS_PER_TASK -u SLURM_TRES_PER_TASK srun ./x" in script(site).splitlines()
    site["nodes"]["a"]["gpus"] = 4
    for asked in ({"hyperthreads": False}, {"threads_per_core": 1}, {"gpus_per_task": "1"}):
        assert "srun --cpus-per-task=1 ./x" in script(site, **asked).splitlines()
    for unit in ("core", "thread"):
        assert "srun --cpus-per-task=1 ./x" in script(threaded("intel", "srun", unit)).splitlines()


PBS = {**SITES["pbs"], "cpu": {"unit": "thread", "source": "x"}}
ONE = {**CORE, "nodes": {"a": {"cores": 8, "source": "x"}}}


@pytest.mark.parametrize("site, asked, why", [
    (PBS, {"hyperthreads": False}, "only Slurm"), (ONE, {"hyperthreads": True}, "no node"),
    (THREAD, {"hyperthreads": False, "hint": "multithread"}, "give one of them"),
    (LOCAL, {"hyperthreads": True}, "only Slurm"),
])  # fmt: skip
def test_refusals(site: Dict[str, Any], asked: Dict[str, Any], why: str) -> None:
    with pytest.raises(HpcgenError, match=why):
        script(site, **asked)
