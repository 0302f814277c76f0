#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --account ap_course --time 01:00:00 --ntasks 4 --mem-per-cpu 2G --userbase '~/python' script.py 1000
#SBATCH --job-name=script
#SBATCH --account=ap_course
#SBATCH --time=01:00:00
#SBATCH --partition=zen2
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G

module --force purge
module load calcua/2023a
module load Python/3.11.3-GCCcore-12.3.0
export PYTHONUSERBASE="$HOME"/python
export PATH="$PYTHONUSERBASE/bin:$PATH"
export OMP_NUM_THREADS=1

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
srun --cpus-per-task=1 python script.py 1000
