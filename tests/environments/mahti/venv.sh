#!/bin/bash
# hpcgen 0.1.0: site mahti, facts of 2026-11-21
# made by: hpcgen env --site mahti --venv '~/venvs/dask-mpi'
#
# venv: flag --venv
# mpi4py (openmpi): built by pip against the site's MPI: fact mahti: mpi.flavour (CSC: Compiling applications in Mahti, read 2026-11-21)
#
# install: bash venv.sh
# then:    hpcgen submit --site mahti --account ACCOUNT --venv '~/venvs/dask-mpi' PROGRAM
set -e

module load python-data
python -m venv "$HOME"/venvs/dask-mpi
. "$HOME"/venvs/dask-mpi/bin/activate || exit

# fact mahti: mpi.flavour (CSC: Compiling applications in Mahti, read 2026-11-21)
MPICC=mpicc python -m pip install --no-cache-dir --no-binary=mpi4py mpi4py
python -m pip install dask distributed dask-mpi

# Check that mpi4py uses the MPI that jobs use.
python - 'Open MPI' <<'PYTHON'
import sys

import mpi4py

mpi4py.rc.initialize = False  # login nodes do not let MPI start
from mpi4py import MPI

library = MPI.Get_library_version().rstrip("\0\n").splitlines()[0]
print("mpi4py", mpi4py.__version__, "with", library)
sys.exit(None if sys.argv[1] in library else f"mpi4py found another MPI than {sys.argv[1]}")
PYTHON
