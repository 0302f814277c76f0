#!/bin/bash
# hpcgen 0.1.0: site maui-ancil, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen slurm --site maui-ancil --time 01:00:00 --ntasks 6 --mem-per-cpu 1G --image my_container.sif --container-verb run dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --time=01:00:00
#SBATCH --partition=nesi_prepost
#SBATCH --ntasks=6
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

main() {
    export I_MPI_PMI_LIBRARY=/opt/slurm/lib64/libpmi2.so
    export OMP_NUM_THREADS=1
    test -e my_container.sif || { echo "hpcgen: there is no image" my_container.sif >&2; exit 1; }
    export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/opt/slurm/lib64/libpmi2.so,$PWD"

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 6, "mpi": "Intel"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "896MiB"}}'

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    srun --mpi=pmi2 --kill-on-bad-exit=0 --wait=0 --cpus-per-task=1 apptainer run my_container.sif -c "$launcher" "$shared" "$workers" -- dask_example.py || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
