#!/bin/bash
# hpcgen 0.1.0: site kestrel, facts of 2025-07-30 to 2026-11-21
# made by: hpcgen slurm --site kestrel --workload serial --account hpcapps --cpus-per-task 8 --mem 40G --gpus 1 --conda torch train.py --lr 0.1
#SBATCH --job-name=train
#SBATCH --account=hpcapps
#SBATCH --time=01:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=40G
#SBATCH --gpus=1

module load conda
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate torch || exit
export OMP_NUM_THREADS=8

python train.py --lr 0.1
