# refused at 3: is not a variable's name
# qsub takes it
#$ -v 1A=2
