import json
import sys
from importlib import import_module

from hpcgen.dask.program import main

runner = json.loads(sys.argv[1]).get("runner", "mpi") if sys.argv[1:] and sys.argv[1].startswith("{") else "mpi"
main(import_module(f"hpcgen.dask.{runner}").begin)
