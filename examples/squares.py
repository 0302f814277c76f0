"""Dask futures, as a page of the University of Antwerp has them: initialize() first, then a Client.

    hpcgen slurm --site vaughan --account NAME --workers 4 examples/squares.py 1000
"""

import sys

from dask_mpi import initialize

initialize()

from distributed import Client


def square(i):
    return i * i


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with Client() as client:
        print("sum of squares:", sum(client.gather(client.map(square, range(count)))))
