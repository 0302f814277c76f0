# refused at 2: is not a value of -a
#$ -a 1
