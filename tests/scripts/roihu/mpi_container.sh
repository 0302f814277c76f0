#!/bin/bash
# hpcgen 0.1.0: site roihu, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site roihu --workload mpi --account project_2001234 --time 00:30:00 --nodes 2 --ntasks-per-node 4 --cpus-per-task 96 --mem 744G --image dask-mpi.sif --container-verb run solve.py --input 'a b'
#SBATCH --job-name=solve
#SBATCH --account=project_2001234
#SBATCH --time=00:30:00
#SBATCH --partition=medium
#SBATCH --nodes=2
#SBATCH --ntasks=8
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=96
#SBATCH --mem=744G

export OMP_NUM_THREADS=96
export OMP_PLACES=cores
export OMP_PROC_BIND=close
test -e dask-mpi.sif || { echo "hpcgen: there is no image" dask-mpi.sif >&2; exit 1; }
APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$(csc-common-bind)" || exit
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"

srun --cpus-per-task=96 --cpu-bind=cores apptainer run dask-mpi.sif solve.py --input 'a b'
