#!/bin/bash
#PBS -N train
#PBS -P ab12
#PBS -q gpuvolta
#PBS -l ncpus=24
#PBS -l ngpus=2
#PBS -l mem=190GB
#PBS -l jobfs=100GB
#PBS -l walltime=04:00:00
#PBS -l storage=scratch/ab12+gdata/hh5+massdata/ab12
#PBS -l software=matlab_anu
#PBS -l wd
#PBS -j oe
module load python3
