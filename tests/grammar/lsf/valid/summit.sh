#!/bin/bash
#BSUB -P CSC123            # the project
#BSUB -W 1:00
#BSUB -nnodes 4
#BSUB -alloc_flags "gpumps smt1"
#BSUB -q batch-hm
jsrun -n 24 ./solver
