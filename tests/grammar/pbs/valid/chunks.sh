#!/bin/bash -e
# Two small ranks and three large ones: the heterogeneous request that select is for.
#PBS -N mydaskprogram
#PBS -A UABC0001
#PBS -q main
#PBS -l select=2:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb+3:ncpus=4:mpiprocs=1:ompthreads=4:mem=12gb
#PBS -l place=scatter:excl
#PBS -l walltime=01:00:00
#PBS -j oe
#PBS -o logs/run.out

cd "$PBS_O_WORKDIR"
mpiexec -n 2 python prog.py : -n 3 python prog.py
