#!/bin/bash
# hpcgen 0.1.0: site tsubame4, facts of 2026-11-21
# made by: hpcgen sge --site tsubame4 --workload ray --account tga-hpc --time 02:00:00 --nodes 2 --cpus-per-task 192 --gpus-per-node 4 --venv /gs/fs/tga-hpc/venvs/ray tune.py
# submit by hand: qsub -g tga-hpc job.sh
#$ -N tune
#$ -l h_rt=02:00:00
#$ -l node_f=2
#$ -cwd
#$ -j y

main() {
    . /etc/profile.d/modules.sh
    module purge
    module load miniconda/24.1.2
    module load openmpi/5.0.7-gcc
    . /gs/fs/tga-hpc/venvs/ray/bin/activate || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 2, "cpus": 192, "gpus": 4, "local": "/local"}'
    mpirun -x LD_LIBRARY_PATH -x RAY_AUTH_TOKEN -x HPCGEN_HEAD --bind-to none --map-by ppr:1:node -n 2 python -c "$launcher" "$shared" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
