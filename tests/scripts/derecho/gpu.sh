#!/bin/bash
# hpcgen 0.1.0: site derecho, facts of 2026-05-19 to 2026-11-21
# made by: hpcgen pbs --site derecho --workload mpi --account UCSG0001 --time 06:00:00 --nodes 2 --ntasks-per-node 4 --cpus-per-task 16 --gpus-per-node 4 ./fasteddy
#PBS -N fasteddy
#PBS -A UCSG0001
#PBS -q main
#PBS -l walltime=06:00:00
#PBS -l select=2:ncpus=64:mpiprocs=4:ompthreads=16:ngpus=4
#PBS -l place=scatter
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module purge
module load ncarenv/23.09
module load intel-oneapi/2023.2.1
module load craype/2.7.23
module load cray-mpich/8.1.27
export OMP_NUM_THREADS=16
export OMP_PLACES=cores
export OMP_PROC_BIND=close

mpiexec -n 8 --ppn 4 --depth 16 --cpu-bind depth ./fasteddy
