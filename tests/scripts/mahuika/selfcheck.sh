#!/bin/bash -e
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site mahuika --hetjob
#SBATCH --job-name=dask-mpi
#SBATCH --time=01:00:00
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --ntasks=3
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

module purge
module load Python/3.9.9-gimkl-2020a
export I_MPI_PMI_LIBRARY=/lib64/libpmi2.so

# Rank 0 is Dask's scheduler, rank 1 runs this check, the others are workers.
selfcheck=$(cat <<'PYTHON'
import json
import socket
import sys

import dask

# Ranks that end one after the other complain of each other: only what is worse than that is shown.
dask.config.set({"logging": {"distributed": "error", "distributed.batched": "critical"}})
from dask_mpi import initialize  # noqa: E402

asked = json.loads(sys.argv[1])
workers = asked.pop("workers")
initialize(**asked)

from distributed import Client  # noqa: E402


def describe(dask_worker):
    limit = dask_worker.memory_manager.memory_limit or 0
    return socket.gethostname(), dask_worker.address, dask_worker.state.nthreads, limit // 2**20


with Client() as client:
    client.wait_for_workers(workers, timeout=120)
    for host, address, threads, memory in sorted(client.run(describe).values()):
        print("worker", host, address, threads, "threads", memory, "MiB")
    a, b = client.submit(lambda x: x + 1, 1), client.submit(lambda x: x + 1, 2)
    print("Dask result:", client.submit(lambda x, y: x + y, a, b).result(), flush=True)
PYTHON
)
srun --mpi=pmi2 --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 python -c "$selfcheck" '{"workers": 3, "nthreads": 1, "memory_limit": "1024MiB"}' : \
     --het-group=1 --cpus-per-task=1 env OMP_NUM_THREADS=1 python -c "$selfcheck" '{"workers": 3, "nthreads": 1, "memory_limit": "1024MiB"}'
