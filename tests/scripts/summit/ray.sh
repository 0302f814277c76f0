#!/bin/bash
# hpcgen 0.1.0: site summit, facts of 2025-11-19 to 2026-11-21
# made by: hpcgen lsf --site summit --workload ray --account ABC123 --time 02:00:00 --cpus-per-task 42 --gpus 6 --conda /ccs/proj/abc123/ray tune.py
#BSUB -J tune
#BSUB -P ABC123
#BSUB -q batch
#BSUB -W 02:00
#BSUB -nnodes 1
#BSUB -o tune.%J.out

main() {
    . "$(conda info --base)/etc/profile.d/conda.sh"
    conda activate /ccs/proj/abc123/ray || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 1, "cpus": 42, "gpus": 6, "interfaces": ["ib0"], "local": "/mnt/bb/$USER"}'
    jsrun -n 1 -a 1 -c 42 -g 6 -r 1 -b packed:42 -d packed python -c "$launcher" "$shared" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
