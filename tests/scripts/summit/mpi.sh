#!/bin/bash
# hpcgen 0.1.0: site summit, facts of 2025-11-19 to 2026-11-21
# made by: hpcgen lsf --site summit --workload mpi --account ABC123 --time 02:00:00 --nodes 2 --ntasks-per-node 6 --cpus-per-task 7 --gpus-per-task 1 ./qmcpack
#BSUB -J qmcpack
#BSUB -P ABC123
#BSUB -q batch
#BSUB -W 02:00
#BSUB -nnodes 2
#BSUB -o qmcpack.%J.out

export OMP_NUM_THREADS=7
export OMP_PLACES=cores
export OMP_PROC_BIND=close

jsrun -n 12 -a 1 -c 7 -g 1 -r 6 -b packed:7 -d packed ./qmcpack
