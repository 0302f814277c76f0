#!/bin/bash
# hpcgen 0.1.0: site tsubame4, facts of 2026-11-21
# made by: hpcgen sge --site tsubame4 --workload mpi --account tga-hpc --time 01:00:00 --nodes 2 --ntasks-per-node 4 --cpus-per-task 48 --gpus-per-node 4 ./himeno
# submit by hand: qsub -g tga-hpc job.sh
#$ -N himeno
#$ -l h_rt=01:00:00
#$ -l node_f=2
#$ -cwd
#$ -j y

. /etc/profile.d/modules.sh
module purge
module load openmpi/5.0.7-gcc
export OMP_NUM_THREADS=48
export OMP_PLACES=cores
export OMP_PROC_BIND=close

mpirun -x LD_LIBRARY_PATH -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND --map-by ppr:4:node:PE=48 -n 8 ./himeno
