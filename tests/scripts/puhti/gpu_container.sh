#!/bin/bash
# hpcgen 0.1.0: site puhti, facts of 2026-08-21 to 2026-11-21
# made by: hpcgen slurm --site puhti --workload serial --account project_2001234 --time 01:00:00 --cpus-per-task 10 --mem 80G --gpus-per-node v100:1 --image dask-mpi.sif train.py --lr 0.1
#SBATCH --job-name=train
#SBATCH --account=project_2001234
#SBATCH --time=01:00:00
#SBATCH --partition=gpu
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=10
#SBATCH --mem=80G
#SBATCH --gres=gpu:v100:1

export OMP_NUM_THREADS=10
test -e dask-mpi.sif || { echo "hpcgen: there is no image" dask-mpi.sif >&2; exit 1; }
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"
export SING_IMAGE=dask-mpi.sif
export SING_FLAGS="$SING_FLAGS --nv"

apptainer_wrapper exec python train.py --lr 0.1
