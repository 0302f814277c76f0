#!/bin/bash
#PBS -N hybrid
#PBS -l nodes=2:ppn=4:gpus=1,pmem=2gb,walltime=02:30:00
#PBS -q batch
#PBS -d /scratch/me
#PBS -o $PBS_JOBID.out
#PBS -m abe
mpiexec ./solver
