# refused at 2: is not N or N-M
#$ -t 1-4,7
