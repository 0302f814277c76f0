# refused at 2: is not slots
#$ -pe mpi all
