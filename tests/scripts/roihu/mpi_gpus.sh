#!/bin/bash
# hpcgen 0.1.0: site roihu, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site roihu --workload mpi --account project_2001234 --time 06:00:00 --ntasks 4 --cpus-per-task 72 --mem 800G --gpus 4 solver.py
#SBATCH --job-name=solver
#SBATCH --account=project_2001234
#SBATCH --time=06:00:00
#SBATCH --partition=gpumedium
#SBATCH --nodes=1
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=72
#SBATCH --mem=800G
#SBATCH --gres=gpu:gh200:4

module purge
module load python-data
export OMP_NUM_THREADS=72
export OMP_PLACES=cores
export OMP_PROC_BIND=close

srun --cpus-per-task=72 --cpu-bind=cores python solver.py
