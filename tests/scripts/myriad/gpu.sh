#!/bin/bash -l
# hpcgen 0.1.0: site myriad, facts of 2025-02-17 to 2026-11-21
# made by: hpcgen sge --site myriad --workload serial --time 12:00:00 --cpus-per-task 8 --mem 40G --gpus 1 --constraint L --array 1-10 --venv /home/ccaabcd/venvs/torch train.py
#$ -N train
#$ -l h_rt=12:00:00
#$ -pe smp 8
#$ -l mem=5G
#$ -l gpu=1
#$ -ac allow=L
#$ -t 1-10
#$ -cwd
#$ -j y

module load python3/recommended
. /home/ccaabcd/venvs/torch/bin/activate || exit
export OMP_NUM_THREADS=8

python train.py
