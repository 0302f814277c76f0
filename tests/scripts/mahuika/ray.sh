#!/bin/bash -e
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site mahuika --workload ray --workers 4 --cpus-per-worker 16 --hetjob --time 08:00:00 --mem-per-cpu 3G --object-store-memory 20G --venv '~/ray' tune.py --trials 200
#SBATCH --job-name=tune
#SBATCH --time=08:00:00
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=2G
#SBATCH hetjob
#SBATCH --nodes=4
#SBATCH --ntasks=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=3G

main() {
    module purge
    module load Python/3.9.9-gimkl-2020a
    . "$HOME"/ray/bin/activate || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 5, "gpus": 0}'
    head='{"cpus": 0, "memory": 4096}'
    nodes='{"cpus": 16, "object_store": 20480, "memory": 49152}'
    srun --kill-on-bad-exit=0 --wait=0 \
         --het-group=0 --cpus-per-task=2 python -c "$launcher" "$shared" "$head" -- tune.py --trials 200 : \
         --het-group=1 --cpus-per-task=16 python -c "$launcher" "$shared" "$nodes" -- tune.py --trials 200
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
