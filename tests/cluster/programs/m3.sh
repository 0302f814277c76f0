#!/bin/bash -e
#SBATCH --time=00:05:00
#SBATCH --nodes=3 --ntasks=6 --cpus-per-task=2 --mem-per-cpu=512M

module purge
module load python/3.11
srun --mpi=pmix --cpus-per-task=2 python report.py
srun --mpi=pmix --cpus-per-task=2 python dask_sum.py
