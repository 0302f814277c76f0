#!/bin/bash
# The last number may be left out where -n says how many there are.
#BSUB -n 4
#BSUB -R "1*{rusage[mem=4000]}+{rusage[mem=1000]}"
true
