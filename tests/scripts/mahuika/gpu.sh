#!/bin/bash -e
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site mahuika --workload serial --time 04:00:00 --cpus-per-task 8 --mem 40G --gpus a100:1 train.py
#SBATCH --job-name=train
#SBATCH --time=04:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=40G
#SBATCH --gpus-per-node=a100:1

module purge
module load Python/3.9.9-gimkl-2020a
export OMP_NUM_THREADS=8

python train.py
