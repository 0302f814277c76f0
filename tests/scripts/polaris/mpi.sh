#!/bin/bash -l
# hpcgen 0.1.0: site polaris, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen pbs --site polaris --workload mpi --account datascience --time 03:00:00 --nodes 16 --ntasks-per-node 4 --cpus-per-task 16 --gpus-per-node 4 --resource filesystems=home:eagle:grand ./lmp
#PBS -N lmp
#PBS -A datascience
#PBS -q prod
#PBS -l walltime=03:00:00
#PBS -l select=16:system=polaris
#PBS -l place=scatter
#PBS -l filesystems=home:eagle:grand
#PBS -j oe
#PBS -k doe

cd "$PBS_O_WORKDIR" || exit

export OMP_NUM_THREADS=16
export OMP_PLACES=cores
export OMP_PROC_BIND=close

mpiexec -n 64 --ppn 4 --depth 16 --cpu-bind depth ./lmp
