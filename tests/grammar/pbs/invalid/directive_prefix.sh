# refused at 2: unknown option -C
#PBS -C #QSUB
