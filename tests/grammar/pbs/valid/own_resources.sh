#!/bin/bash
# filesystems is Polaris' own resource of the whole job, model Pleiades' own of a chunk.
#PBS -l select=2:model=mil_ait:ngpus=4:ncpus=64
#PBS -l filesystems=home:eagle
#PBS -l walltime=90,cput=2:00:00
true
