"""Ranks joined by MPI. What would abort within MPI_Init, or leave every rank alone, is found before it."""

import ctypes
import os
import sys

from hpcgen.dask.meeting import numbered
from hpcgen.dask.program import ENV, PMIX, die, say
from hpcgen.dask.ranks import serve


def begin(asked, argv):
    serve(asked, argv, *(joined if "HPCGEN_BY_FILE" not in ENV else apart)(asked))


def apart(asked):
    """Where MPI_Init would not come back. What the program says of MPI fails then, and does not hang."""
    ENV["MPI4PY_RC_INITIALIZE"] = "0"
    if ENV["SLURM_PROCID"] == "0":
        say("the components' hosts are not in the order of their names, in which alone Slurm's PMI-2 joins them: no MPI here")
    return numbered(asked)


def joined(asked):
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        from mpi4py import MPI

        name = " ".join(MPI.Get_library_version().split("\n")[0].split(",")[0].split())
    except (ImportError, RuntimeError) as why:
        die(f"{sys.executable} has no mpi4py that works ({why})")
    if asked.get("mpi", "") not in name:
        die(f"mpi4py uses {name}, not {asked['mpi']}: install it for that, or say --mpi TYPE")
    cure = f"start with srun --mpi={'pmix' if 'Open MPI' in name else 'pmi2'}"
    if "SLURM_STEP_ID" in ENV:
        wired(name, cure)
    MPI.Init_thread()
    comm = MPI.COMM_WORLD
    ranks = asked.get("ranks", comm.size)
    if comm.size == 1:
        die(f"every rank is alone: {name} and the launcher share no PMI: {cure}")
    if comm.size != ranks or ranks < 3:
        die(f"{comm.size} ranks were started, not {max(ranks, 3)}")

    def bcast(meeting):
        """PMIx ends all when it loses one: the worker is a child of the process that PMIx knows."""
        meeting = comm.bcast(meeting)
        if comm.rank > 1 and PMIX:
            if os.fork():
                os.wait()
                MPI.Finalize()
                os._exit(0)
            MPI.Finalize = int
        return meeting

    return comm.rank, ranks, bcast


def wired(name, cure):
    """Whether srun started the PMI that this MPI speaks."""
    library = ENV.get("I_MPI_PMI_LIBRARY", "")
    wrong = "MPICH" in name or os.path.exists(library) if PMIX else "Open MPI" in name
    if wrong or not any(text.startswith(("PMI", "PALS")) for text in ENV):
        die(f"srun did not start the PMI of {name}: {cure}")
    inits = ("PMI_Init", "PMI2_Init")
    if "Intel" in name and os.path.exists(library) and not any(hasattr(ctypes.CDLL(library), text) for text in inits):
        die(f"I_MPI_PMI_LIBRARY: {library} has no PMI: name Slurm's libpmi2.so")
