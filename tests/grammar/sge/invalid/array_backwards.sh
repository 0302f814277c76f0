# refused at 3: holds nothing
# qsub takes it
#$ -t 9-1
