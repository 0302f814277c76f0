#!/bin/bash
# hpcgen 0.1.0: site tsubame4, facts of 2026-11-21
# made by: hpcgen sge --site tsubame4 --workload torchrun --account tga-hpc --time 06:00:00 --nodes 2 --cpus-per-task 192 --gpus-per-node 4 --conda torch train.py
# submit by hand: qsub -g tga-hpc job.sh
#$ -N train
#$ -l h_rt=06:00:00
#$ -l node_f=2
#$ -cwd
#$ -j y

. /etc/profile.d/modules.sh
module purge
module load miniconda/24.1.2
module load openmpi/5.0.7-gcc
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate torch || exit
export OMP_NUM_THREADS=48

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
mpirun -x LD_LIBRARY_PATH -x OMP_NUM_THREADS --bind-to none --map-by ppr:1:node -n 2 bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py
