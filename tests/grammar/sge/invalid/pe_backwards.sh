# refused at 3: the larger number last
# qsub takes it
#$ -pe mpi 8-4
