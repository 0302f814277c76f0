#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workers 2 --cpus-per-worker 2

main() {
    export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 4, "interfaces": ["lo"]}'
    workers='{"dask": {"nthreads": 2, "memory_limit": "1920MiB"}}'
    mpiexec -n 4 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 2
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

selfcheck=$(cat <<'PYTHON'
import socket
import sys

from dask_mpi import initialize

initialize()

from distributed import Client


def describe(dask_worker):
    limit = dask_worker.memory_manager.memory_limit or 0
    return socket.gethostname(), dask_worker.address, dask_worker.state.nthreads, limit // 2**20


with Client() as client:
    client.wait_for_workers(int(sys.argv[1]), timeout=120)
    for host, address, threads, memory in sorted(client.run(describe).values()):
        print("worker", host, address, threads, "threads", memory, "MiB")
    a, b = client.submit(lambda x: x + 1, 1), client.submit(lambda x: x + 1, 2)
    print("Dask result:", client.submit(lambda x, y: x + y, a, b).result(), flush=True)
PYTHON
)

main "$@"
