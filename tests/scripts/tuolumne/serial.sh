#!/bin/bash
# hpcgen 0.1.0: site tuolumne, facts of 2026-07-01 to 2026-11-21
# made by: hpcgen flux --site tuolumne --workload serial --account guests --time 01:00:00 --cpus-per-task 21 --gpus 1 --venv /p/lustre5/me/venvs/fit fit.py
# flux: --job-name=fit
# flux: --setattr=bank=guests
# flux: --queue=pbatch
# flux: --time-limit=60m
# flux: --nodes=1
# flux: --nslots=1
# flux: --cores-per-slot=21
# flux: --gpus-per-slot=1
# flux: --exclusive
# flux: --setattr=thp=always

module load cray-python
. /p/lustre5/me/venvs/fit/bin/activate || exit
export OMP_NUM_THREADS=21

python fit.py
