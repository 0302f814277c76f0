#!/bin/bash
# hpcgen 0.1.0: site aspire2a, facts of 2025-02-01 to 2026-11-21
# made by: hpcgen pbs --site aspire2a --workload serial --account personal-abc --time 01:00:00 --mem 110G --gpus 1 --image /app/apps/containers/tensorflow/tensorflow-nvidia-22.04-tf2-py3.sif hello.py
#PBS -N hello
#PBS -P personal-abc
#PBS -q normal
#PBS -l walltime=01:00:00
#PBS -l select=1:ncpus=16:mpiprocs=1:ompthreads=16:mem=110gb:ngpus=1
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module load singularity
export OMP_NUM_THREADS=16
test -e /app/apps/containers/tensorflow/tensorflow-nvidia-22.04-tf2-py3.sif || { echo "hpcgen: there is no image" /app/apps/containers/tensorflow/tensorflow-nvidia-22.04-tf2-py3.sif >&2; exit 1; }
export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}/scratch:/scratch,/home/project:/data/projects,$PWD"

singularity exec --nv /app/apps/containers/tensorflow/tensorflow-nvidia-22.04-tf2-py3.sif python hello.py
