#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2023-11-02
# made by: hpcgen local --workers 2 --cpus-per-worker 2

export OMP_NUM_THREADS=2

# Rank 0 is Dask's scheduler, rank 1 runs this check, the others are workers.
selfcheck=$(cat <<'PYTHON'
import json
import socket
import sys

from dask_mpi import initialize

asked = json.loads(sys.argv[1])
workers = asked.pop("workers")
initialize(**asked)

from distributed import Client, get_worker  # noqa: E402


def describe():
    worker = get_worker()
    return socket.gethostname(), worker.address, worker.state.nthreads, worker.memory_manager.memory_limit


with Client() as client:
    client.wait_for_workers(workers, timeout=120)
    for host, address, threads, memory in sorted(client.run(describe).values()):
        print("worker", host, address, threads, "threads", (memory or 0) // 2**20, "MiB")
    a, b = client.submit(lambda x: x + 1, 1), client.submit(lambda x: x + 1, 2)
    print("Dask result:", client.submit(lambda x, y: x + y, a, b).result(), flush=True)
PYTHON
)
mpiexec -n 4 python -c "$selfcheck" '{"workers": 2, "nthreads": 2, "memory_limit": "2048MiB"}'
