#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workers 94 --account vp91 --time 02:00:00 --mem-per-cpu 3G --tmp 100G --venv /g/data/vp91/venvs/dask
#PBS -N dask-mpi
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=02:00:00
#PBS -l ncpus=96
#PBS -l mem=288gb
#PBS -l jobfs=200gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

main() {
    module load python3/3.11.0
    module load openmpi/4.1.5
    . /g/data/vp91/venvs/dask/bin/activate || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 96, "mpi": "Open MPI", "interfaces": ["ib0"], "login": "gadi.nci.org.au"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "2919MiB", "local_directory": "$PBS_JOBFS"}}'
    mpirun -x OMP_NUM_THREADS --map-by ppr:48:node -n 96 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 94
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
