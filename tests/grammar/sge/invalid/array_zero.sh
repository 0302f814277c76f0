# refused at 2: they begin at 1
#$ -t 0-9
