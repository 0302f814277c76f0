# refused at 3: unmatched '
# qsub takes it
#$ -N 'open
