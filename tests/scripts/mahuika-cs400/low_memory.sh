#!/bin/bash
# hpcgen 0.1.0: site mahuika-cs400, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen slurm --site mahuika-cs400 --time 01:00:00 --ntasks 6 --cpus-per-task 1 --mem-per-cpu 1G mydaskprogram.py
#SBATCH --job-name=mydaskprogram
#SBATCH --time=01:00:00
#SBATCH --ntasks=6
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

main() {
    module purge
    module load Python/3.9.9-gimkl-2020a
    export I_MPI_PMI_LIBRARY=/opt/slurm/lib64/libpmi2.so
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 6, "mpi": "Intel", "login": "-J lander.nesi.org.nz login.mahuika.nesi.org.nz"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "896MiB"}}'

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    env -u SLURM_CPUS_PER_TASK -u SLURM_TRES_PER_TASK srun --mpi=pmi2 --kill-on-bad-exit=0 --wait=0 python -c "$launcher" "$shared" "$workers" -- mydaskprogram.py || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
