#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload torchrun --account vp91 --time 10:00:00 --nodes 2 --cpus-per-task 48 --mem 380G --gpus-per-node 4 --venv /g/data/vp91/venvs/torch train.py --epochs 20
#PBS -N train
#PBS -P vp91
#PBS -q gpuvolta
#PBS -l walltime=10:00:00
#PBS -l ncpus=96
#PBS -l ngpus=8
#PBS -l mem=760gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

module load python3/3.11.0
module load openmpi/4.1.5
. /g/data/vp91/venvs/torch/bin/activate || exit
export OMP_NUM_THREADS=12

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
over() {
    PET_LOCAL_ADDR=$(ip -4 -oneline address show dev "$1" 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
    [ -n "$PET_LOCAL_ADDR" ] && export NCCL_SOCKET_IFNAME="$1" GLOO_SOCKET_IFNAME="$1"
}
over ib0 ||
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
mpirun -x OMP_NUM_THREADS --bind-to none --map-by ppr:1:node -n 2 bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py --epochs 20
