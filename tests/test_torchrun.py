"""--workload torchrun: what is asked of nodes, GPUs and processes, and what means nothing to it."""

from __future__ import annotations

from typing import Any

import pytest
from tiny import site

from hpcgen import Request, plan, render
from hpcgen.errors import RequestError
from hpcgen.units import Memory
from hpcgen.words import Token


def script(profile: Any = None, **asked: Any) -> str:
    return render(plan(profile or site(), Request(workload="torchrun", **{"program": "train.py", "mem": Memory(2048), **asked})))


def test_a_process_for_each_gpu() -> None:
    text = script(nodes=2, gpus=Token("h100:4"), cpus_per_task=8)
    assert "#SBATCH --gpus-per-node=h100:2" in text and "--nproc-per-node=2 train.py" in text
    assert "export OMP_NUM_THREADS=4" in text and "#SBATCH --ntasks-per-node=1" in text
    assert "--nproc-per-node=3 " in script(gpus=Token("2"), nproc_per_node=3, cpus_per_task=3)


def test_one_node_needs_no_launcher() -> None:
    line = script(nproc_per_node=2).splitlines()[-1]
    assert line == 'python -c "$torchrun" --standalone --nproc-per-node=2 train.py'


def test_slurm_starts_it_whatever_starts_mpi() -> None:
    profile = site(mpi={"launcher": "mpiexec"})
    last = script(profile, nodes=2, program="./solver", args=("torchrun", "a:b", ":")).splitlines()[-1]
    assert last.startswith("srun --kill-on-bad-exit=1 --cpus-per-task=1 bash -c \"$node\" \"$meeting\" bash -c 'exec python -c \"$0\" --nnodes=2")
    assert last.endswith("--no-python ./solver torchrun a:b :' \"$torchrun\"") and "I_MPI_PMI_LIBRARY" not in script(nodes=2)


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"nodes": 2, "gpus": Token("3")}, "--gpus-per-node 2"),
        ({"ntasks": 4}, "--nproc-per-node"),
        ({"ntasks_per_node": 4}, "--nproc-per-node"),
        ({"nproc_per_node": 4, "cpus_per_task": 2}, "ask for 4 or more"),
        ({"workers": 4}, "--workers"),
        ({"hetjob": True}, "--hetjob"),
        ({"mpi": Token("pmi2")}, "needs no MPI"),
    ],
)
def test_refusals(asked: Any, words: str) -> None:
    with pytest.raises(RequestError) as problem:
        script(**asked)
    assert words in str(problem.value)


def test_its_option_is_its_own() -> None:
    with pytest.raises(RequestError, match="of --workload torchrun alone"):
        plan(site(), Request(workload="mpi", nproc_per_node=2))


def test_the_mpi_whose_mpirun_starts_it_is_loaded() -> None:
    """Its environment need not bring one along."""
    modules = {"conda": ["miniconda"], "mpi": ["openmpi"], "source": "docs"}
    profile = site(scheduler={"type": "pbs"}, mpi={"launcher": "mpirun"}, modules=modules)
    assert "module load miniconda\nmodule load openmpi\n" in script(profile, nodes=2, conda="torch")
    assert "openmpi" not in script(profile, conda="torch")


def test_on_a_launch_node_jsrun_starts_it() -> None:
    profile = site(scheduler={"type": "lsf"}, mpi={"launcher": "jsrun"})
    assert "\njsrun -n 1 -a 1 -c 2 -g 0" in script(profile, nproc_per_node=2)


def test_a_wrapper_that_starts_ranks_only() -> None:
    profile = site(scheduler={"type": "lsf"}, mpi={"launcher": "jsrun"})
    with pytest.raises(RequestError, match="ask for one node"):
        script(profile, nodes=2)
