#!/bin/bash -l
# hpcgen 0.1.0: site polaris, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen pbs --site polaris --workload ray --account datascience --time 01:00:00 --partition debug-scaling --nodes 4 --cpus-per-task 64 --gpus-per-node 4 --conda base tune.py
#PBS -N tune
#PBS -A datascience
#PBS -q debug-scaling
#PBS -l walltime=01:00:00
#PBS -l select=4:system=polaris
#PBS -l place=scatter
#PBS -l filesystems=home:eagle
#PBS -j oe
#PBS -k doe

cd "$PBS_O_WORKDIR" || exit

main() {
    module use /soft/modulefiles
    module load conda
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate base || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 4, "cpus": 64, "gpus": 4, "unset": ["OMP_NUM_THREADS"], "interfaces": ["bond0"], "local": "/local/scratch"}'
    mpiexec -n 4 --ppn 1 --depth 64 --cpu-bind depth python -c "$launcher" "$shared" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
