#!/bin/bash
# hpcgen 0.1.0: site derecho, facts of 2026-05-19 to 2026-11-21
# made by: hpcgen pbs --site derecho --workers 60 --cpus-per-worker 4 --hetjob --account UCSG0001 --time 01:00:00 --partition develop --conda npl
#PBS -N dask-mpi
#PBS -A UCSG0001
#PBS -q develop
#PBS -l walltime=01:00:00
#PBS -l select=2:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb+60:ncpus=4:mpiprocs=1:ompthreads=4:mem=4gb
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

main() {
    module purge
    module load ncarenv/23.09
    module load conda
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate npl || exit

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 62, "mpi": "MPICH", "interfaces": ["ext"], "login": "derecho.hpc.ucar.edu"}'
    workers='{"dask": {"nthreads": 4, "memory_limit": "3892MiB", "local_directory": "/glade/derecho/scratch/$USER/dask"}}'
    mpiexec \
         -n 2 --depth 1 --cpu-bind depth env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" -- -c "$selfcheck" 60 : \
         -n 60 --depth 4 --cpu-bind depth env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 60
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
