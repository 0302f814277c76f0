#!/bin/bash
# hpcgen 0.1.0: site mahuika-cs400, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen slurm --site mahuika-cs400 --workers 3 --cpus-per-worker 4 --hetjob --time 01:00:00 --mem-per-cpu 3G mydaskprogram.py
#SBATCH --job-name=mydaskprogram
#SBATCH --time=01:00:00
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --ntasks=3
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=3G

module purge
module load Python/3.9.9-gimkl-2020a
export I_MPI_PMI_LIBRARY=/opt/slurm/lib64/libpmi2.so

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
srun --mpi=pmi2 --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 python mydaskprogram.py : \
     --het-group=1 --cpus-per-task=4 env OMP_NUM_THREADS=4 python mydaskprogram.py
