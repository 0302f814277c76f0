#!/usr/bin/env bash
# As dask-jobqueue writes the seed page's request.
#PBS -N dask-worker
#PBS -l walltime=00:20:00
#PBS -q normal
#PBS -P vp91
#PBS -l ncpus=48
#PBS -l mem=192GB
module load python3/3.11.0
