# refused at 2: the resource ncpus is given twice
#PBS -l ncpus=48,ncpus=96
