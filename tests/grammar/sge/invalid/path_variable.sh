# refused at 3: $SCRATCH is not expanded
# qsub takes it
#$ -o $SCRATCH/out
