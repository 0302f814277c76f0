#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workers 6 --account user_project --time 01:00:00 --mem-per-cpu 2G --venv '~/dask' dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --account=user_project
#SBATCH --time=01:00:00
#SBATCH --partition=standard-s
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

module purge
module load gcc/13.4.0
module load hpc-x/2.21.1
. "$HOME"/dask/bin/activate
export OMP_NUM_THREADS=1

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
srun --mpi=pmix_v5 --cpus-per-task=1 python dask_example.py
