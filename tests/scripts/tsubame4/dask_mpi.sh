#!/bin/bash
# hpcgen 0.1.0: site tsubame4, facts of 2026-11-21
# made by: hpcgen sge --site tsubame4 --workers 14 --account tga-hpc --time 02:00:00 --venv /gs/fs/tga-hpc/venvs/dask
# submit by hand: qsub -g tga-hpc job.sh
#$ -N dask-mpi
#$ -l h_rt=02:00:00
#$ -l cpu_16=1
#$ -cwd
#$ -j y

main() {
    . /etc/profile.d/modules.sh
    module purge
    module load miniconda/24.1.2
    module load openmpi/5.0.7-gcc
    . /gs/fs/tga-hpc/venvs/dask/bin/activate || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 16, "mpi": "Open MPI", "login": "login.t4.gsic.titech.ac.jp"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "896MiB", "local_directory": "/local"}}'
    mpirun -x LD_LIBRARY_PATH -x OMP_NUM_THREADS -n 16 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 14
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
