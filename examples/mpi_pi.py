"""Every rank counts its own share of the points, and rank 0 adds up.

    hpcgen slurm --site vaughan --account NAME --workload mpi --ntasks 64 examples/mpi_pi.py
"""

import random

from mpi4py import MPI

POINTS = 200_000
world = MPI.COMM_WORLD
random.seed(world.rank)
inside = sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(POINTS))
total = world.reduce(inside)
if world.rank == 0:
    print(f"pi is about {4 * total / POINTS / world.size:.3f}, by {world.size} ranks")
