#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workload ray --symmetric-run --account user_project --time 01:00:00 --nodes 2 --cpus-per-task 128 --exclusive --venv '~/distributed_python' ray_example.py
#SBATCH --job-name=ray_example
#SBATCH --account=user_project
#SBATCH --time=01:00:00
#SBATCH --partition=standard-s
#SBATCH --nodes=2
#SBATCH --ntasks=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=128
#SBATCH --mem=0
#SBATCH --exclusive

main() {
    module purge
    module load gcc/13.4.0
    module load hpc-x/2.21.1
    . "$HOME"/distributed_python/bin/activate || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 2, "cpus": 128, "gpus": 0}'
    srun --kill-on-bad-exit=0 --wait=0 --cpus-per-task=128 python -c "$launcher" "$shared" -- ray_example.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
