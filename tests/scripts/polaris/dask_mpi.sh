#!/bin/bash -l
# hpcgen 0.1.0: site polaris, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen pbs --site polaris --workers 30 --cpus-per-worker 8 --account datascience --time 01:00:00 --partition debug-scaling --nodes 4 --conda base
#PBS -N dask-mpi
#PBS -A datascience
#PBS -q debug-scaling
#PBS -l walltime=01:00:00
#PBS -l select=4:system=polaris
#PBS -l place=scatter
#PBS -l filesystems=home:eagle
#PBS -j oe
#PBS -k doe

cd "$PBS_O_WORKDIR" || exit

main() {
    module use /soft/modulefiles
    module load conda
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate base || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 32, "mpi": "MPICH", "interfaces": ["bond0"], "login": "polaris.alcf.anl.gov"}'
    workers='{"dask": {"nthreads": 8, "memory_limit": "7783MiB", "local_directory": "/local/scratch"}}'
    mpiexec -n 32 --ppn 8 --depth 8 --cpu-bind depth python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 30
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
