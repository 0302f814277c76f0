"""The example of the documentation pages: a sum on Dask workers started by MPI."""
from dask_mpi import initialize

initialize()

from distributed import Client  # noqa: E402  only the client's rank comes here

with Client() as client:
    print(
        "workers",
        sorted((w["host"], w["nthreads"], w["memory_limit"]) for w in client.scheduler_info(n_workers=-1)["workers"].values()),
    )
    print("Dask result:", client.submit(lambda: 2 + 3).result())
