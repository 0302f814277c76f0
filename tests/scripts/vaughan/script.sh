#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --account ap_course --time 01:00:00 --ntasks 4 --mem-per-cpu 2G --userbase '~/python' script.py 1000
#SBATCH --job-name=script
#SBATCH --account=ap_course
#SBATCH --time=01:00:00
#SBATCH --partition=zen2
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

main() {
    module --force purge
    module load calcua/2023a
    module load Python/3.11.3-GCCcore-12.3.0
    module load intel
    export PYTHONUSERBASE="$HOME"/python
    export PATH="$PYTHONUSERBASE/bin:$PATH"
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 4, "mpi": "Intel", "login": "login-vaughan.hpc.uantwerpen.be"}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "1920MiB", "local_directory": "/tmp"}}'

    HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
    export HPCGEN_STATUS
    status=0
    srun --kill-on-bad-exit=0 --wait=0 --cpus-per-task=1 python -c "$launcher" "$shared" "$workers" -- script.py 1000 || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
