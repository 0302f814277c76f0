#!/bin/bash -e
#SBATCH --account=nesi99999
#SBATCH --time=00:05:00
#SBATCH --ntasks=4 --nodes=2 --cpus-per-task=1 --mem-per-cpu=512M

module purge
module load Python/3.9.9-gimkl-2020a
srun python dask_sum.py
