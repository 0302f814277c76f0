#!/bin/bash
# hpcgen 0.1.0: site mahuika-cs400, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen slurm --site mahuika-cs400 --workers 3 --cpus-per-worker 4 --hetjob --time 01:00:00 --mem-per-cpu 3G --image my_container.sif --container-verb run dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --time=01:00:00
#SBATCH --ntasks=2
#SBATCH --ntasks-per-core=2
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --ntasks=3
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=3G

main() {
    export I_MPI_PMI_LIBRARY=/opt/slurm/lib64/libpmi2.so
    test -e my_container.sif || { echo "hpcgen: there is no image" my_container.sif >&2; exit 1; }
    export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/opt/slurm/lib64/libpmi2.so,$PWD"

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 5, "mpi": "Intel", "login": "-J lander.nesi.org.nz login.mahuika.nesi.org.nz"}'
    workers='{"dask": {"nthreads": 4, "memory_limit": "11674MiB"}}'

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
         --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 apptainer run my_container.sif -c "$launcher" "$shared" -- dask_example.py : \
         --het-group=1 --cpus-per-task=4 env OMP_NUM_THREADS=1 apptainer run my_container.sif -c "$launcher" "$shared" "$workers" -- dask_example.py || status=$?
    [ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
    rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
    exit "$status"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
