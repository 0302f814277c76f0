# refused at 2: unknown option -g
#$ -g group
