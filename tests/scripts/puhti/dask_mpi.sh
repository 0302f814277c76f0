#!/bin/bash
# hpcgen 0.1.0: site puhti, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site puhti --workers 6 --cpus-per-worker 2 --account project_2001234 --time 01:00:00 --mem-per-cpu 4G --venv '~/dask' dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --account=project_2001234
#SBATCH --time=01:00:00
#SBATCH --partition=small
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=4G

main() {
    module load python-data
    module load openmpi
    . "$HOME"/dask/bin/activate || exit
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 8, "mpi": "Open MPI", "interfaces": ["ib0"]}'
    workers='{"dask": {"nthreads": 2, "memory_limit": "7783MiB"}}'

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    srun --kill-on-bad-exit=0 --wait=0 --cpus-per-task=2 python -c "$launcher" "$shared" "$workers" -- dask_example.py || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
