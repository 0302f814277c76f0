"""The MPIs: one record each, with all that hpcgen knows of it. No other room compares an MPI's name."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple


class Spread(NamedTuple):
    """What an MPI's own launcher must know to place and bind ranks.

    `per_node`: ranks of each node, where the launcher has to be told; `cpus`: those of a rank, `widest`: the most of any rank;
    `by_thread`: a CPU is a hardware thread; `own_nodes`: nobody else is on the nodes; `one_a_node`: each rank is the one
    process of a node, which starts others; `bind`: each rank is bound to CPUs of its own.
    """

    per_node: Optional[int]
    cpus: int
    widest: int
    by_thread: bool
    own_nodes: bool
    one_a_node: bool
    bind: bool


class Flavour(NamedTuple):
    """An MPI, by its name in profiles."""

    name: str
    # What the first line of MPI_Get_library_version() contains, as an exact name and as the shortest that tells MPIs apart.
    library: str
    known_as: str
    # The types of `srun --mpi=` that join its ranks; pmix also as pmix_v4, pmix_v5.
    pmis: Tuple[str, ...]
    # Its wheel at PyPI and its package at conda-forge. Source: mpi4py's manual, Installation.
    wheel: str
    conda: str
    # Whether conda-forge has an empty package in its place, for the site's own. Source: conda-forge news, 2026-01-29.
    external: bool = False
    # The compiler wrapper with which mpi4py is built. Sources: mpi4py's manual; HPE's, for Cray's `cc`.
    compiler: str = "mpicc"
    # The MPI with its binary interface, which takes its place in wheels and images.
    stands_in: Optional[str] = None
    # The channel of conda's that its vendor keeps.
    vendor_channel: Optional[str] = None
    # Whether the ranks of its wheel are joined by a site's own launcher, where the site has no module for it.
    wheel_joins: bool = False
    # Whether its launcher and the ranks it starts must be of one series of versions.
    series: bool = False
    # The variable that names Slurm's PMI library; whether it takes such a library at all.
    pmi_variable: Optional[str] = None
    takes_library: bool = True
    # A variable by which its launcher ends ranks in containers gently.
    gently: Optional[Tuple[str, str]] = None
    # Whether a crash in a container can leave the job of its launcher hanging, for want of such a variable.
    hangs_in_container: bool = False
    # The option by which its launcher hands a variable on to other nodes, where it hands on none by itself.
    export_option: Optional[str] = None
    # Whether its launcher must be told how many ranks each node has before it gives each rank several CPUs.
    needs_per_node: bool = False
    # Whether its launcher counts ranks a node anew for each part of a line, and refuses the second.
    recounts: bool = False
    # Options and settings of its launcher by which ranks are placed and bound; what is bound without them.
    options: Callable[[Spread], List[str]] = lambda spread: []
    settings: Callable[[Spread], List[str]] = lambda spread: []
    binding_settings: Callable[[bool], List[str]] = lambda whole_cores: []
    binds: Callable[[bool, Optional[int]], bool] = lambda own_nodes, per_node: False


# --- Intel MPI


def _hydra(spread: Spread) -> List[str]:
    """Where the list of hosts counts CPUs and not ranks, Hydra would fill a node with ranks. Source: its ``-ppn``."""
    return ["-ppn", str(spread.per_node)] if spread.per_node else []


def _intel_settings(spread: Spread) -> List[str]:
    """Intel MPI reads -ppn inside a job only with this setting off. Source: Intel MPI's reference."""
    return ["I_MPI_JOB_RESPECT_PROCESS_PLACEMENT=0"] if spread.per_node else []


def _intel_binding(whole_cores: bool) -> List[str]:
    """Intel MPI makes domains of OMP_NUM_THREADS CPUs among the job's. Source: its reference, I_MPI_PIN_DOMAIN."""
    return [*(["I_MPI_PIN_CELL=core"] if whole_cores else []), "I_MPI_PIN_DOMAIN=omp"]


# --- MPICH


def _mpich_options(spread: Spread) -> List[str]:
    counted = f"{'hwthread' if spread.by_thread else 'core'}:{spread.cpus}"
    return [*_hydra(spread), *(["-bind-to", counted] if spread.bind else [])]


