#!/bin/bash -l
# hpcgen 0.1.0: site myriad, facts of 2025-02-17 to 2026-11-21
# made by: hpcgen sge --site myriad --workload torchrun --time 12:00:00 --cpus-per-task 16 --mem 80G --gpus 2 --constraint L --venv /home/ccaabcd/venvs/torch train.py
#$ -N train
#$ -l h_rt=12:00:00
#$ -pe smp 16
#$ -l mem=5G
#$ -l gpu=2
#$ -ac allow=L
#$ -cwd
#$ -j y

module load python3/recommended
. /home/ccaabcd/venvs/torch/bin/activate || exit
export OMP_NUM_THREADS=8

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
python -c "$torchrun" --standalone --nproc-per-node=2 train.py
