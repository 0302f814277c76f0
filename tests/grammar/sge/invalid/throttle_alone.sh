# refused at 2: -tc without -t
#$ -tc 2
