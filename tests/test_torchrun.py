"""--workload torchrun: what is asked of nodes, GPUs and processes, and what means nothing to it."""

from __future__ import annotations

from typing import Any

import pytest
from tiny import site, tables

from hpcgen import Request, load, plan, render
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import Token
from hpcgen.base.units import Memory
from hpcgen.profiles.load import decode


def script(profile: Any = None, **asked: Any) -> str:
    return render(
        plan(profile or site(), Request(workload="torchrun", **{"program": "train.py", "mem": Memory(2048), **asked}))
    )


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
    assert last.startswith(
        'srun --kill-on-bad-exit=1 --cpus-per-task=1 bash -c "$node" "$meeting" bash -c \'exec python -c "$0" --nnodes=2'
    )
    assert last.endswith("--no-python ./solver torchrun a:b :' \"$torchrun\"") and "I_MPI_PMI_LIBRARY" not in script(nodes=2)


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"nodes": 2, "gpus": Token("3")}, "--gpus-per-node 2"),
        ({"ntasks": 4}, "--nproc-per-node"),
        ({"ntasks_per_node": 4}, "--nproc-per-node"),
        ({"nproc_per_node": 4, "cpus_per_task": 2}, "use 4 or more"),
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
    with pytest.raises(RequestError, match="only --workload torchrun takes this option"):
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
    with pytest.raises(RequestError, match="use --nodes 1"):
        script(profile, nodes=2)


@pytest.mark.parametrize("asked, cpus, threads", [({}, 16, 8), ({"cpus_per_task": 4}, 4, 2), ({"nproc_per_node": 4}, 16, 4)])
def test_whole_nodes_are_for_their_processes(asked: Any, cpus: int, threads: int) -> None:
    """All their CPUs, for data loaders too, unless fewer were asked for."""
    asked = {"nodes": 2, "gpus_per_node": Token("2"), **asked}
    whole = site(scheduler={"type": "pbs", "whole_nodes": "always"}, mpi={"launcher": "pals"})
    for text in (script(whole, **asked), script(exclusive=True, **asked)):
        assert f"--depth {cpus} --cpu-bind depth" in text or f"--kill-on-bad-exit=1 --cpus-per-task={cpus} " in text
        assert f"export OMP_NUM_THREADS={threads}\n" in text
    flux = site(scheduler={"type": "flux", "whole_nodes": "always"}, mpi={"launcher": "flux"})
    assert f"flux run -N 2 -n 2 -c {cpus} -g 2 " in script(flux, **{**asked, "mem": None})
    assert "#SBATCH --cpus-per-task=2\n" in script(nodes=2, gpus_per_node=Token("2"))  # nodes that others share


def test_open_mpi_binds_no_process_that_starts_others() -> None:
    made = tables(scheduler={"type": "pbs", "whole_nodes": "always"})
    whole = decode("tiny", {**made, "mpi": {"launcher": "mpirun", "flavour": "openmpi", "source": "docs"}}, "tiny.toml")
    assert "mpirun -x OMP_NUM_THREADS --bind-to none --map-by ppr:1:node -n 2 " in script(whole, nodes=2)


def test_memory_of_whole_nodes() -> None:
    job = plan(site(), Request(workload="torchrun", program="x.py", nodes=2, exclusive=True))
    assert job.components[0].mem_mib == 0 and job.assumed["cpus_per_task"] == "all 16 CPUs of each node"
    whole = site(partitions={"big": {"nodes": ["fat"], "whole_nodes": "always", "source": "docs"}})
    job = plan(whole, Request(workload="torchrun", program="x.py", nodes=2, partition="big"))
    assert (job.components[0].mem_mib, job.components[0].cpus_per_task) == (0, 32)
    assert (
        job.assumed["mem"] == "all memory of each node"
        and "mem_per_cpu" not in job.assumed
        and not any("idle" in note for note in job.notes)
    )

    full = Request(workload="torchrun", program="x.py", partition="big", mem_per_cpu=Memory(32 * 1024))
    job = plan(whole, full)
    assert job.components[0].cpus_per_task == 16  # for so many there is memory
    assert job.assumed["cpus_per_task"] == "16 CPUs of each node"


def test_the_cpus_that_come_with_its_gpus() -> None:
    """As of a serial job: CPUs, the threads of each process, and memory by CPU."""
    profile = site(partitions={"gpu": {"nodes": ["gpu"], "cpus_per_gpu": 8, "source": "docs"}})
    job = plan(profile, Request(workload="torchrun", program="x.py", gpus=Token("2")))
    c = job.components[0]
    assert (c.cpus_per_task, c.mem_per_cpu_mib, dict(job.setup.env)["OMP_NUM_THREADS"]) == (16, 1024, "8")
    assert job.assumed["cpus_per_task"] == "all 16 CPUs that come with the GPUs of each node"
    assert (
        plan(profile, Request(workload="torchrun", program="x.py", gpus=Token("4"), nodes=2)).components[0].cpus_per_task == 16
    )


def test_a_note_for_ranks_that_share_gpus() -> None:
    """torchrun's processes find their own GPU, of all that the node has."""
    profile = site(notes=[{"when": "gpu-ranks", "text": "bind them", "source": "docs"}])
    said = {
        name: [
            note
            for note in plan(profile, Request(workload=name, program="x.py", gpus_per_node=Token("2"), **more)).notes
            if "bind" in note
        ]
        for name, more in {"torchrun": {}, "ray": {}, "serial": {}, "mpi": {"nodes": 2, "ntasks": 4}}.items()
    }
    assert said == {"torchrun": [], "ray": [], "serial": [], "mpi": ["tiny: bind them"]}
    assert not any("bind" in note for note in plan(profile, Request(workload="mpi", ntasks=4)).notes)


def test_without_a_scheduler_the_number_of_gpus_is_used() -> None:
    def said(workload: Token = Token("torchrun"), **asked: Any) -> str:
        return "\n".join(plan(load("local"), Request(workload=workload, program="p.py", **asked)).notes)

    assert "no effect" not in said(gpus_per_node="2") + said(gpus="2") + said(Token("ray"), gpus="2")
    assert "--gpus: no effect" in said(gpus="2", nproc_per_node=2)
    words = "--cpus-per-task 3: 2 processes do not divide these CPUs: each process gets 1 thread"
    assert words in said(cpus_per_task=3, nproc_per_node=2)
    assert "--cpus-per-task" not in said(cpus_per_task=4, nproc_per_node=2)
