# refused at 3: a carriage return
# qsub takes it
#$ -N dos
