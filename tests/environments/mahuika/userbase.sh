#!/bin/bash
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen env --site mahuika --userbase '~/dask'
#
# userbase: flag --userbase
# mpi4py (intel): the site's module brings it: fact mahuika: environment.carries (NeSI support: Configuring Dask-MPI jobs, 2026-08-21)
#
# install: bash userbase.sh
# then:    hpcgen submit --site mahuika --userbase '~/dask' PROGRAM
set -e

module purge
module load Python/3.9.9-gimkl-2020a
export PYTHONUSERBASE="$HOME"/dask
export PATH="$PYTHONUSERBASE/bin:$PATH"

python -m pip install --user dask distributed dask-mpi

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
