#!/bin/bash
# hpcgen 0.1.0: site mahti, facts of 2026-11-21
# made by: hpcgen slurm --site mahti --workload mpi --account project_2001234 --time 02:00:00 --nodes 2 --ntasks-per-node 8 --cpus-per-task 16 --mem 0 --image dask-mpi.sif --container-verb run solve.py --input 'a b' :
#SBATCH --job-name=solve
#SBATCH --account=project_2001234
#SBATCH --time=02:00:00
#SBATCH --partition=medium
#SBATCH --nodes=2
#SBATCH --ntasks=16
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=16
#SBATCH --mem=0

export OMP_NUM_THREADS=16
export OMP_PLACES=cores
export OMP_PROC_BIND=close
test -e dask-mpi.sif || { echo "hpcgen: there is no image" dask-mpi.sif >&2; exit 1; }
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"
export SING_IMAGE=dask-mpi.sif

srun --cpus-per-task=16 --threads-per-core=1 --cpu-bind=cores bash -c 'exec apptainer_wrapper run solve.py --input '"'"'a b'"'"' :'
