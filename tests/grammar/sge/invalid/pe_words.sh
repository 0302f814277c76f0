# refused at 2: -pe needs a name and slots
#$ -pe mpi
