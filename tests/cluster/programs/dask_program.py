"""What the sites' pages do with Dask-MPI: some functions, submitted as tasks; and each rank says where it is."""
import sys

import facts
from mpi4py import MPI

facts.report(MPI.COMM_WORLD, argv=sys.argv)
# A program that is called dask_mpi.py, as one of the pages calls it, hides the package of that name.
del sys.path[0]
from dask_mpi import initialize  # noqa: E402

initialize(interface=next((name for name in facts.addresses() if name in ("ib0", "hsn0")), None))

from distributed import Client  # noqa: E402  only the client's rank comes here


def inc(x):
    return x + 1


def add(x, y):
    return x + y


with Client() as client:
    client.wait_for_workers(MPI.COMM_WORLD.size - 2, timeout=120)
    for address, worker in sorted(client.scheduler_info(n_workers=-1)["workers"].items()):
        print("worker", worker["host"], address, worker["nthreads"], "threads", worker["memory_limit"] // 2**20, "MiB")
    print("Dask result:", client.submit(add, client.submit(inc, 1), client.submit(inc, 2)).result(), flush=True)
