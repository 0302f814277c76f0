#!/bin/bash
# hpcgen 0.1.0: site roihu, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site roihu --workload serial --account project_2001234 --time 00:30:00 --cpus-per-task 72 --mem 200G --gpus-per-node gh200:1 --venv /projappl/project_2001234/train train.py
#SBATCH --job-name=train
#SBATCH --account=project_2001234
#SBATCH --time=00:30:00
#SBATCH --partition=gpumedium
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=72
#SBATCH --mem=200G
#SBATCH --gres=gpu:gh200:1

module purge
module load python-data
. /projappl/project_2001234/train/bin/activate || exit
export OMP_NUM_THREADS=72

python train.py
