#!/bin/bash -l
# hpcgen 0.1.0: site myriad, facts of 2025-02-17 to 2026-11-21
# made by: hpcgen sge --site myriad --workload mpi --time 2-00:00:00 --ntasks 36 --mem-per-cpu 4G ./lmp_intel
#$ -N lmp_intel
#$ -l h_rt=48:00:00
#$ -pe mpi 36
#$ -l mem=4G
#$ -cwd
#$ -j y

module load default-modules
export OMP_NUM_THREADS=1

gerun ./lmp_intel
