#!/bin/bash
# Two small slots and three large ones.
#BSUB -n 5
#BSUB -R "2*{rusage[mem=1GB] affinity[core(1)]} + 3*{select[mem>12000] rusage[mem=12GB] affinity[core(4):distribute=pack]}"
true
