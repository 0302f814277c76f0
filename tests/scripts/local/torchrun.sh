#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workload torchrun --nproc-per-node 2 --cpus-per-task 4 train.py

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=2

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
