#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload serial --account vp91 --time 01:00:00 --cpus-per-task 8 --mem 30G --image /g/data/vp91/images/fit.sif fit.py
#PBS -N fit
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=01:00:00
#PBS -l ncpus=8
#PBS -l mem=30gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

module load singularity
module load openmpi/4.1.5
export OMP_NUM_THREADS=8
test -e /g/data/vp91/images/fit.sif || { echo "hpcgen: there is no image" /g/data/vp91/images/fit.sif >&2; exit 1; }
export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}$PWD"

singularity exec /g/data/vp91/images/fit.sif python fit.py
