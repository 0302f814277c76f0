#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workload mpi --mpmd '2x4: atmosphere.py --levels 60' --hetjob --account user_project --time 01:00:00 --ntasks 6 --mem-per-cpu 1G --venv '~/dask' ocean.py
#SBATCH --job-name=ocean
#SBATCH --account=user_project
#SBATCH --time=01:00:00
#SBATCH --partition=standard-s
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --partition=standard-s
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=1G

module purge
module load gcc/13.4.0
module load hpc-x/2.21.1
. "$HOME"/dask/bin/activate || exit

srun --mpi=pmix_v5 --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 python ocean.py : \
     --het-group=1 --cpus-per-task=4 env OMP_NUM_THREADS=4 python atmosphere.py --levels 60
