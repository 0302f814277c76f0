#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --workload mpi --account ap_course --time 12:00:00 --nodes 2 --ntasks-per-node 8 --cpus-per-task 8 --exclusive ./solver
#SBATCH --job-name=solver
#SBATCH --account=ap_course
#SBATCH --time=12:00:00
#SBATCH --partition=zen2
#SBATCH --nodes=2
#SBATCH --ntasks=16
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --mem=0
#SBATCH --exclusive

module --force purge
module load calcua/2023a
module load intel
export OMP_NUM_THREADS=8
export OMP_PLACES=cores
export OMP_PROC_BIND=close

srun --cpus-per-task=8 --cpu-bind=cores ./solver
