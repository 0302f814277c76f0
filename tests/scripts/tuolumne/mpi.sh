#!/bin/bash
# hpcgen 0.1.0: site tuolumne, facts of 2026-07-01 to 2026-11-21
# made by: hpcgen flux --site tuolumne --workload mpi --account guests --time 12:00:00 --nodes 4 --ntasks-per-node 4 --cpus-per-task 21 --gpus-per-task 1 ./warpx
# flux: --job-name=warpx
# flux: --setattr=bank=guests
# flux: --queue=pbatch
# flux: --time-limit=720m
# flux: --nodes=4
# flux: --nslots=16
# flux: --cores-per-slot=21
# flux: --gpus-per-slot=1
# flux: --exclusive
# flux: --setattr=thp=always

module load cray-mpich
export OMP_NUM_THREADS=21

flux run -N 4 -n 16 -c 21 -g 1 ./warpx
