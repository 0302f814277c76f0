#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen env --site local --venv '~/venvs/dask-mpi'
#
# venv: flag --venv
# mpi4py: pip's wheel, beside a wheel of the site's MPI: rule: local names no MPI; no module for MPI is known
#
# install: bash venv.sh
# then:    hpcgen run --site local --venv '~/venvs/dask-mpi' PROGRAM
set -e

python -m venv "$HOME"/venvs/dask-mpi
. "$HOME"/venvs/dask-mpi/bin/activate || exit

python -m pip install mpi4py mpich dask distributed dask-mpi

# Check that mpi4py uses the MPI that jobs use.
python - MPICH <<'PYTHON'
import sys

import mpi4py

mpi4py.rc.initialize = False  # login nodes do not let MPI start
from mpi4py import MPI

library = MPI.Get_library_version().rstrip("\0\n").splitlines()[0]
print("mpi4py", mpi4py.__version__, "with", library)
sys.exit(None if sys.argv[1] in library else f"mpi4py found another MPI than {sys.argv[1]}")
PYTHON
