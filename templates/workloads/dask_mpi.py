import json
import socket
import sys

import dask

# Ranks that end one after the other complain of each other: only what is worse than that is shown.
dask.config.set({"logging": {"distributed": "error", "distributed.batched": "critical"}})
from dask_mpi import initialize  # noqa: E402

asked = json.loads(sys.argv[1])
workers = asked.pop("workers")
initialize(**asked)

from distributed import Client  # noqa: E402


def describe(dask_worker):
    limit = dask_worker.memory_manager.memory_limit or 0
    return socket.gethostname(), dask_worker.address, dask_worker.state.nthreads, limit // 2**20


with Client() as client:
    client.wait_for_workers(workers, timeout=120)
    for host, address, threads, memory in sorted(client.run(describe).values()):
        print("worker", host, address, threads, "threads", memory, "MiB")
    a, b = client.submit(lambda x: x + 1, 1), client.submit(lambda x: x + 1, 2)
    print("Dask result:", client.submit(lambda x, y: x + y, a, b).result(), flush=True)
