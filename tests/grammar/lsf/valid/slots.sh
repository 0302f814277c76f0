#!/bin/bash
#BSUB -J solver
#BSUB -P csc123
#BSUB -q normal
#BSUB -n 16
#BSUB -W 02:30
#BSUB -R "span[ptile=8] rusage[mem=2000]"
#BSUB -M 2GB
#BSUB -o logs/%J.out
#BSUB -e logs/%J.err
#BSUB -B
#BSUB -N
#BSUB -u me@example.org
#BSUB -x
mpiexec ./solver
