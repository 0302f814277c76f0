#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workers 2 --cpus-per-worker 2

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=2

# Rank 0 is Dask's scheduler, rank 1 runs this check, the others are workers.
selfcheck=$(cat <<'PYTHON'
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
PYTHON
)
mpiexec -n 4 python -c "$selfcheck" '{"workers": 2, "nthreads": 2, "interface": "lo", "memory_limit": "2048MiB"}'
