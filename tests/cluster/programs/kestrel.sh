#!/bin/bash -el
#SBATCH --time=00:05:00
#SBATCH --nodes=3 --ntasks-per-node=2 --cpus-per-task=2 --mem-per-cpu=512M

module purge
module load cray-mpich anaconda3
conda activate daskmpi
srun --ntasks-per-node=1 ip -brief -4 address show dev hsn0
srun --cpus-per-task=2 python report.py
srun --cpus-per-task=2 python dask_sum.py
