#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workload torchrun --account user_project --nodes 2 --nproc-per-node 4 --cpus-per-task 32 --mem 64G --venv '~/torch'
#SBATCH --job-name=torchrun
#SBATCH --account=user_project
#SBATCH --time=01:00:00
#SBATCH --partition=standard-s
#SBATCH --nodes=2
#SBATCH --ntasks=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem=64G

module purge
module load gcc/13.4.0
module load hpc-x/2.21.1
. "$HOME"/torch/bin/activate || exit
export OMP_NUM_THREADS=8

selfcheck=$(cat <<'PYTHON'
import os, socket, sys

import torch
import torch.distributed as dist

gpu = torch.cuda.is_available()
if gpu:
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
dist.init_process_group("nccl" if gpu else "gloo")
rank, size = dist.get_rank(), dist.get_world_size()
total = torch.tensor([rank + 1.0], device="cuda" if gpu else "cpu")
dist.all_reduce(total)
what = [torch.cuda.get_device_name() if gpu else "CPU", torch.get_num_threads(), "threads, master", os.environ["MASTER_ADDR"]]
what += ["interface", os.environ.get("GLOO_SOCKET_IFNAME", "-")]
sys.stdout.write(" ".join(map(str, ["rank", rank, "of", size, "on", socket.gethostname(), *what])) + "\n")
dist.barrier()
if rank == 0:
    print("PyTorch", torch.__version__, dist.get_backend(), "sum", int(total.item()), "of", size * (size + 1) // 2)
dist.destroy_process_group()
PYTHON
)

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
srun --kill-on-bad-exit=1 --cpus-per-task=32 bash -c "$node" "$meeting" python -c "$torchrun" --nnodes=2 --rdzv-backend=c10d --nproc-per-node=4 --no-python python -c "$selfcheck"
