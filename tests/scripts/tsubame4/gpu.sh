#!/bin/bash
# hpcgen 0.1.0: site tsubame4, facts of 2026-11-21
# made by: hpcgen sge --site tsubame4 --workload serial --account tga-hpc --time 06:00:00 --cpus-per-task 8 --gpus 1 --conda torch train.py
# submit by hand: qsub -g tga-hpc job.sh
#$ -N train
#$ -l h_rt=06:00:00
#$ -l gpu_1=1
#$ -cwd
#$ -j y

. /etc/profile.d/modules.sh
module purge
module load miniconda/24.1.2
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate torch || exit
export OMP_NUM_THREADS=8

python train.py
