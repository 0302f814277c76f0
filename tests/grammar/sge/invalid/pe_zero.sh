# refused at 2: slots from 1 on
#$ -pe mpi 0
