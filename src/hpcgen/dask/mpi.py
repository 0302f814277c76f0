"""Connects the ranks by MPI, after checking for what makes MPI_Init abort, hang, or leave every rank alone."""

import ctypes
import os
import sys
from typing import Any, Callable, List, Tuple

from hpcgen.dask.meeting import join_by_file
from hpcgen.dask.program import ENV, PMIX, Options, die, say
from hpcgen.dask.ranks import serve


def begin(settings: Options, argv: List[str]) -> None:
    join = join_without_mpi if "HPCGEN_BY_FILE" in ENV else join_by_mpi
    serve(settings, argv, *join(settings))


def join_without_mpi(settings: Options) -> Tuple[int, int, Callable[[str], str]]:
    """Join where MPI_Init would never return. A program that uses MPI fails and does not hang."""
    ENV["MPI4PY_RC_INITIALIZE"] = "0"
    if ENV["SLURM_PROCID"] == "0":
        say("no MPI: the components' hosts are not in the order of their names, and Slurm's PMI-2 joins them in no other")
    return join_by_file(settings)


def join_by_mpi(settings: Options) -> Tuple[int, int, Callable[[str], str]]:
    """Return this rank, the number of ranks, and a function that gives rank 0's text to all."""
    mpi, name = load_mpi()
    if settings.get("mpi", "") not in name:
        die(f"mpi4py uses {name}, not {settings['mpi']}: install it for that, or use --mpi TYPE")
    advice = f"start with srun --mpi={'pmix' if 'Open MPI' in name else 'pmi2'}"
    if "SLURM_STEP_ID" in ENV:
        check_pmi(name, advice)

    mpi.Init_thread()
    comm = mpi.COMM_WORLD
    ranks = settings.get("ranks", comm.size)
    if comm.size == 1:
        die(f"every rank is alone: {name} and the launcher share no PMI: {advice}")
    if comm.size != ranks or ranks < 3:
        die(f"{comm.size} ranks were started, not {max(ranks, 3)}")

    def share(text: str) -> str:
        text = comm.bcast(text)
        if PMIX and comm.rank > 1:
            continue_as_child(mpi)
        return text

    return comm.rank, ranks, share


def load_mpi() -> Tuple[Any, str]:
    """Return mpi4py's module MPI, before MPI_Init, and the library's name."""
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        from mpi4py import MPI

        line = MPI.Get_library_version().split("\n")[0]
    except (ImportError, RuntimeError) as problem:
        die(f"{sys.executable} has no mpi4py that works ({problem})")
    return MPI, " ".join(line.split(",")[0].split())


def check_pmi(name: str, advice: str) -> None:
    """Check that srun has started the PMI that this MPI library uses."""
    library = ENV.get("I_MPI_PMI_LIBRARY", "")
    has_library = os.path.exists(library)
    wrong = ("MPICH" in name or has_library) if PMIX else "Open MPI" in name
    if wrong or not any(variable.startswith(("PMI", "PALS")) for variable in ENV):
        die(f"srun did not start the PMI of {name}: {advice}")
    if "Intel" in name and has_library:
        pmi = ctypes.CDLL(library)
        if not hasattr(pmi, "PMI_Init") and not hasattr(pmi, "PMI2_Init"):
            die(f"I_MPI_PMI_LIBRARY: {library} has no PMI: use Slurm's libpmi2.so")


def continue_as_child(mpi: Any) -> None:
    """Go on in a child process: PMIx ends all ranks when it loses one.

    It knows only the parent, which waits here and leaves MPI in order even if the child is killed.
    """
    if os.fork():
        os.wait()
        mpi.Finalize()
        os._exit(0)
    mpi.Finalize = int  # nothing: the parent does it
