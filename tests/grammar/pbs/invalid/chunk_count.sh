# refused at 2: a number of chunks: at least 1
#PBS -l select=0:ncpus=4
