"""The MPIs: one record each, with everything that hpcgen knows about it. No other room compares an MPI's name."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple


class Spread(NamedTuple):
    """What an MPI's own launcher must know to place and bind ranks.

    `per_node`: ranks per node, if the launcher needs the number; `cpus`: CPUs of a rank; `widest`: the largest number of CPUs
    of any rank; `by_thread`: a CPU is a hardware thread; `own_nodes`: the job has its nodes to itself; `one_a_node`: each rank
    is the only one on its node and starts other processes; `bind`: each rank is bound to its own CPUs.
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
    # Text in the first line of MPI_Get_library_version(): the exact name, and the shortest that distinguishes the MPIs.
    library: str
    known_as: str
    # The types of `srun --mpi=` that join its ranks; pmix includes pmix_v4 and pmix_v5.
    pmis: Tuple[str, ...]
    # Its wheel on PyPI and its package on conda-forge. Source: mpi4py's manual, Installation.
    wheel: str
    conda: str
    # Whether conda-forge has an empty package that stands for the site's own MPI. Source: conda-forge news, 2026-01-29.
    external: bool = False
    # The compiler wrapper to build mpi4py with. Sources: mpi4py's manual; HPE's, for Cray's `cc`.
    compiler: str = "mpicc"
    # The MPI with the same binary interface that replaces it in wheels and images.
    stands_in: Optional[str] = None
    # Its vendor's conda channel.
    vendor_channel: Optional[str] = None
    # Whether a site's own launcher joins the ranks of its wheel, if the site has no module for it.
    wheel_joins: bool = False
    # Whether its launcher and the ranks must be of the same version series.
    series: bool = False
    # The variable that names Slurm's PMI library; whether it can use such a library.
    pmi_variable: Optional[str] = None
    takes_library: bool = True
    # A variable that makes its launcher end ranks in containers gently.
    gently: Optional[Tuple[str, str]] = None
    # Whether its launcher can hang after a crash in a container, because it has no such variable.
    hangs_in_container: bool = False
    # The option that makes its launcher export a variable to other nodes, if it exports none by itself.
    export_option: Optional[str] = None
    # Whether its launcher needs the number of ranks per node to give each rank several CPUs.
    needs_per_node: bool = False
    # Whether its launcher counts ranks per node again for each part of a line, and refuses the second part.
    recounts: bool = False
    # Options and settings of its launcher that place and bind ranks; whether ranks are bound.
    options: Callable[[Spread], List[str]] = lambda spread: []
    settings: Callable[[Spread], List[str]] = lambda spread: []
    binding_settings: Callable[[bool], List[str]] = lambda whole_cores: []
    binds: Callable[[bool, Optional[int]], bool] = lambda own_nodes, per_node: False


# --- Intel MPI


def _hydra(spread: Spread) -> List[str]:
    """If the list of hosts counts CPUs, not ranks, Hydra would fill a node with ranks. Source: its ``-ppn``."""
    return ["-ppn", str(spread.per_node)] if spread.per_node else []


def _intel_settings(spread: Spread) -> List[str]:
    """Inside a job, Intel MPI reads -ppn only if this setting is off. Source: Intel MPI's reference."""
    return ["I_MPI_JOB_RESPECT_PROCESS_PLACEMENT=0"] if spread.per_node else []


def _intel_binding(whole_cores: bool) -> List[str]:
    """Intel MPI divides the job's CPUs into domains of OMP_NUM_THREADS. Source: its reference, I_MPI_PIN_DOMAIN."""
    return [*(["I_MPI_PIN_CELL=core"] if whole_cores else []), "I_MPI_PIN_DOMAIN=omp"]


# --- MPICH


def _mpich_options(spread: Spread) -> List[str]:
    counted = f"{'hwthread' if spread.by_thread else 'core'}:{spread.cpus}"
    return [*_hydra(spread), *(["-bind-to", counted] if spread.bind else [])]


# --- Open MPI


