"""The CPUs that each rank with threads is given by the generated scripts: real launchers, on nodes of two sockets."""
from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest

from . import needs

needs.or_skip()

from . import bed, daskbed, slurm  # noqa: E402
from .examples import hosts, names  # noqa: E402
from .shape import Module, Node, Partition, Shape  # noqa: E402

SOCKETS, CORES = 2, 8
PLAIN, SMT = Node(sockets=SOCKETS, cores=CORES, memory=16_000), Node(sockets=SOCKETS, cores=CORES, threads=2, memory=16_000)
KINDS = {"plain": hosts("p", 2, PLAIN), "busy": hosts("b", 2, PLAIN), "smt": hosts("s", 2, SMT)}
SHAPE = Shape(
    name="test-binding",
    hosts=tuple(host for group in KINDS.values() for host in group),
    partitions=tuple(Partition(kind, names(group), default=kind == "plain") for kind, group in KINDS.items()),
    modules=tuple(Module(kind, kind) for kind in daskbed.FLAVOURS),
    pmi_library=daskbed.LIBRARY,
)
X = {"source": "x"}
NODES = {kind: {"cores": 16, "threads_per_core": group[0].node.threads, "mem": "16000M", **X} for kind, group in KINDS.items()}
PARTITIONS = {kind: {"nodes": [kind], "default": kind == "plain", **X} for kind in KINDS}
MPIRUN = {"impi": "mpirun", "mpich": "mpiexec", "openmpi": "mpirun"}
# What a site does at which a CPU is a core though cores have two hardware threads.
PLUGIN = """
function slurm_job_submit(job)
  if job.threads_per_core == nil or job.threads_per_core == slurm.NO_VAL16 then job.threads_per_core = 1 end
  return slurm.SUCCESS
end
function slurm_job_modify() return slurm.SUCCESS end
"""
VARIANTS = {
    "": {},
    "-one": {"slurm": {"SelectTypeParameters": "CR_Core_Memory,CR_ONE_TASK_PER_CORE"}},
    "-plugin": {"slurm": {"JobSubmitPlugins": "lua"}, "files": {"/etc/slurm/job_submit.lua": PLUGIN}},
}


