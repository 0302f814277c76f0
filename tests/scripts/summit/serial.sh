#!/bin/bash
# hpcgen 0.1.0: site summit, facts of 2025-11-19 to 2026-11-21
# made by: hpcgen lsf --site summit --workload serial --account ABC123 --time 01:00:00 --cpus-per-task 7 --gpus 1 --conda /ccs/proj/abc123/fit fit.py
#BSUB -J fit
#BSUB -P ABC123
#BSUB -q batch
#BSUB -W 01:00
#BSUB -nnodes 1
#BSUB -o fit.%J.out

. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate /ccs/proj/abc123/fit || exit
export OMP_NUM_THREADS=7

jsrun -n 1 -a 1 -c 7 -g 1 -r 1 -b packed:7 -d packed python fit.py
