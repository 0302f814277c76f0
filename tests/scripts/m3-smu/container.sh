#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workers 6 --account user_project --time 01:00:00 --nodes 2 --ntasks-per-node 4 --mem-per-cpu 2G --image dask-mpi.sif dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --account=user_project
#SBATCH --time=01:00:00
#SBATCH --partition=standard-s
#SBATCH --nodes=2
#SBATCH --ntasks=8
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

main() {
    module purge
    module load gcc/13.4.0
    module load hpc-x/2.21.1
    module load apptainer/1.5.0
    export OMP_NUM_THREADS=1
    test -e dask-mpi.sif || { echo "hpcgen: there is no image" dask-mpi.sif >&2; exit 1; }
    export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 8, "mpi": "Open MPI", "login": "m3.smu.edu"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "1920MiB"}}'

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    srun --mpi=pmix_v5 --kill-on-bad-exit=0 --wait=0 --cpus-per-task=1 apptainer exec dask-mpi.sif python -c "$launcher" "$shared" "$workers" -- dask_example.py || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
