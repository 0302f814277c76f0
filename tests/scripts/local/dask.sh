#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workers 4 dask_example.py

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=1

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
mpiexec -n 6 python dask_example.py
