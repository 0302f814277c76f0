#!/bin/bash -e
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site mahuika --workload serial --account nesi99999 --time 00:30:00 --mem 2G --output logs/%x-%A_%a.out --mail-type END,FAIL --mail-user someone@example.org --array 1-20%4 --comment 'first sweep, low priority' --directive --nice=100 sweep.py --seed 7
#SBATCH --job-name=sweep
#SBATCH --account=nesi99999
#SBATCH --time=00:30:00
#SBATCH --array=1-20%4
#SBATCH --output=logs/%x-%A_%a.out
#SBATCH --comment="first sweep, low priority"
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --mail-type=END,FAIL
#SBATCH --mail-user=someone@example.org
#SBATCH --nice=100

module purge
module load Python/3.9.9-gimkl-2020a
export OMP_NUM_THREADS=1

python sweep.py --seed 7
