#!/bin/bash
# hpcgen 0.1.0: site eagle, facts of 2023-08-24 to 2026-11-21
# made by: hpcgen slurm --site eagle --account hpcapps --time 00:30:00 --ntasks 30 --mem-per-cpu 2G --conda daskmpi dask_mpi.py
#SBATCH --job-name=dask_mpi
#SBATCH --account=hpcapps
#SBATCH --time=00:30:00
#SBATCH --ntasks=30
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

main() {
    module purge
    module load conda
    module load intel-mpi
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate daskmpi || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 30, "mpi": "Intel", "interfaces": ["ib0"], "login": "eagle.hpc.nrel.gov"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "1920MiB", "local_directory": "/tmp/scratch"}}'
    mpiexec -n 30 python -c "$launcher" "$shared" "$workers" -- dask_mpi.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
