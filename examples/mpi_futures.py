"""Futures over MPI: rank 0 runs the program, the others what it submits; all of them are there from the start.

    hpcgen slurm --site vaughan --account NAME --workload mpi --ntasks 16 examples/mpi_futures.py
"""

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor


def square(i):
    return i * i


if __name__ == "__main__":
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            print("sum of squares:", sum(executor.map(square, range(100))))
