#!/bin/bash -l
#$ -N smoke
#$ -cwd
#$ -j y
#$ -o smoke.out
#$ -pe mpi 4
#$ -l h_rt=0:05:00

module load mpi/impi
cat "$PE_HOSTFILE"
python -c 'from mpi4py import MPI; print(MPI.Get_library_version())'
echo "slots $NSLOTS"
