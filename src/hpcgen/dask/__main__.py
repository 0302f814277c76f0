"""`python -m hpcgen.dask ['{"runner": "local"}'] PROGRAM ARGS` runs the launcher if hpcgen is installed."""

import sys
from importlib import import_module

from hpcgen.dask.program import main, read_command_line

runner = read_command_line(sys.argv[1:])[0].get("runner", "mpi")
main(import_module(f"hpcgen.dask.{runner}").begin)
