# refused at 3: is not n, or some of
# qsub takes it
#$ -m nb
