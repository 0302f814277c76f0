#!/bin/bash
# hpcgen 0.1.0: site eagle, facts of 2023-08-24 to 2026-11-21
# made by: hpcgen slurm --site eagle --account hpcapps --time 00:30:00 --ntasks 30 --mem-per-cpu 2G --conda daskmpi dask_mpi.py
#SBATCH --job-name=dask_mpi
#SBATCH --account=hpcapps
#SBATCH --time=00:30:00
#SBATCH --ntasks=30
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

module purge
module load conda
module load intel-mpi
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate daskmpi
export OMP_NUM_THREADS=1

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
mpiexec -n 30 python dask_mpi.py
