#!/bin/bash
# hpcgen 0.1.0: site tuolumne, facts of 2026-07-01 to 2026-11-21
# made by: hpcgen flux --site tuolumne --workers 40 --cpus-per-worker 4 --account guests --time 01:00:00 --venv /p/lustre5/me/venvs/dask
# flux: --job-name=dask-mpi
# flux: --setattr=bank=guests
# flux: --queue=pbatch
# flux: --time-limit=60m
# flux: --nodes=2
# flux: --nslots=42
# flux: --cores-per-slot=4
# flux: --exclusive
# flux: --setattr=thp=always

main() {
    module load cray-python
    module load cray-mpich
    . /p/lustre5/me/venvs/dask/bin/activate || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 42, "mpi": "MPICH", "login": "tuolumne.llnl.gov"}'
    workers='{"dask": {"nthreads": 4}}'
    flux run -N 2 -n 42 -c 4 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 40
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
