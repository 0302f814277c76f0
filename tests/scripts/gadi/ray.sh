#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload ray --account vp91 --time 04:00:00 --nodes 2 --cpus-per-task 48 --mem 190G --venv /g/data/vp91/venvs/ray tune.py
#PBS -N tune
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=04:00:00
#PBS -l ncpus=96
#PBS -l mem=380gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

main() {
    module load python3/3.11.0
    module load openmpi/4.1.5
    . /g/data/vp91/venvs/ray/bin/activate || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 2, "cpus": 48, "gpus": 0, "unset": ["OMP_NUM_THREADS"], "memory": 194560, "interfaces": ["ib0"], "local": "$PBS_JOBFS"}'
    mpirun -x RAY_AUTH_TOKEN -x HPCGEN_HEAD --bind-to none --map-by ppr:1:node -n 2 python -c "$launcher" "$shared" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
