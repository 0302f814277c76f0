#!/bin/bash -e
# hpcgen 0.1.0: site mahuika, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site mahuika --workload mpi --time 02:00:00 --ntasks 8 --mem-per-cpu 1500M --image simulate.sif simulate input.nml
#SBATCH --job-name=simulate
#SBATCH --time=02:00:00
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1500M

export I_MPI_PMI_LIBRARY=/lib64/libpmi2.so
export OMP_NUM_THREADS=1
test -e simulate.sif || { echo "hpcgen: there is no image" simulate.sif >&2; exit 1; }
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/lib64/libpmi2.so,$PWD"

srun --mpi=pmi2 --cpus-per-task=1 apptainer exec simulate.sif simulate input.nml
