#!/bin/bash
# hpcgen 0.1.0: site summit, facts of 2025-11-19 to 2026-11-21
# made by: hpcgen lsf --site summit --workers 40 --cpus-per-worker 2 --account ABC123 --time 01:00:00 --conda /ccs/proj/abc123/dask
#BSUB -J dask-mpi
#BSUB -P ABC123
#BSUB -q batch
#BSUB -W 01:00
#BSUB -nnodes 2
#BSUB -o dask-mpi.%J.out

main() {
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate /ccs/proj/abc123/dask || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 42, "interfaces": ["ib0"], "login": "summit.olcf.ornl.gov"}'
    workers='{"dask": {"nthreads": 2, "memory_limit": "1920MiB", "local_directory": "/mnt/bb/$USER"}}'
    jsrun -n 42 -a 1 -c 2 -g 0 -r 21 -b packed:2 -d packed python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 40
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