# --- Open MPI


def _openmpi_options(spread: Spread) -> List[str]:
    """Open MPI binds a rank to one core or, of more than two, to a package; it counts PE from a node's first core. The one
    process of a node, which starts others, is not bound. Sources: mpirun(1) of Open MPI 4 and 5."""
    wide = spread.widest > 1
    pe = f":PE={spread.cpus}" if wide and spread.per_node and spread.own_nodes and not spread.one_a_node else ""
    placed = ["--map-by", f"ppr:{spread.per_node}:node{pe}"] if spread.per_node else []
    own = ["--use-hwthread-cpus"] if pe and spread.by_thread else ["--bind-to", "none"] if wide and not pe else []
    return [*own, *placed]


# Sources of the PMI types: measured with Slurm 22.05, Intel MPI 2021.18, MPICH 5 and Open MPI 5. Intel MPI with
# I_MPI_PMI_LIBRARY aborts under pmix and none, Open MPI without PMIx under pmi2. Cray MPICH: cray_shasta by HPE's documents,
# pmi2 at sites that say so.
INTEL = Flavour(
    "intel", "Intel(R) MPI Library", "Intel", ("pmi2",), "impi-rt", "impi_rt",
    pmi_variable="I_MPI_PMI_LIBRARY", vendor_channel="https://software.repos.intel.com/python/conda",
    wheel_joins=True,
    # SIGTERM, where Hydra would kill: Apptainer then lives to unmount its image. What mounts it by FUSE, where Apptainer is
    # not setuid, has the pipes of the rank's output, and Hydra waits for their end. Run with 2021.18 and Apptainer 1.4.5.
    gently=("I_MPI_JOB_ABORT_SIGNAL", "15"),
    options=_hydra, settings=_intel_settings, binding_settings=_intel_binding, binds=lambda own_nodes, per_node: True,
)  # fmt: skip
MPICH = Flavour(
    "mpich", "MPICH", "MPICH", ("pmi2", "pmix"), "mpich", "mpich", external=True, hangs_in_container=True,
    options=_mpich_options, binds=lambda own_nodes, per_node: own_nodes,
)  # fmt: skip
OPENMPI = Flavour(
    "openmpi", "Open MPI", "Open MPI", ("pmix",), "openmpi", "openmpi", external=True, takes_library=False, series=True,
    # By ssh ranks had no OMP_NUM_THREADS. Source: mpirun(1) of Open MPI 4 and 5, -x; run with 5.0.11.
    export_option="-x", needs_per_node=True, recounts=True,
    options=_openmpi_options, binds=lambda own_nodes, per_node: own_nodes and bool(per_node),
)  # fmt: skip
# It has MPICH's binary interface, and MPICH's name in its own.
CRAY_MPICH = Flavour(
    "cray-mpich", "CRAY MPICH", "MPICH", ("cray_shasta", "pmi2"), "mpich", "mpich", external=True, compiler="cc",
    stands_in="mpich",
)  # fmt: skip
FLAVOURS: Dict[str, Flavour] = {one.name: one for one in (INTEL, MPICH, OPENMPI, CRAY_MPICH)}

# An MPI of which a profile says nothing: its launcher is told nothing that another might not take.
UNKNOWN = Flavour("", "", "", (), "mpich", "mpich")


def get(name: Optional[str]) -> Flavour:
    """UNKNOWN for None. Raises KeyError for a name that no profile may have."""
    return FLAVOURS[name] if name else UNKNOWN


def by_wheel(wheel: str) -> Flavour:
    """The MPI of this wheel at PyPI."""
    return next(one for one in FLAVOURS.values() if one.wheel == wheel)


def by_pmi(pmi: Optional[str]) -> Flavour:
    """The MPI to take where only the PMI is known by which srun joins ranks."""
    return OPENMPI if (pmi or "").partition("_v")[0] == "pmix" else MPICH


def joins(flavour: Flavour, pmi: str) -> bool:
    """Whether `srun --mpi=<pmi>` starts this MPI with its ranks joined."""
    return pmi.partition("_v")[0] in flavour.pmis
