#!/bin/bash
# hpcgen 0.1.0: site kestrel, facts of 2025-07-30 to 2026-11-21
# made by: hpcgen slurm --site kestrel --workers 4 --cpus-per-worker 8 --hetjob --account hpcapps --time 00:30:00 --mem-per-cpu 2G --conda daskmpi
#SBATCH --job-name=dask-mpi
#SBATCH --account=hpcapps
#SBATCH --time=00:30:00
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G

main() {
    module load conda
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate daskmpi || exit

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 6, "mpi": "MPICH", "interfaces": ["hsn0"], "login": "kestrel.hpc.nrel.gov"}'
    workers='{"dask": {"nthreads": 8, "memory_limit": "15565MiB", "local_directory": "$PWD"}}'

    # Slurm's PMI-2 joins components only if their hosts are in the order of their names. Otherwise MPI_Init hangs.
    hosts=$(
        scontrol show hostnames "$SLURM_JOB_NODELIST_HET_GROUP_0"
        scontrol show hostnames "$SLURM_JOB_NODELIST_HET_GROUP_1"
    ) || :
    [ "$hosts" = "$(LC_ALL=C sort -V <<<"$hosts")" ] || export HPCGEN_BY_FILE=1   # the ranks connect through a file, without MPI

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    srun --mpi=pmi2 --kill-on-bad-exit=0 --wait=0 \
         --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" -- -c "$selfcheck" 4 : \
         --het-group=1 --cpus-per-task=8 env OMP_NUM_THREADS=1 python -c "$launcher" "$shared" "$workers" -- -c "$selfcheck" 4 || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
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
