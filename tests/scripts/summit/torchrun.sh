#!/bin/bash
# hpcgen 0.1.0: site summit, facts of 2025-11-19 to 2026-11-21
# made by: hpcgen lsf --site summit --workload torchrun --account ABC123 --time 02:00:00 --cpus-per-task 42 --gpus 6 --conda /ccs/proj/abc123/torch train.py
#BSUB -J train
#BSUB -P ABC123
#BSUB -q batch
#BSUB -W 02:00
#BSUB -nnodes 1
#BSUB -o train.%J.out

. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate /ccs/proj/abc123/torch || exit
export OMP_NUM_THREADS=7

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
jsrun -n 1 -a 1 -c 42 -g 6 -r 1 -b packed:42 -d packed python -c "$torchrun" --standalone --nproc-per-node=6 train.py
