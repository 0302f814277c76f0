#!/bin/bash
# hpcgen 0.1.0: site kestrel, facts of 2025-07-30 to 2026-11-21
# made by: hpcgen slurm --site kestrel --workload torchrun --account hpcapps --time 04:00:00 --nodes 2 --mem 320G --gpus-per-node 4 --cpus-per-gpu 16 --conda torch train.py --epochs 10
#SBATCH --job-name=train
#SBATCH --account=hpcapps
#SBATCH --time=04:00:00
#SBATCH --nodes=2
#SBATCH --ntasks=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=64
#SBATCH --mem=320G
#SBATCH --gpus-per-node=4

module load conda
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate torch || exit
export OMP_NUM_THREADS=16

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
over hsn0 ||
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
srun --kill-on-bad-exit=1 --cpus-per-task=64 bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py --epochs 10
