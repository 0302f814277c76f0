#!/bin/bash
# hpcgen 0.1.0: site maui-ancil, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen env --site maui-ancil --userbase '~/dask'
#
# userbase: flag --userbase
# mpi4py (intel): pip's wheel, beside a wheel of the site's MPI: fact maui-ancil: mpi.flavour (NeSI support: Configuring Dask-MPI jobs, 2024-12-13); no module for MPI is known
#
# install: bash userbase.sh
# then:    hpcgen submit --site maui-ancil --userbase '~/dask' PROGRAM
set -e

export PYTHONUSERBASE="$HOME"/dask
export PATH="$PYTHONUSERBASE/bin:$PATH"

python -m pip install --user mpi4py impi-rt dask distributed dask-mpi

# Check that mpi4py uses the MPI that jobs use.
python - 'Intel(R) MPI Library' <<'PYTHON'
import sys

import mpi4py

mpi4py.rc.initialize = False  # login nodes do not let MPI start
from mpi4py import MPI

library = MPI.Get_library_version().rstrip("\0\n").splitlines()[0]
print("mpi4py", mpi4py.__version__, "with", library)
sys.exit(None if sys.argv[1] in library else f"mpi4py found another MPI than {sys.argv[1]}")
PYTHON
