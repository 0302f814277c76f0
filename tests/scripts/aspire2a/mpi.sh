#!/bin/bash
# hpcgen 0.1.0: site aspire2a, facts of 2025-02-01 to 2026-11-21
# made by: hpcgen pbs --site aspire2a --workload mpi --account 11001234 --time 02:00:00 --nodes 4 --ntasks-per-node 128 --mem 400G ./mpihello
#PBS -N mpihello
#PBS -P 11001234
#PBS -q normal
#PBS -l walltime=02:00:00
#PBS -l select=4:ncpus=128:mpiprocs=128:ompthreads=1:mem=400gb
#PBS -l place=scatter
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module load cray-mpich
export OMP_NUM_THREADS=1

mpiexec -n 512 --ppn 128 --depth 1 --cpu-bind depth ./mpihello
