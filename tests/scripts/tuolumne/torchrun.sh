#!/bin/bash
# hpcgen 0.1.0: site tuolumne, facts of 2026-07-01 to 2026-11-21
# made by: hpcgen flux --site tuolumne --workload torchrun --account guests --time 06:00:00 --nodes 2 --cpus-per-task 84 --gpus-per-node 4 --venv /p/lustre5/me/venvs/torch train.py
# flux: --job-name=train
# flux: --setattr=bank=guests
# flux: --queue=pbatch
# flux: --time-limit=360m
# flux: --nodes=2
# flux: --nslots=2
# flux: --cores-per-slot=84
# flux: --gpus-per-slot=4
# flux: --exclusive
# flux: --setattr=thp=always

module load cray-python
. /p/lustre5/me/venvs/torch/bin/activate || exit
export OMP_NUM_THREADS=21

# Run torchrun, and exit with the status of the process that failed first. torchrun itself always exits with 1.
torchrun=$(cat <<'PYTHON'
import sys
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

try:
    main()
except ChildFailedError as failed:
    print(failed, file=sys.stderr)
    status = failed.get_first_failure()[1].exitcode
    sys.exit(status if status > 0 else 128 - status)
PYTHON
)
# torchrun runs once on each node, and starts the processes there. They connect to a free port of this node, the first of the
# job. torchrun reads the settings that differ between nodes from PET_LOCAL_ADDR and PET_RDZV_CONF.
node=$(cat <<'BASH'
PET_LOCAL_ADDR=$(hostname)
[ $# -gt 0 ] || exec echo "$PET_LOCAL_ADDR"
first=false
[ "$0" != "$PET_LOCAL_ADDR:${0##*:}" ] || first=true
export PET_LOCAL_ADDR PET_RDZV_ENDPOINT="$0" PET_RDZV_ID="$0" PET_RDZV_CONF="is_host=$first"
exec "$@"
BASH
)
host=$(bash -c "$node")
port=$((20000 + $$ % 12000))
while (: </dev/tcp/"$host"/"$port") 2>/dev/null; do port=$((port + 1)); done
meeting=$host:$port
flux run -N 2 -n 2 -c 84 -g 4 bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py
