#!/bin/bash -e
#SBATCH --job-name=plain
#SBATCH --account=nesi99999
#SBATCH --time=00:05:00
#SBATCH --ntasks=2 --cpus-per-task=1 --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --nodes=2 --ntasks=3 --cpus-per-task=4 --mem-per-cpu=3G

module purge
module load Python/3.9.9-gimkl-2020a

srun --mpi=pmi2 --het-group=0-1 python report.py
