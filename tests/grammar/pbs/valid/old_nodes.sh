#!/bin/bash
# The old specification, as PBS converts it: select=4:ncpus=2:mpiprocs=2:mem=4gb.
#PBS -lnodes=4:ppn=2
#PBS -lmem=16gb
true
