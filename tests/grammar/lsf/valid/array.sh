#!/bin/bash
#BSUB -J "sweep[1-9:2,20]%3"
#BSUB -oo sweep.%J.%I.out
#BSUB -w 'done(12) && (exit("first run",>1) || ended(prep*))'
#BSUB -env "all, OMP_NUM_THREADS=4, ~DISPLAY"
#BSUB -gpu "num=2:mode=exclusive_process:mps=yes,nocvd:j_exclusive=yes:gmem=16G"
#BSUB -rn -W 45
true