@dataclass
class Rank:
    host: str
    cpus: set[int]
    omp: dict[str, str]

    @property
    def cores(self) -> set[int]:
        """Linux numbers all first threads, then the second ones."""
        return {cpu % (SOCKETS * CORES) for cpu in self.cpus}

    @property
    def sockets(self) -> set[int]:
        return {core // CORES for core in self.cores}


class Beds:
    """One miniature at a time, and in one of them a neighbour."""

    def __init__(self) -> None:
        self.variant, self.up = "none", None

    def get(self, variant: str) -> bed.Miniature:
        if variant != self.variant:
            self.down()
            self.up = bed.Miniature(dataclasses.replace(SHAPE, name=SHAPE.name + variant, **VARIANTS[variant])).up()
            self.variant = variant
            if not variant:
                self.neighbour()
        return self.up

    def neighbour(self) -> None:
        """Somebody else's job on the first six cores of each busy host."""
        slurm.submit(self.up, "--wrap=sleep 3600", "-p", "busy", "-N", "2", "--ntasks-per-node=1", "-c", "6", "--mem=100M")

    def down(self) -> None:
        if self.up:
            self.up.down()
            self.variant, self.up = "none", None


@pytest.fixture(scope="module")
def beds():
    them = Beds()
    yield them
    them.down()


def ranks(
    up: bed.Miniature, kind: str, launcher: str = "", unit: str = "core", each: int = 2, **asked
) -> tuple[list[Rank], str]:
    """Each rank of a job with two nodes, and the script that started them."""
    each_a_core = VARIANTS["-one"]["slurm"].items() <= up.shape.slurm.items()
    tables = {"cpu": {"unit": unit, "task_per_core": each_a_core, **X}, "nodes": NODES, "partitions": PARTITIONS}
    if launcher == "mpirun":
        tables["mpi"] = {"flavour": daskbed.FLAVOURS[kind], "launcher": MPIRUN[kind], **X}
    request = {"workload": "mpi", "program": "where.py", "nodes": 2, "ntasks_per_node": each, "mem": "1G", "time": "5", **asked}
    text = daskbed.script(daskbed.site(kind, **tables), **request)
    folder = up.workdir("case")
    (folder / "where.py").write_text((daskbed.PROGRAMS / "binding_program.py").read_text())
    (folder / "job.sh").write_text(text)
    up.give(folder)
    done = slurm.run(up, "job.sh", cwd=str(folder), seconds=180).completed()
    said = [json.loads(line[6:]) for line in done.output.splitlines() if line.startswith("bound {")]
    assert [one["rank"] for one in said] == list(range(2 * each)), done.output
    found = [Rank(one["host"], set(one["cpus"]), one["omp"]) for one in said]
    assert [one.host for one in found] == sorted(one.host for one in found)
    assert all([one.host for one in found].count(host) == each for host in {one.host for one in found})
    return found, text


def apart(found: list[Rank], cpus: int, cores: int) -> None:
    """Every rank has so many CPUs, on so many cores, and none of them is another's."""
    assert [(len(one.cpus), len(one.cores)) for one in found] == [(cpus, cores)] * len(found), found
    taken = [(one.host, cpu) for one in found for cpu in one.cpus]
    assert len(taken) == len(set(taken)), found
    assert all(one.omp["OMP_PLACES"] == "cores" and one.omp["OMP_PROC_BIND"] == "close" for one in found)


def together(found: list[Rank], cpus: set[int]) -> None:
    """Every rank may use all CPUs of the job on its host, and OpenMP binds nothing."""
    assert all(one.cpus == cpus and set(one.omp) == {"OMP_NUM_THREADS"} for one in found), found


# Beside the neighbour Slurm gives the second socket.
@pytest.mark.parametrize("partition", ["plain", "busy"])
@pytest.mark.parametrize("kind", daskbed.FLAVOURS)
def test_srun(beds, kind, partition):
    found, text = ranks(beds.get(""), kind, cpus_per_task=4, partition=partition)
    assert "--cpu-bind=cores" in text
    apart(found, 4, 4)
    assert partition == "plain" or not any(one.cpus & set(range(6)) for one in found)


@pytest.mark.parametrize("partition", ["plain", "busy"])
def test_intel_mpi_on_part_of_a_node(beds, partition):
    """It looks for CPUs among those of the job."""
    found, text = ranks(beds.get(""), "impi", "mpirun", cpus_per_task=4, partition=partition)
    assert "I_MPI_PIN_DOMAIN=omp mpirun" in text
    apart(found, 4, 4)
    assert partition == "plain" or not any(one.cpus & set(range(6)) for one in found)


@pytest.mark.parametrize("kind", ["mpich", "openmpi"])
def test_the_others_on_part_of_a_node_bind_nothing(beds, kind):
    """They count cores from the first of the node, where the neighbour is."""
    found, text = ranks(beds.get(""), kind, "mpirun", cpus_per_task=4, partition="busy")
    assert "PE=" not in text and "core:" not in text
    together(found, set(range(8, 16)))


LINES = {"impi": "I_MPI_PIN_DOMAIN=omp", "mpich": "-bind-to core:4", "openmpi": "ppr:2:node:PE=4"}


@pytest.mark.parametrize("kind", daskbed.FLAVOURS)
def test_nodes_of_ones_own(beds, kind):
    found, text = ranks(beds.get(""), kind, "mpirun", cpus_per_task=4, exclusive=True)
    assert LINES[kind] in text
    apart(found, 4, 4)


@pytest.mark.parametrize("launcher", ["", "mpirun"])
@pytest.mark.parametrize("kind", daskbed.FLAVOURS)
def test_a_cpu_that_is_a_hardware_thread(beds, kind, launcher):
    """Four CPUs are two whole cores, with every launcher."""
    found, _ = ranks(beds.get(""), kind, launcher, "thread", cpus_per_task=4, partition="smt", exclusive=True)
    apart(found, 4, 2)


def test_three_hardware_threads_are_nobody_elses(beds):
    """By --cpu-bind=cores two ranks would have one core's two threads both."""
    found, text = ranks(beds.get(""), "impi", "", "thread", cpus_per_task=3, partition="smt")
    assert "--cpu-bind=threads" in text
    apart(found, 3, 2)


@pytest.mark.parametrize("kind, launcher", [("impi", ""), ("openmpi", ""), ("impi", "mpirun")])
def test_no_hyperthreads(beds, kind, launcher):
    """Four CPUs are four cores, and one thread of each is used."""
    found, text = ranks(beds.get(""), kind, launcher, "thread", cpus_per_task=4, partition="smt", hyperthreads=False)
    assert "#SBATCH --hint=nomultithread" in text
    apart(found, 4, 4)
    assert all(one.cpus == one.cores for one in found)


@pytest.mark.parametrize("kind", ["mpich", "openmpi"])
def test_no_hyperthreads_by_mpirun(beds, kind):
    """The hint would bind each node's ranks to one CPU, all to the same, if the MPI's helper heard of it."""
    found, text = ranks(beds.get(""), kind, "mpirun", "thread", cpus_per_task=4, partition="smt", hyperthreads=False)
    assert "env -u SLURM_HINT" in text
    together(found, {*range(8), *range(16, 24)})
    found, _ = ranks(
        beds.get(""), kind, "mpirun", "thread", cpus_per_task=4, partition="smt", hyperthreads=False, exclusive=True
    )
    apart(found, 8, 4)


@pytest.mark.parametrize("each, cpus", [(2, 4), (2, 6), (4, 4), (4, 3), (2, 8)])
def test_slurms_own_distribution_keeps_a_rank_on_one_socket(beds, each, cpus):
    found, text = ranks(beds.get(""), "impi", each=each, cpus_per_task=cpus, exclusive=True)
    assert "--distribution" not in text
    apart(found, cpus, cpus)
    assert all(len(one.sockets) == 1 for one in found), found


def test_another_distribution_does_not(beds):
    found, _ = ranks(beds.get(""), "impi", each=2, cpus_per_task=6, exclusive=True, distribution="block:block")
    apart(found, 6, 6)
    assert [len(one.sockets) for one in found] == [1, 2, 1, 2]


def test_where_tasks_never_share_a_core(beds):
    found, _ = ranks(beds.get("-one"), "impi", "", "thread", cpus_per_task=3, partition="smt")
    apart(found, 3, 2)
    assert not found[0].cores & found[1].cores and not found[2].cores & found[3].cores


@pytest.mark.parametrize("each", [3, 4])
def test_one_thread_and_a_core_for_it(beds, each):
    """By --cpus-per-task=1 two ranks would share one thread, and half of the job's cores be idle."""
    found, text = ranks(beds.get("-one"), "impi", "", "thread", each=each, partition="smt")
    assert "-u SLURM_TRES_PER_TASK srun --mpi=pmi2 python" in text and "OMP_PLACES" not in found[0].omp
    assert [(len(one.cpus), len(one.cores)) for one in found] == [(2, 1)] * len(found), found
    assert len({(one.host, *one.cores) for one in found}) == len(found), found


def test_a_cpu_that_a_plugin_makes_a_core(beds):
    """srun alone would put a rank's four CPUs on two cores, and leave the others idle."""
    found, text = ranks(beds.get("-plugin"), "impi", cpus_per_task=4, partition="smt")
    assert "--threads-per-core=1 --cpu-bind=cores" in text
    apart(found, 8, 4)


def test_hyperthreads_there(beds):
    found, text = ranks(beds.get("-plugin"), "impi", cpus_per_task=4, partition="smt", hyperthreads=True)
    assert "#SBATCH --threads-per-core=2" in text
    apart(found, 4, 2)


def test_intel_mpi_there(beds):
    found, text = ranks(beds.get("-plugin"), "impi", "mpirun", cpus_per_task=4, partition="smt")
    assert "I_MPI_PIN_CELL=core" in text
    apart(found, 4, 4)
