"""What an MPI rank is given: its host, its CPUs, and what OpenMP is told. One line of JSON a rank."""
import json
import os
import platform

from mpi4py import MPI

world = MPI.COMM_WORLD
mine = {"rank": world.rank, "host": platform.node(), "cpus": sorted(os.sched_getaffinity(0))}
mine["omp"] = {name: value for name, value in os.environ.items() if name.startswith("OMP_")}
for one in world.gather(mine) or []:
    print("bound", json.dumps(one), flush=True)
