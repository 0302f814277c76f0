"""What the sites' pages do with Dask-MPI: some functions, submitted as tasks; and each rank says where it is."""
import sys

import facts
from dask_mpi import initialize
from mpi4py import MPI

initialize(interface=next((name for name in facts.addresses() if name in ("ib0", "hsn0")), None))

from distributed import Client  # noqa: E402


def inc(x):
    return x + 1


def add(x, y):
    return x + y


def seen(dask_worker=None, dask_scheduler=None):
    """Of the rank that it is called in; `mpi` by which library that rank was joined to the others."""
    return facts.rank()


with Client() as client:
    workers = MPI.COMM_WORLD.size - 2
    client.wait_for_workers(workers, timeout=120)
    for one in (client.run_on_scheduler(seen), seen(), *client.run(seen).values()):
        print("facts", facts.line({**one, "argv": sys.argv}))
    for address, worker in sorted(client.scheduler_info(n_workers=-1)["workers"].items()):
        print("worker", worker["host"], address, worker["nthreads"], "threads", worker["memory_limit"] // 2**20, "MiB")
    print("Dask result:", client.submit(add, client.submit(inc, 1), client.submit(inc, 2)).result(), flush=True)
