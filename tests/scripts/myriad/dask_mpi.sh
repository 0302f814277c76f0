#!/bin/bash -l
# hpcgen 0.1.0: site myriad, facts of 2025-02-17 to 2026-11-21
# made by: hpcgen sge --site myriad --workers 10 --cpus-per-worker 3 --time 1-00:00:00 --mem-per-cpu 4G --tmp 50G --chdir /scratch/scratch/ccaabcd/run --venv /home/ccaabcd/venvs/dask
#$ -N dask-mpi
#$ -l h_rt=24:00:00
#$ -pe mpi 36
#$ -l mem=4G
#$ -l tmpfs=50G
#$ -wd /scratch/scratch/ccaabcd/run
#$ -j y

main() {
    module load python3/recommended
    module load default-modules
    . /home/ccaabcd/venvs/dask/bin/activate || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 12, "mpi": "Intel", "login": "myriad.rc.ucl.ac.uk"}'
    workers='{"dask": {"nthreads": 3, "memory_limit": "11674MiB", "local_directory": "$TMPDIR"}}'
    { printf '%s=%q\n' launcher "$launcher" selfcheck "$selfcheck" shared "$shared" workers "$workers"; printf '%s\n' 'env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 10'; } > "hpcgen-$JOB_ID.sh"
    OMP_NUM_THREADS=3 gerun bash "hpcgen-$JOB_ID.sh"
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
