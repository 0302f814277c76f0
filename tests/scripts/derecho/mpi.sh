#!/bin/bash
# hpcgen 0.1.0: site derecho, facts of 2026-05-19 to 2026-11-21
# made by: hpcgen pbs --site derecho --workload mpi --account UCSG0001 --time 12:00:00 --qos economy --nodes 2 --ntasks-per-node 32 --cpus-per-task 4 ./cesm.exe
#PBS -N cesm.exe
#PBS -A UCSG0001
#PBS -q main
#PBS -l walltime=12:00:00
#PBS -l select=2:ncpus=128:mpiprocs=32:ompthreads=4
#PBS -l place=scatter
#PBS -l job_priority=economy
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module purge
module load ncarenv/23.09
module load intel-oneapi/2023.2.1
module load craype/2.7.23
module load cray-mpich/8.1.27
export OMP_NUM_THREADS=4
export OMP_PLACES=cores
export OMP_PROC_BIND=close

mpiexec -n 64 --ppn 32 --depth 4 --cpu-bind depth ./cesm.exe
