#!/bin/bash -l
#$ -N solver
#$ -cwd
#$ -pe mpi 8
#$ -l h_rt=12:00:00
#$ -l mem=4G
#$ -j y
#$ -o logs/
gerun ./solver
