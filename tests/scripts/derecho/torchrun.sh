#!/bin/bash
# hpcgen 0.1.0: site derecho, facts of 2026-05-19 to 2026-11-21
# made by: hpcgen pbs --site derecho --workload torchrun --account UCSG0001 --time 06:00:00 --nodes 2 --cpus-per-task 64 --gpus-per-node 4 --conda torch train.py
#PBS -N train
#PBS -A UCSG0001
#PBS -q main
#PBS -l walltime=06:00:00
#PBS -l select=2:ncpus=64:mpiprocs=1:ompthreads=64:ngpus=4
#PBS -l place=scatter
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module purge
module load ncarenv/23.09
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
over ext ||
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
mpiexec -n 2 --ppn 1 --depth 64 --cpu-bind depth bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py
