#!/bin/bash
# hpcgen 0.1.0: site aspire2a, facts of 2025-02-01 to 2026-11-21
# made by: hpcgen pbs --site aspire2a --workers 16 --cpus-per-worker 16 --hetjob --account 11001234 --time 04:00:00 --mem-per-cpu 3G --conda dask
#PBS -N dask-mpi
#PBS -P 11001234
#PBS -q normal
#PBS -l walltime=04:00:00
#PBS -l select=2:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb+16:ncpus=16:mpiprocs=1:ompthreads=16:mem=48gb
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

main() {
    module load miniforge3
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate dask || exit

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 18, "mpi": "MPICH", "login": "aspire2a.nscc.sg"}'
    workers='{"dask": {"nthreads": 16, "memory_limit": "47104MiB"}}'
    mpiexec \
         -n 2 --depth 1 --cpu-bind depth env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" -- -c "$selfcheck" 16 : \
         -n 16 --depth 16 --cpu-bind depth env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 16
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
