#!/bin/bash
# hpcgen 0.1.0: site aspire2a, facts of 2025-02-01 to 2026-11-21
# made by: hpcgen pbs --site aspire2a --workload ray --workers 3 --cpus-per-worker 32 --hetjob --account 11001234 --time 04:00:00 --mem-per-cpu 3G --conda ray tune.py
#PBS -N tune
#PBS -P 11001234
#PBS -q normal
#PBS -l walltime=04:00:00
#PBS -l select=1:ncpus=2:mpiprocs=1:ompthreads=2:mem=4gb+3:ncpus=32:mpiprocs=1:ompthreads=32:mem=96gb
#PBS -l place=scatter
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

main() {
    module load miniforge3
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate ray || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 4, "gpus": 0, "unset": ["OMP_NUM_THREADS"]}'
    head='{"cpus": 0, "memory": 4096}'
    nodes='{"cpus": 32, "memory": 98304}'
    mpiexec \
         -n 1 --ppn 1 --depth 2 --cpu-bind depth python -c "$launcher" "$shared" "$head" -- tune.py : \
         -n 3 --ppn 1 --depth 32 --cpu-bind depth python -c "$launcher" "$shared" "$nodes" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
