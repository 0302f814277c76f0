#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload serial --account vp91 --time 10:00:00 --mem 180G --gpus 2 --venv /g/data/vp91/venvs/torch train.py
#PBS -N train
#PBS -P vp91
#PBS -q gpuvolta
#PBS -l walltime=10:00:00
#PBS -l ncpus=24
#PBS -l ngpus=2
#PBS -l mem=180gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

module load python3/3.11.0
module load openmpi/4.1.5
. /g/data/vp91/venvs/torch/bin/activate || exit
export OMP_NUM_THREADS=24

python train.py