def _openmpi_options(spread: Spread) -> List[str]:
    """Open MPI binds a rank to one core or, with more than two ranks, to a package; it counts PE from a node's first core. A
    rank that is the only one on its node and starts other processes is not bound. Sources: mpirun(1) of Open MPI 4 and 5."""
    wide = spread.widest > 1
    pe = f":PE={spread.cpus}" if wide and spread.per_node and spread.own_nodes and not spread.one_a_node else ""
    placed = ["--map-by", f"ppr:{spread.per_node}:node{pe}"] if spread.per_node else []
    own = ["--use-hwthread-cpus"] if pe and spread.by_thread else ["--bind-to", "none"] if wide and not pe else []
    return [*own, *placed]


# Sources of the PMI types: measured with Slurm 22.05, Intel MPI 2021.18, MPICH 5 and Open MPI 5. Intel MPI with
# I_MPI_PMI_LIBRARY aborts under pmix and none, Open MPI without PMIx under pmi2. Cray MPICH: cray_shasta according to HPE's
# documents, pmi2 according to some sites.
INTEL = Flavour(
    "intel", "Intel(R) MPI Library", "Intel", ("pmi2",), "impi-rt", "impi_rt",
    pmi_variable="I_MPI_PMI_LIBRARY", vendor_channel="https://software.repos.intel.com/python/conda",
    wheel_joins=True,
    # SIGTERM in place of SIGKILL lets Apptainer unmount its image. If Apptainer is not setuid, the FUSE process that mounts
    # the image holds the pipes of the rank's output, and Hydra waits for their end. Run with 2021.18 and Apptainer 1.4.5.
    gently=("I_MPI_JOB_ABORT_SIGNAL", "15"),
    options=_hydra, settings=_intel_settings, binding_settings=_intel_binding, binds=lambda own_nodes, per_node: True,
)  # fmt: skip
MPICH = Flavour(
    "mpich", "MPICH", "MPICH", ("pmi2", "pmix"), "mpich", "mpich", external=True, hangs_in_container=True,
    options=_mpich_options, binds=lambda own_nodes, per_node: own_nodes,
)  # fmt: skip
OPENMPI = Flavour(
    "openmpi", "Open MPI", "Open MPI", ("pmix",), "openmpi", "openmpi", external=True, takes_library=False, series=True,
    # Started over ssh, ranks had no OMP_NUM_THREADS. Source: mpirun(1) of Open MPI 4 and 5, -x; run with 5.0.11.
    export_option="-x", needs_per_node=True, recounts=True,
    options=_openmpi_options, binds=lambda own_nodes, per_node: own_nodes and bool(per_node),
)  # fmt: skip
# It has MPICH's binary interface, and its name contains MPICH.
CRAY_MPICH = Flavour(
    "cray-mpich", "CRAY MPICH", "MPICH", ("cray_shasta", "pmi2"), "mpich", "mpich", external=True, compiler="cc",
    stands_in="mpich",
)  # fmt: skip
FLAVOURS: Dict[str, Flavour] = {one.name: one for one in (INTEL, MPICH, OPENMPI, CRAY_MPICH)}

# Stands for an MPI that the profile does not name. Its launcher gets no options that some MPI might refuse.
UNKNOWN = Flavour("", "", "", (), "mpich", "mpich")


def get(name: Optional[str]) -> Flavour:
    """UNKNOWN for None. Raises KeyError for an unknown name; profiles are checked before."""
    return FLAVOURS[name] if name else UNKNOWN


def by_wheel(wheel: str) -> Flavour:
    """The MPI of this wheel on PyPI."""
    return next(one for one in FLAVOURS.values() if one.wheel == wheel)


def by_pmi(pmi: Optional[str]) -> Flavour:
    """The MPI to use if only the PMI type of srun is known."""
    return OPENMPI if (pmi or "").partition("_v")[0] == "pmix" else MPICH


def joins(flavour: Flavour, pmi: str) -> bool:
    """Whether `srun --mpi=<pmi>` joins the ranks of this MPI."""
    return pmi.partition("_v")[0] in flavour.pmis
