#!/bin/bash
# hpcgen 0.1.0: site mahuika-cs400, facts of 2024-12-13 to 2026-11-21
# made by: hpcgen slurm --site mahuika-cs400 --time 01:00:00 --ntasks 6 --mem-per-cpu 1G --image my_container.sif --container-verb run dask_example.py
#SBATCH --job-name=dask_example
#SBATCH --time=01:00:00
#SBATCH --ntasks=6
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

export I_MPI_PMI_LIBRARY=/opt/slurm/lib64/libpmi2.so
export OMP_NUM_THREADS=1
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/opt/slurm/lib64/libpmi2.so,$PWD"

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
srun --mpi=pmi2 --cpus-per-task=1 apptainer run my_container.sif dask_example.py
