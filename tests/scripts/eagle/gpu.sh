#!/bin/bash
# hpcgen 0.1.0: site eagle, facts of 2023-08-24 to 2026-11-21
# made by: hpcgen slurm --site eagle --workload serial --account hpcapps --time 04:00:00 --cpus-per-task 18 --mem 80G --gpus 2 --conda torch train.py
#SBATCH --job-name=train
#SBATCH --account=hpcapps
#SBATCH --time=04:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=18
#SBATCH --mem=80G
#SBATCH --gres=gpu:2

module purge
module load conda
module load intel-mpi
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate torch || exit
export OMP_NUM_THREADS=18

python train.py
