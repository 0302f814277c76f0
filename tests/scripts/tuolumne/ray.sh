#!/bin/bash
# hpcgen 0.1.0: site tuolumne, facts of 2026-07-01 to 2026-11-21
# made by: hpcgen flux --site tuolumne --workload ray --account guests --time 04:00:00 --nodes 2 --cpus-per-task 84 --gpus-per-node 4 --venv /p/lustre5/me/venvs/ray tune.py
# flux: --job-name=tune
# flux: --setattr=bank=guests
# flux: --queue=pbatch
# flux: --time-limit=240m
# flux: --nodes=2
# flux: --nslots=2
# flux: --cores-per-slot=84
# flux: --gpus-per-slot=4
# flux: --exclusive
# flux: --setattr=thp=always

main() {
    module load cray-python
    . /p/lustre5/me/venvs/ray/bin/activate || exit

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 2, "cpus": 84, "gpus": 4}'
    flux run -N 2 -n 2 -c 84 -g 4 python -c "$launcher" "$shared" -- tune.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
