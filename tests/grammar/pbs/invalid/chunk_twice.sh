# refused at 2: ncpus in one chunk is given twice
#PBS -l select=2:ncpus=4:ncpus=8
