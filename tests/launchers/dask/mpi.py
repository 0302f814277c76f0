"""Connects the ranks with MPI. First checks for causes that make MPI_Init abort or hang, or that isolate every rank."""

import ctypes
import os
import sys
from typing import Any, List, Tuple


def begin(config: Options, argv: List[str]) -> None:
    if "HPCGEN_BY_FILE" not in ENV:
        serve(config, argv, join_by_mpi(config))
        return
    ENV["MPI4PY_RC_INITIALIZE"] = "0"  # MPI_Init would hang: let a program that uses MPI fail
    if ENV["SLURM_PROCID"] == "0":
        say("no MPI: the components' hosts are not in the order of their names, which Slurm's PMI-2 requires")
    serve(config, argv, join_by_file(config))


def join_by_mpi(config: Options) -> Joined:
    mpi, name = load_mpi()
    if config.get("mpi", "") not in name:
        die(f"mpi4py uses {name}, not {config['mpi']}: install mpi4py for that MPI, or use --mpi TYPE")
    advice = f"start with srun --mpi={'pmix' if 'Open MPI' in name else 'pmi2'}"
    if "SLURM_STEP_ID" in ENV:
        check_pmi(name, advice)

    mpi.Init_thread()
    comm = mpi.COMM_WORLD
    ranks = max(config.get("ranks", comm.size), 3)
    if comm.size == 1:
        die(f"every rank is alone: {name} and the launcher use different PMIs: {advice}")
    if comm.size != ranks:
        die(f"{comm.size} ranks were started, not {ranks}")

    def share(text: str) -> str:
        text = comm.bcast(text)
        if PMIX and comm.rank > 1:
            continue_as_child(mpi)
        return text

    return comm.rank, ranks, share


def load_mpi() -> Tuple[Any, str]:
    """Return mpi4py's MPI module, without calling MPI_Init, and the name of the MPI library."""
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        from mpi4py import MPI

        name = MPI.Get_library_version().split("\n")[0].split(",")[0]
    except (ImportError, RuntimeError) as problem:
        die(f"mpi4py does not work in {sys.executable} ({problem})")
    return MPI, " ".join(name.split())


def check_pmi(name: str, advice: str) -> None:
    """Check that srun started a PMI that this library supports."""
    library = ENV.get("I_MPI_PMI_LIBRARY", "")
    has_library = os.path.exists(library)
    wrong = ("MPICH" in name or has_library) if PMIX else "Open MPI" in name
    if wrong or not any(variable.startswith(("PMI", "PALS")) for variable in ENV):
        die(f"srun did not start the PMI of {name}: {advice}")
    if "Intel" in name and has_library:
        pmi = ctypes.CDLL(library)
        if not hasattr(pmi, "PMI_Init") and not hasattr(pmi, "PMI2_Init"):
            die(f"I_MPI_PMI_LIBRARY: {library} is not a PMI library: use Slurm's libpmi2.so")


def continue_as_child(mpi: Any) -> None:
    """Continue in a child process. PMIx ends all ranks if a process that it started dies, but it does not know the child.

    The parent waits, and then calls MPI_Finalize even if the child was killed.
    """
    if os.fork():
        os.wait()
        mpi.Finalize()
        os._exit(0)
    mpi.Finalize = int  # does nothing, because the parent calls MPI_Finalize