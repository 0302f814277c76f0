#!/bin/bash
# hpcgen 0.1.0: site kestrel, facts of 2025-07-30 to 2026-11-21
# made by: hpcgen env --site kestrel --userbase '~/dask'
#
# userbase: flag --userbase
# mpi4py (cray-mpich): built by pip against the site's MPI: fact kestrel: mpi.flavour (NREL HPC: Kestrel performance recommendations, 2025-07-30)
#
# install: bash userbase.sh
# then:    hpcgen submit --site kestrel --account ACCOUNT --userbase '~/dask' PROGRAM
set -e

export PYTHONUSERBASE="$HOME"/dask
export PATH="$PYTHONUSERBASE/bin:$PATH"
module load PrgEnv-intel

# fact kestrel: mpi.flavour (NREL HPC: Kestrel performance recommendations, 2025-07-30)
MPICC=mpicc python -m pip install --user --no-cache-dir --no-binary=mpi4py mpi4py
python -m pip install --user dask distributed dask-mpi

# Check that mpi4py uses the MPI that jobs use.
python - 'CRAY MPICH' <<'PYTHON'
import sys

import mpi4py

mpi4py.rc.initialize = False  # login nodes do not let MPI start
from mpi4py import MPI

library = MPI.Get_library_version().rstrip("\0\n").splitlines()[0]
print("mpi4py", mpi4py.__version__, "with", library)
sys.exit(None if sys.argv[1] in library else f"mpi4py found another MPI than {sys.argv[1]}")
PYTHON
