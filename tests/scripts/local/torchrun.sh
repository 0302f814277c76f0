#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workload torchrun --nproc-per-node 2 --cpus-per-task 4 train.py

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=2

python -m torch.distributed.run --standalone --nproc-per-node=2 train.py
