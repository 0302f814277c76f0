#!/bin/bash
# hpcgen 0.1.0: site roihu, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site roihu --workload torchrun --account project_2001234 --time 02:00:00 --partition gpularge --nodes 2 --cpus-per-task 288 --mem 800G --gpus-per-node gh200:4 --image torch.sif train.py --epochs 10
#SBATCH --job-name=train
#SBATCH --account=project_2001234
#SBATCH --time=02:00:00
#SBATCH --partition=gpularge
#SBATCH --nodes=2
#SBATCH --ntasks=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=288
#SBATCH --mem=800G
#SBATCH --gres=gpu:gh200:4

export OMP_NUM_THREADS=72
test -e torch.sif || { echo "hpcgen: there is no image" torch.sif >&2; exit 1; }
APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$(csc-common-bind)" || exit
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"

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
# If this node gets SIGTERM, another node failed first. Then exit with 1, because the container's own status is unreliable.
told=
trap told=1 TERM
"$@" || exit "${told:-$?}"
BASH
)
host=$(bash -c "$node")
port=$((20000 + $$ % 12000))
while (: </dev/tcp/"$host"/"$port") 2>/dev/null; do port=$((port + 1)); done
meeting=$host:$port
srun --kill-on-bad-exit=1 --cpus-per-task=288 bash -c "$node" "$meeting" apptainer exec --nv torch.sif python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 train.py --epochs 10
