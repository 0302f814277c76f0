# refused at 4: -N is given twice
# qsub takes it
#$ -N one
#$ -N two
