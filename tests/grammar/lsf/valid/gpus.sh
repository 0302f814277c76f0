#!/bin/bash
#BSUB -n 4
#BSUB -gpu "num=1/task:mode=shared"
#BSUB -R "rusage[mem=4GB/task] span[ptile=2]"
true
