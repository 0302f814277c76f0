"""Three shapes written by hand, for the tests of the miniature itself."""
from __future__ import annotations

from .shape import Host, Module, Node, Partition, Shape


def hosts(prefix: str, count: int, node: Node) -> tuple[Host, ...]:
    return tuple(Host(f"{prefix}{number:03}", node) for number in range(1, count + 1))


def names(some: tuple[Host, ...]) -> tuple[str, ...]:
    return tuple(host.name for host in some)


_wbn = hosts("wbn", 3, Node(sockets=2, cores=18, threads=2, memory=108_000, features=("broadwell",)))
MAHUIKA = Shape(
    name="mahuika",
    hosts=_wbn,
    partitions=(
        Partition("large", names(_wbn), "3-00:00:00", "00:15:00", default=True),
        Partition("long", names(_wbn), "21-00:00:00"),
    ),
    modules=(
        Module("Python/3.9.9-gimkl-2020a", "impi", {"I_MPI_PMI_LIBRARY": "/lib64/libpmi2.so"}),
        Module("Apptainer/1.2.2", "apptainer"),
    ),
    pmi_library="/lib64/libpmi2.so",
    mpi_default="pmi2",
    kill_on_bad_exit=True,
    folders=("/nesi/project", "/nesi/nobackup"),
    stand_ins=("Python 3.9.9 is this machine's Python",),
)

_cpu = hosts("x1000c0s", 3, Node(sockets=2, cores=52, memory=240_000))
_gpu = hosts("x3100c0s", 1, Node(sockets=2, cores=64, memory=360_000, gpus=4, gpu_type="h100"))
KESTREL = Shape(
    name="kestrel",
    hosts=_cpu + _gpu,
    partitions=(Partition("short", names(_cpu), "04:00:00", default=True), Partition("gpu-h100", names(_gpu), "2-00:00:00")),
    interface="hsn0",
    modules=(Module("cray-mpich/8.1.28"), Module("anaconda3/2024.06.1", "conda")),
    conda_envs={"daskmpi": "mpich"},
    pmi_library="/opt/cray/pe/pmi/default/lib/libpmi2.so",
    mpi_default="pmi2",
    folders=("/projects", "/scratch"),
    stand_ins=("MPICH for Cray MPICH", "conda"),
)

_m3 = hosts("c", 3, Node(sockets=2, cores=64, memory=500_000))
M3 = Shape(
    name="m3",
    hosts=_m3,
    partitions=(Partition("dev", names(_m3), "02:00:00", default=True), Partition("standard-s", names(_m3), "1-00:00:00")),
    modules=(Module("openmpi/4.1.6", "openmpi"), Module("python/3.11", "openmpi")),
    mpi_default="pmix",
    stand_ins=("Open MPI 5 for 4.1.6",),
)

_ge = hosts("node", 2, Node(cores=8))
GRID = Shape(name="grid", hosts=_ge, partitions=(), modules=(Module("mpi/impi", "impi"),), scheduler="gridengine")

ALL = {shape.name: shape for shape in (MAHUIKA, KESTREL, M3, GRID)}
