#% if environment.library

# Check that mpi4py uses the MPI that jobs use.
{{ environment.python|path }} - {{ environment.library|word }} <<'PYTHON'
import sys

import mpi4py

mpi4py.rc.initialize = False  # login nodes do not let MPI start
from mpi4py import MPI

library = MPI.Get_library_version().rstrip("\0\n").splitlines()[0]
print("mpi4py", mpi4py.__version__, "with", library)
sys.exit(None if sys.argv[1] in library else f"mpi4py found another MPI than {sys.argv[1]}")
PYTHON
#% endif
